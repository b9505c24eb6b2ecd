"""What a search runs next: first what was cut off, then what the sampler proposes, never what is done.

The sampler `grid` has a plan, whose places are dealt out in order whatever ran before, so that the set
of completed points at the end is that of a search without interruption. Other samplers are told of all
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
from search.parameters import TrialParams, distributions, suggest_all, to_trial_params
from search.past import NOTHING, Past, content, point_of
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


class Numbers:
    """Deals out the numbers of trials: a point keeps the number it has, and no two points share one."""

    def __init__(self, past: Past, first: int = 0) -> None:
        """Begin with the numbers of the past.

        Args:
            past: What has been done.
            first: The least number for a point without a place of its own.
        """
        self._given = past.numbers
        self._taken = frozenset(past.numbers.values())
        self._next = max(first, past.next_number)

    def of(self, key: str, place: int | None = None) -> int:
        """The number of a point: the one it has, its place in the plan if that is free, or the next.

        Args:
            key: Its content.
            place: Its place in the plan, where the plan is fixed.
        """
        if key in self._given:
            return self._given[key]
        if place is not None and place not in self._taken:
            return place
        self._next += 1
        return self._next - 1


class Schedule:
    """Deals out the trials of a study and keeps the Optuna study that the sampler learns from.

    Attributes:
        settled: The runs of earlier searches that settle points of the plan.
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
        self._reported: dict[int, set[int]] = {}
        self._grid = sampler if isinstance(sampler, GridSampler) else None
        self._numbers = Numbers(past, study.planned if self._grid else 0)
        self._begun = self._replay()

    def assignments(self) -> Iterator[Assignment]:
        """The trials to run, each made when it is asked for.

        First come those that must be alone, while nothing else runs yet.
        """
        for key in sorted(self._begun, key=lambda key: key not in self._past.out_of_memory):
            yield self._fixed(key, self._numbers.of(key), self._begun[key])
        yield from self._planned(self._grid) if self._grid else self._proposed()

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

    def _replay(self) -> dict[str, TrialParams]:
        """Settle the points that are done, and return those that are to be run again, in their order."""
        past, planned = self._past, self.study.planned
        begun: dict[str, TrialParams] = {}
        for key, params in self._known():
            if len(self.settled) + len(begun) == planned:
                break
            if key in past.finals:
                self._settle(past.finals[key], params)
            else:
                begun[key] = params
        return begun

    def _known(self) -> Iterator[tuple[str, TrialParams]]:
        """The points that runs have had: of a fixed plan in its order, of others the done ones first."""
        ours = {key: point_of(key, self.study) for key in (*self._past.finals, *self._past.cut_off)}
        points = {key: point for key, point in ours.items() if point is not None}
        if self._grid is None:
            yield from ((key, to_trial_params(point, self.study.space)) for key, point in points.items())
            return
        for _, key, params in self._places(self._grid):
            if not points:
                return
            if points.pop(key, None) is not None:
                yield key, params

    def _places(self, grid: GridSampler) -> Iterator[tuple[int, str, TrialParams]]:
        """The points of a fixed plan: place, content, and what stands for it in the Optuna study."""
        for place in range(self.study.planned):
            index, point = grid.place(place)
            yield place, content(self.study.values(point)), to_trial_params(point, self.study.space, index)

    def _planned(self, grid: GridSampler) -> Iterator[Assignment]:
        for place, key, params in self._places(grid):
            if key not in self._past.finals and key not in self._begun:
                yield self._fixed(key, self._numbers.of(key, place), params)

    def _proposed(self) -> Iterator[Assignment]:
        for _ in range(self.study.planned - len(self.settled) - len(self._begun)):
            asked = self.engine.ask()
            try:
                point = suggest_all(asked, self.study.space)
            except SpaceExhausted:
                return
            values = self.study.values(point)
            yield self._assign(content(values), self._numbers.of(content(values)), values, asked)

    def _fixed(self, key: str, number: int, params: TrialParams) -> Assignment:
        """A trial at a point that needs no proposal."""
        self.engine.enqueue_trial(dict(params))
        asked = self.engine.ask()
        values = self.study.values(suggest_all(asked, self.study.space))
        return self._assign(key, number, values, asked)

    def _assign(self, key: str, number: int, values: Mapping[str, Value], asked: optuna.Trial) -> Assignment:
        attempt = 1 + self._past.attempts.get(key, 0)
        return Assignment(number, values, asked, attempt, alone=key in self._past.out_of_memory)

    def _settle(self, run: Run, params: TrialParams) -> None:
        """Tell the sampler of a run of an earlier search: the one place where it learns from files."""
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
