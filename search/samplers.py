"""The table of samplers: a name, and how to make an Optuna sampler for a space.

Optuna and keras-tuner are imported when a sampler is made, not when the names are read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from gridruns import unknown
from search.sampling import SamplerError, SpaceExhausted, SpaceLike

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler

__all__ = [
    "ORDERS",
    "SAMPLERS",
    "SamplerError",
    "SpaceExhausted",
    "SpaceLike",
    "check_sampler",
    "make_sampler",
]

ORDERS = ("random", "grid")


def check_sampler(name: str) -> None:
    """Refuse a name that isn't in the table.

    Raises:
        SamplerError: The message lists the known names.
    """
    if name not in SAMPLERS:
        raise SamplerError(unknown("sampler", name, SAMPLERS))


def make_sampler(name: str, space: SpaceLike, *, seed: int, order: str = "random") -> BaseSampler:
    """Return the sampler `name` for a study of `space`.

    Args:
        name: One of `SAMPLERS`.
        space: What is searched.
        seed: 0 or more; the same seed proposes the same points.
        order: For "grid" alone: "random", or "grid" for the grid's own order, first flag fastest.

    Raises:
        SamplerError: There is no such sampler or order, the seed is no seed, or the sampler
            can't search this space.
    """
    check_sampler(name)
    if order not in ORDERS:
        raise SamplerError(unknown("order", order, ORDERS))
    if order == "grid" and name != "grid":
        raise SamplerError(f"order 'grid' is for the sampler 'grid', but got the sampler {name!r}")
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise SamplerError(f"seed must be an integer of at least 0, but got {seed!r}")
    return SAMPLERS[name](space, seed, order)


def _grid(space: SpaceLike, seed: int, order: str) -> BaseSampler:
    from search.grid import GridSampler, finite_size

    finite_size(space)
    return GridSampler(space, space.order(seed) if order == "random" else None)


def _random(space: SpaceLike, seed: int, order: str) -> BaseSampler:
    from optuna.samplers import RandomSampler

    from search.distinct import DistinctSampler
    from search.per_trial import PerTrialSampler

    return DistinctSampler(PerTrialSampler(RandomSampler, seed=seed), space, seed=seed)


def _keras_tuner_random(space: SpaceLike, seed: int, order: str) -> BaseSampler:
    from search.distinct import DistinctSampler
    from search.keras_tuner import random_oracle

    return DistinctSampler(random_oracle(space, seed=seed), space, seed=seed)


SAMPLERS: dict[str, Callable[[SpaceLike, int, str], BaseSampler]] = {
    "grid": _grid,
    "random": _random,
    "keras-tuner:random": _keras_tuner_random,
}
"""Every sampler by its name: made from a space, a seed and an order."""
