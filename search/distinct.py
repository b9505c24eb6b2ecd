"""No point twice and no point that isn't one: the sampler around whatever proposes.

A proposal that has run already, runs now, or breaks the space's law is put to the proposer again; after
some such answers the nearest free point is run, and where nothing near is free, any that is left. So a
finite space is given out exactly, and what a sampler has learnt still says where.
"""

from collections.abc import Iterable, Mapping
from itertools import chain
from random import Random
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.study import Study
from optuna.trial import FrozenTrial

from search.grid import is_fixed
from search.neighbours import DRAWS, boxes, neighbours
from search.parameters import distributions, encode, to_trial_params
from search.proposing import Choices, Proposer, point_of, taken
from search.sampling import EARLIER, SamplerError, SpaceExhausted, SpaceLike, stream_seed
from spaces import Value


class DistinctSampler(BaseSampler):
    """Gives each trial a point that is new to the study.

    Old are the points of all trials of the study, whatever became of them: told, still running, enqueued,
    or there before this sampler. One object serves one study.

    Args:
        proposer: What is asked.
        space: What is searched.
        seed: Of the choice among equally near points and among all that are left; 0 or more.
        asks: How often the proposer is asked for one trial.
        near: Whether a point near the first proposal is taken next; False where the
            proposer draws evenly, so that what is left is drawn evenly too.
        allow_duplicates: Whether old points will do.
    """

    def __init__(
        self,
        proposer: Proposer,
        space: SpaceLike,
        *,
        seed: int,
        asks: int = 16,
        near: bool = True,
        allow_duplicates: bool = False,
    ) -> None:
        self._proposer = proposer
        self._space = space
        self._seed = seed
        self._asks = asks
        self._near = near
        self._fresh = not allow_duplicates
        self._keys: set[str] = set()
        self._order = None if space.size is None else space.order(seed)
        self._next = 0
        self._read = 0
        self._unended: list[int] = []
        self._begun: set[int] = set()
        self._settled: set[int] = set()
        self._first: Choices | None = None

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """Return every parameter: a point is new or old as a whole."""
        return distributions(self._space)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Return the parameters of a point that is new to the study.

        Raises:
            SpaceExhausted: A finite space holds none.
            SamplerError: The proposer optimizes one metric and the study has several, or no point
                that keeps the space's law was found among very many.
        """
        if is_fixed(trial, search_space):
            return {}
        self._catch_up(study, trial.number)
        self._begin(trial.number)
        chosen = self._proposed() or self._near_by(trial.number)
        if chosen is None:
            return self._left(trial.number)
        domains = self._space.parameters()
        return {name: encode(name, domain, chosen[name]) for name, domain in domains.items()}

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """Refuse: a point is chosen as a whole."""
        raise ValueError(f"{param_name!r} is no parameter of the space")

    def _catch_up(self, study: Study, current: int) -> None:
        """Let the proposer know what has happened since the last call, in the order of the trials."""
        self._proposer.open(study)
        # Not get_trials(): under the Hyperband pruner that shows the trials of one bracket only.
        trials = study._get_trials(deepcopy=False)
        unread = chain(self._unended, range(self._read, len(trials)))
        self._unended = [place for place in unread if place == current or not self._take(trials[place])]
        self._read = len(trials)

    def _take(self, trial: FrozenTrial) -> bool:
        """Pass on what is new about a trial; True where nothing more can come."""
        number, found = trial.number, taken(trial, self._space)
        if found is not None and number not in self._settled:
            self._settle(number, *found, earlier=EARLIER in trial.user_attrs)
        if trial.state.is_finished() and number in self._begun:
            self._proposer.finish(number, trial)
        return trial.state.is_finished()

    def _settle(self, number: int, choices: Choices, point: Mapping[str, Value], earlier: bool) -> None:
        if number not in self._begun:
            self._begin(number)
            if self._proposer.rehearses:
                self._proposed()
        self._proposer.settle(number, choices)
        self._settled.add(number)
        if not earlier:
            self._keys.add(self._space.key(point))

    def _begin(self, number: int) -> None:
        self._proposer.begin(number)
        self._begun.add(number)
        self._first = None

    def _proposed(self) -> Choices | None:
        """The first proposal that may run, if one does within `asks`."""
        if self._order is not None and self._fresh and len(self._keys) >= len(self._order):
            return None
        for _ in range(self._asks):
            proposal = self._proposer.propose()
            if proposal is None or self._may_run(proposal):
                return proposal
            self._first = self._first or proposal
        return None

    def _near_by(self, number: int) -> Choices | None:
        """The nearest point to the first proposal that may run; None where the walk over all must find one.

        Raises:
            SamplerError: There are ranges, and nothing was found in them.
        """
        random, domains = Random(stream_seed(self._seed, number)), self._space.parameters()
        start = self._first if self._near else None
        candidates: Iterable[Choices] = ()
        if self._order is None:
            candidates = boxes(domains, start, random)
        elif start is not None:
            candidates = neighbours(domains, start, random)
        for candidate in candidates:
            if self._may_run(candidate):
                return candidate
        if self._order is None:
            raise SamplerError(f"none of {DRAWS:,} random points is new and keeps the law of the space")
        return None

    def _may_run(self, choices: Choices) -> bool:
        point = point_of(self._space, choices)
        return point is not None and not (self._fresh and self._space.key(point) in self._keys)

    def _left(self, number: int) -> dict[str, Any]:
        """The first new point of a random order. What was old stays old, so the walk never turns back."""
        assert self._order is not None
        if not self._fresh:
            index = self._order[stream_seed(self._seed, number) % len(self._order)]
            return dict(to_trial_params(self._space.point(index), self._space, index))
        while self._next < len(self._order):
            index = self._order[self._next]
            point = self._space.point(index)
            if self._space.key(point) not in self._keys:
                return dict(to_trial_params(point, self._space, index))
            self._next += 1
        raise SpaceExhausted(f"all {len(self._order)} points have been given out")
