"""What a search runs next: first what was cut off, then what the sampler proposes, never what is done.

For the sampler `grid` trial number k is the k-th point of the plan, whatever ran before, so that the set of
completed points at the end is that of a search without interruption. Other samplers are told of all
finished trials before they propose more.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import optuna
from optuna.trial import TrialState

from results.run import Run
from results.status import Status
from search.grid import GridSampler
from search.objective import Verdict, settled_value
from search.parameters import distributions, suggest_all, to_trial_params
from search.past import NOTHING, Past, content
from search.pruners import gives_up
from search.sampling import SpaceExhausted
from search.study import Study
from spaces import Value


@dataclass(frozen=True)
class Assignment:
    """A trial to run.

    Attributes:
        number: The trial's number.
        values: The value of every flag.
        asked: The Optuna trial to be told about it.
        attempt: 1 for the first time.
        alone: Whether nothing may run beside it.
    """

    number: int
    values: Mapping[str, Value]
    asked: optuna.Trial
    attempt: int = 1
    alone: bool = False


class Schedule:
    """Deals out the trials of a study and keeps the Optuna study that the sampler learns from.

    Attributes:
        settled: The runs of an earlier search that settle points of the plan.
        engine: The Optuna study, in memory.
    """

    def __init__(self, study: Study, sampler: optuna.samplers.BaseSampler, past: Past = NOTHING) -> None:
        """Replay what is done into a new Optuna study.

        Args:
            study: What is searched.
            sampler: What proposes points.
            past: What has been done.
        """
        self.study = study
        self.engine = new_engine(sampler, study)
        self.settled: list[Run] = []
        self._past = past
        self._sampler = sampler
        self._reported: dict[int, set[int]] = {}

    def assignments(self) -> Iterator[Assignment]:
        """The trials to run, each made when it is asked for."""
        if isinstance(self._sampler, GridSampler):
            return self._planned(self._sampler)
        return self._proposed()

    def report(self, assignment: Assignment, step: int, metrics: Mapping[str, float]) -> bool:
        """Let the pruner learn what a running trial has logged; whether it gives the trial up.

        A step without the metric, or one that was reported before, says nothing.
        """
        value = metrics.get(self.study.metric.name)
        if value is None or step in self._reported.setdefault(assignment.number, set()):
            return False
        self._reported[assignment.number].add(step)
        return gives_up(assignment.asked, step, value)

    def tell(self, assignment: Assignment, verdict: Verdict) -> None:
        """Let the sampler learn how a trial went."""
        self._reported.pop(assignment.number, None)
        if verdict.value is None:
            self.engine.tell(assignment.asked, state=TrialState.FAIL)
        elif verdict.status is Status.PRUNED:
            self.engine.tell(assignment.asked, state=TrialState.PRUNED)
        else:
            self.engine.tell(assignment.asked, verdict.value)

    def _planned(self, grid: GridSampler) -> Iterator[Assignment]:
        for number in range(self.study.planned):
            index, point = grid.place(number)
            run = self._past.finals.get(content(self.study.values(point)))
            params = to_trial_params(point, self.study.space, index)
            if run is None:
                yield self._fixed(number, params)
            else:
                self._settle(run, params)

    def _proposed(self) -> Iterator[Assignment]:
        space = self.study.space
        for run in self._past.finals.values():
            point = {name: run.flags.get(name) for name in space.names}
            if point in space and len(self.settled) < self.study.planned:
                self._settle(run, to_trial_params(point, space))
        begun = len(self.settled)
        for number, values in self._past.cut_off.items():
            point = {name: values[name] for name in space.names}
            if point in space and begun < self.study.planned:
                begun += 1
                yield self._fixed(number, to_trial_params(point, space))
        for number in range(self._past.next_number, self._past.next_number + self.study.planned - begun):
            asked = self.engine.ask()
            try:
                point = suggest_all(asked, space)
            except SpaceExhausted:
                return
            yield self._assign(number, point, asked)

    def _fixed(self, number: int, params: Mapping[str, str | int | float]) -> Assignment:
        """A trial at a point that needs no proposal."""
        self.engine.enqueue_trial(dict(params))
        asked = self.engine.ask()
        return self._assign(number, suggest_all(asked, self.study.space), asked)

    def _assign(self, number: int, point: Mapping[str, Value], asked: optuna.Trial) -> Assignment:
        values = self.study.values(point)
        return Assignment(number, values, asked, 1 + self._past.attempts.get(content(values), 0))

    def _settle(self, run: Run, params: Mapping[str, str | int | float]) -> None:
        self.settled.append(run)
        name = self.study.metric.name
        curve = {epoch.step: epoch.metrics[name] for epoch in run.epochs if name in epoch.metrics}
        value = settled_value(run, self.study.metric)
        state = TrialState.COMPLETE if value is not None else TrialState.FAIL
        if value is not None and run.status is Status.PRUNED:
            # As Optuna's own `tell` does it: the value of a pruned trial is its last.
            value, state = curve[max(curve)], TrialState.PRUNED
        self.engine.add_trial(
            optuna.trial.create_trial(
                state=state,
                value=value,
                params=dict(params),
                distributions=distributions(self.study.space),
                intermediate_values=curve,
            )
        )


def new_engine(sampler: optuna.samplers.BaseSampler, study: Study) -> optuna.Study:
    """An in-memory Optuna study that logs nothing on the user's screen.

    Its name is a function of the seed, since Optuna's Hyperband deals trials out to its brackets by it.
    """
    pruner = optuna.pruners.NopPruner() if study.pruner is None else study.pruner.make()
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        return optuna.create_study(
            direction=study.metric.direction,
            sampler=sampler,
            pruner=pruner,
            study_name=f"gridruns-{study.seed}",
        )
    finally:
        optuna.logging.set_verbosity(before)
