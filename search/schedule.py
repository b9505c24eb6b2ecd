"""What a search runs next: first what was cut off, then what the sampler proposes, never what is done.

The sampler `grid` has a plan, whose places are dealt out in order whatever ran before, so that the set
of completed points at the end is that of a search without interruption. Other samplers are told of all
finished trials before they propose more. A point may be run several times, each time with another seed;
the sampler is told their mean, once all have ended.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import count, islice
from pathlib import Path

import optuna
from optuna.trial import TrialState

from results.run import Run
from results.status import Status
from search.assignment import Assignment, Numbers, Proposal
from search.engine import new_engine
from search.foreign import foreign
from search.grid import GridSampler
from search.objective import Verdict, settled_values
from search.parameters import TrialParams, suggest_all
from search.past import NOTHING, Past, read_content
from search.pruners import gives_up
from search.samplers import sampler_name
from search.sampling import SamplerError, SpaceExhausted
from search.settled import Settled, means
from search.study import Study
from spaces import Value


class Schedule:
    """Deals out the trials of a study and keeps the Optuna study that the sampler learns from.

    Attributes:
        settled: The runs of earlier searches that settle trials of the plan.
        engine: The Optuna study, in memory.
        undealt: How many trials of the plan are neither settled nor dealt out yet; None for an open plan.
        elsewhere: How many trials of the plan other machines have settled since (search/storage).
        waiting: Whether nothing can be dealt out now, but perhaps later.
        valued: Whether another machine has had a value.
    """

    elsewhere = 0
    waiting = False
    valued = False

    def __init__(
        self,
        study: Study,
        sampler: optuna.samplers.BaseSampler,
        past: Past = NOTHING,
        earlier: Sequence[optuna.trial.FrozenTrial] = (),
    ) -> None:
        """Replay what is done into a new Optuna study.

        Args:
            study: What is searched.
            sampler: What proposes points.
            past: What has been done.
            earlier: Results from elsewhere, for the sampler to begin with.
        """
        self.study = study
        self.engine = new_engine(sampler, study)
        self.engine.add_trials(earlier)
        self.settled: list[Run] = []
        self._past = past
        self._dealt: Iterator[Assignment] | None = None
        self._grid = sampler if isinstance(sampler, GridSampler) else None
        self._done = Settled(study, past, self._grid)
        self._places: dict[str, int | None] = {}  # of the points that were begun
        self._numbers = Numbers(past, (study.planned or 0) if self._grid else 0)
        self._begun = self._replay()
        self.undealt = None if study.planned is None else study.planned - len(self.settled)

    def next(self) -> Assignment | None:
        """The next trial to run; None where there is none, or none now (`waiting`)."""
        if self._dealt is None:
            self._dealt = self.assignments()
        return next(self._dealt, None)

    def assignments(self) -> Iterator[Assignment]:
        """The trials to run, each made when it is asked for.

        First come those that must be alone, while nothing else runs yet.
        """
        for assignment in self._all():
            if self.undealt is not None:
                self.undealt -= 1
            yield assignment

    def _all(self) -> Iterator[Assignment]:
        for key in sorted(self._begun, key=lambda key: not self._done.ran_out_of_memory(key)):
            yield from self._fixed(key, self._begun[key], self._places[key])
        yield from self._planned(self._grid) if self._grid else self._proposed()

    def report(self, assignment: Assignment, step: int, metrics: Mapping[str, float]) -> bool:
        """Let the pruner learn what a running trial has logged; whether it gives the trial up.

        A step without the metric, or one that was reported before, says nothing.
        """
        value, reported = metrics.get(self.study.metric.name), assignment.proposal.reported
        if value is None or step in reported:
            return False
        reported.add(step)
        return gives_up(assignment.proposal.asked, step, value)

    def started(self, assignment: Assignment, run_dir: Path) -> None:
        """Take in where a trial is being recorded."""

    def close(self) -> None:
        """Let go of what was dealt out and hasn't ended."""

    def tell(self, assignment: Assignment, verdict: Verdict) -> None:
        """Take in how a trial went; the sampler learns of its point when that was the last of its runs."""
        proposal = assignment.proposal
        proposal.left -= 1
        if verdict.value is not None:
            proposal.told.append((verdict.value, *verdict.also))
        if proposal.left:
            return
        if proposal.told and verdict.status is Status.PRUNED:
            self.engine.tell(proposal.asked, state=TrialState.PRUNED)
        else:
            self._tell(proposal.asked.number, proposal.told)

    def _tell(self, number: int, told: Sequence[tuple[float, ...]]) -> None:
        """Let the sampler know the values of a point's runs that have ended well; none is a failure."""
        if told:
            self.engine.tell(number, means(told))
        else:
            self.engine.tell(number, state=TrialState.FAIL)

    def _replay(self) -> dict[str, TrialParams]:
        """Settle the points that are done, and return those that are to be run again, in their order."""
        begun: dict[str, TrialParams] = {}
        settled = 0
        for place, key, params in self._done.known():
            if settled + len(begun) == self.study.points:
                break
            runs = self._done.finals(key)
            self.settled += runs
            if len(runs) == self.study.repeats:
                settled += 1
                self._settle(runs, params)
            else:
                begun[key], self._places[key] = params, place
        points = self.study.points
        self._left = None if points is None else points - settled - len(begun)
        return begun

    def _planned(self, grid: GridSampler) -> Iterator[Assignment]:
        for place, key, params in self._done.places(grid):
            if key not in self._begun and len(self._done.finals(key)) < self.study.repeats:
                yield from self._fixed(key, params, place)

    def _proposed(self) -> Iterator[Assignment]:
        for _ in islice(count(), self._left):  # without an end where the plan is open
            try:
                asked, point = self._ask()
            except SpaceExhausted:
                return
            yield from self._runs(self._done.key(point), self._proposal(asked, point))

    def _ask(self) -> tuple[optuna.Trial, dict[str, Value]]:
        """A point that the sampler proposes, with the Optuna trial to be told about it.

        Raises:
            SpaceExhausted: There are no more.
            SamplerError: The sampler itself went wrong.
        """
        with foreign(f"the sampler {sampler_name(self.study.sampler)}", SamplerError, (SpaceExhausted,)):
            asked = self.engine.ask()
            return asked, suggest_all(asked, self.study.space)

    def _fixed(self, key: str, params: TrialParams, place: int | None = None) -> Iterator[Assignment]:
        """The trials at a point that needs no proposal, as far as they aren't done."""
        self.engine.enqueue_trial(dict(params))
        asked = self.engine.ask()
        proposal = self._proposal(asked, suggest_all(asked, self.study.space))
        for values in self._ended(key):
            proposal.left -= 1
            if values is not None:
                proposal.told.append(values)
        yield from self._runs(key, proposal, place)

    def _ended(self, key: str) -> list[tuple[float, ...] | None]:
        """The values of those runs of a point that needn't be run again."""
        return [settled_values(run, self.study.metric, self.study.also) for run in self._done.finals(key)]

    def _has_ended(self, run: str) -> bool:
        """Whether a run of a point, given by its content, needn't be run again."""
        return run in self._past.finals

    def _proposal(self, asked: optuna.Trial, point: Mapping[str, Value]) -> Proposal:
        study = self.study
        return Proposal(study.values(point), study.inactive(point), asked, study.repeats)

    def _runs(self, key: str, proposal: Proposal, place: int | None = None) -> Iterator[Assignment]:
        """A trial for each run of a point that isn't done."""
        for run in self._done.keys(key):
            if not self._has_ended(run):
                _, repeat = read_content(run)
                number = self._numbers.of(run, None if place is None else place * self.study.repeats + repeat)
                attempt = 1 + self._past.attempts.get(run, 0)
                yield Assignment(number, proposal, repeat, attempt, run in self._past.out_of_memory)

    def _settle(self, runs: Sequence[Run], params: TrialParams) -> None:
        """Tell the sampler of a point of an earlier search."""
        self.engine.add_trial(self._done.ended_trial(runs, params))
