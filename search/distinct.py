"""No point twice: a sampler around another that passes on only points new to the study.

Over a finite space an inner sampler that keeps proposing old points is passed over, so that
every point is given out before the search ends, and each once.
"""

from collections.abc import Sequence
from itertools import chain
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from search.grid import is_fixed
from search.parameters import distributions, from_trial_params, to_trial_params
from search.sampling import SamplerError, SpaceExhausted, SpaceLike

DRAWS = 16
"""How often the inner sampler is asked for a new point before one is chosen for it."""


class DistinctSampler(BaseSampler):
    """Passes on the inner sampler's points as long as they are new to the study.

    Old are the points of all trials of the study, whatever became of them: told, still
    running, enqueued, or there before this sampler. After `DRAWS` old ones in a row the next
    point is, in a finite space, a uniformly random one of the new; in an infinite space, the last drawn.
    One object serves one study.

    Args:
        inner: The sampler to ask; it may sample relatively or independently.
        space: What is searched.
        seed: Of the random choice among the points that are left; 0 or more.
    """

    def __init__(self, inner: BaseSampler, space: SpaceLike, *, seed: int) -> None:
        self._inner = inner
        self._space = space
        self._seen = SeenPoints(space)
        self._order = None if space.size is None else space.order(seed)
        self._next = 0

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """Return every parameter: a point is new or old as a whole."""
        return distributions(self._space)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Return the parameters of a point that is new to the study.

        Raises:
            SpaceExhausted: A finite space holds none.
        """
        if is_fixed(trial, search_space):
            return {}
        self._seen.update(study)
        for _ in range(DRAWS):
            params = self._draw(study, trial, search_space)
            if not self._seen.holds(params):
                return params
        return params if self._order is None else self._left()

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """Ask the inner sampler."""
        return self._inner.sample_independent(study, trial, param_name, param_distribution)

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        """Tell the inner sampler."""
        self._inner.before_trial(study, trial)

    def after_trial(
        self, study: Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None
    ) -> None:
        """Tell the inner sampler."""
        self._inner.after_trial(study, trial, state, values)

    def reseed_rng(self) -> None:
        """Reseed the inner sampler."""
        self._inner.reseed_rng()

    def _draw(self, study: Study, trial: FrozenTrial, wanted: dict[str, BaseDistribution]) -> dict[str, Any]:
        relative = self._inner.infer_relative_search_space(study, trial)
        params = self._inner.sample_relative(study, trial, relative)
        return {
            name: params[name]
            if name in params
            else self._inner.sample_independent(study, trial, name, distribution)
            for name, distribution in wanted.items()
        }

    def _left(self) -> dict[str, Any]:
        """The first new point of a random order. What was old stays old, so the walk never turns back."""
        assert self._order is not None
        while self._next < len(self._order):
            index = self._order[self._next]
            params = dict(to_trial_params(self._space.point(index), self._space, index))
            if not self._seen.holds(params):
                return params
            self._next += 1
        raise SpaceExhausted(f"all {len(self._order)} points have been given out")


class SeenPoints:
    """The points of a study's trials, read forward: each trial once, and again while it has no point yet.

    Args:
        space: Trials that are no points of this space are left out.
    """

    def __init__(self, space: SpaceLike) -> None:
        self._space = space
        self._keys: set[str] = set()
        self._read = 0
        self._pending: list[int] = []

    def update(self, study: Study) -> None:
        """Take in the trials since the last call; their order in the study never changes."""
        # Not get_trials(): under the Hyperband pruner that shows the trials of one bracket only.
        trials = study._get_trials(deepcopy=False)
        unread = chain(self._pending, range(self._read, len(trials)))
        self._pending = [place for place in unread if not self._take(trials[place])]
        self._read = len(trials)

    def holds(self, params: dict[str, Any]) -> bool:
        """Whether a trial has the point that these parameters stand for."""
        return self._space.key(from_trial_params(params, self._space)) in self._keys

    def _take(self, trial: FrozenTrial) -> bool:
        """Remember the trial's point; False where it may yet get one."""
        params = {**trial.system_attrs.get("fixed_params", {}), **trial.params}
        try:
            point = from_trial_params(params, self._space)
        except SamplerError:
            return trial.state.is_finished()
        self._keys.add(self._space.key(point))
        return True
