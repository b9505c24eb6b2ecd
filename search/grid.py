"""The default sampler: the points of a finite space one by one, in random order or in the grid's own.

Trial n gets the n-th point of the order: a pure function of space, seed and n. Nothing is
kept and no list of the grid is built, so a grid of 10^12 points costs what one of 10 costs.
"""

from typing import Any

from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.study import Study
from optuna.trial import FrozenTrial

from search.parameters import distributions, to_trial_params
from search.sampling import Order, SpaceExhausted, SpaceLike, finite_size
from spaces import Value


class GridSampler(BaseSampler):
    """Every point of a finite space once, without replacement; of a space with rules its valid points.

    Args:
        space: A finite space.
        order: Which point each trial gets; None for the grid's own order, first flag fastest.

    Raises:
        SamplerError: The space is infinite.
    """

    def __init__(self, space: SpaceLike, order: Order | None = None) -> None:
        self._size = finite_size(space)
        self._space = space
        self._order = order

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """Return every parameter: a point is chosen as a whole."""
        return distributions(self._space)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Return the point of this trial's number.

        Raises:
            SpaceExhausted: The number is past the last point.
        """
        if is_fixed(trial, search_space):
            return {}
        if trial.number >= self._size:
            raise SpaceExhausted(f"all {self._size} points have been given out")
        index, point = self.place(trial.number)
        return dict(to_trial_params(point, self._space, index))

    def place(self, number: int) -> tuple[int, dict[str, Value]]:
        """Return where in the space trial `number` is, and the point there."""
        index = number if self._order is None else self._order[number]
        return index, self._space.point(index)

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """Refuse: there is no value of a single parameter."""
        raise ValueError(f"{param_name!r} is no parameter of the space")


def is_fixed(trial: FrozenTrial, search_space: dict[str, BaseDistribution]) -> bool:
    """Whether a point of this search space was enqueued for a trial, so that nothing is to be sampled.

    Points are enqueued whole: what is missing doesn't apply.
    """
    fixed = trial.system_attrs.get("fixed_params", {})
    return bool(fixed) and all(name in search_space for name in fixed)
