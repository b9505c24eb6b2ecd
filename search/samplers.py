"""The table of samplers: a name, how to make it for a space, what it needs and what it can do.

Optuna and keras-tuner are imported when a sampler is made, not when the names are read.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from gridruns import unknown
from search.sampling import SamplerError, SpaceExhausted, SpaceLike, finite_size

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler

    from search.proposing import Proposer

__all__ = [
    "ORDERS",
    "SAMPLERS",
    "SamplerError",
    "SpaceExhausted",
    "SpaceLike",
    "check_sampler",
    "make_sampler",
    "resumed_sampler",
    "sampler_name",
]

ORDERS = ("random", "grid")
OBJECTS = {"BaseSampler": "optuna", "Oracle": "keras_tuner"}
"""The classes whose objects are samplers, and the packages that define them."""

NEEDS = {"GPSampler": "gp", "CmaEsSampler": "cmaes"}
"""Optuna's classes that find out only while they sample what isn't installed: the entry that says it."""


@dataclass(frozen=True)
class Entry:
    """What the table says of a sampler.

    Attributes:
        maker: Where its maker is, a function of a space and a seed; imported when it is called.
        needs: A package that gridruns doesn't depend on.
        extra: The extra that installs it.
        several: Whether it can optimize several metrics at once.
        asks: How often it is asked for a new point before the nearest one is taken.
        near: Whether the nearest one is taken; else any that is left, since it draws evenly.
        learns: Whether it goes by the results.
    """

    maker: str
    needs: str | None = None
    extra: str | None = None
    several: bool = False
    asks: int = 16
    near: bool = True
    learns: bool = True


def check_sampler(sampler: Any, metrics: int = 1) -> None:
    """Refuse what is no sampler, can't be made here, or can't optimize so many metrics.

    Args:
        sampler: A name from `SAMPLERS`, an Optuna `BaseSampler` or a keras-tuner `Oracle`.
        metrics: How many metrics the study has.

    Raises:
        SamplerError: One line that says why, and what to install or choose.
    """
    if not isinstance(sampler, str):
        kind = _kind(sampler)
        if kind == "Oracle" and metrics > 1:
            raise SamplerError(f"keras-tuner's oracles optimize one metric, but got {metrics}")
        for base in type(sampler).__mro__:
            if base.__name__ in NEEDS and kind == "BaseSampler":
                _check_installed(sampler_name(sampler), SAMPLERS[NEEDS[base.__name__]])
        return
    if sampler not in SAMPLERS:
        raise SamplerError(unknown("sampler", sampler, SAMPLERS))
    entry = SAMPLERS[sampler]
    _check_installed(sampler, entry)
    if metrics > 1 and not entry.several:
        able = ", ".join(name for name, other in SAMPLERS.items() if other.several)
        raise SamplerError(
            f"the sampler {sampler!r} optimizes one metric, but got {metrics} (able to: {able})"
        )


def _check_installed(name: str, entry: Entry) -> None:
    if entry.needs is not None and find_spec(entry.needs) is None:
        raise SamplerError(
            f"the sampler {name!r} needs the package {entry.needs}, which isn't installed: "
            f"pip install 'gridruns[{entry.extra}]'"
        )


def sampler_name(sampler: Any) -> str:
    """Return what study.json calls a sampler: its name in the table, or the class of an object."""
    return sampler if isinstance(sampler, str) else type(sampler).__name__


def resumed_sampler(recorded: str, given: Any = None) -> Any:
    """Return the sampler that a study goes on with.

    Args:
        recorded: What study.json calls it (`sampler_name`).
        given: The sampler that the caller gives, or None.

    Raises:
        SamplerError: It was an object and none is given again, or another one than recorded is given.
    """
    if given is None and recorded in SAMPLERS:
        return recorded
    if given is None:
        raise SamplerError(
            f"the sampler was a {recorded} object, which no file holds: resume from Python and give it again"
        )
    if sampler_name(given) != recorded:
        raise SamplerError(f"the sampler must be {recorded!r} as before, but got {sampler_name(given)!r}")
    return given


def make_sampler(
    sampler: Any, space: SpaceLike, *, seed: int, order: str = "random", allow_duplicates: bool = False
) -> BaseSampler:
    """Return a sampler for a study of `space`, to be asked by `search.parameters.suggest_all`.

    Args:
        sampler: A name from `SAMPLERS`, an Optuna `BaseSampler` or a keras-tuner `Oracle`. An object keeps
            its own seed, and serves one study.
        space: What is searched.
        seed: 0 or more; the same seed proposes the same points.
        order: For "grid" alone: "random", or "grid" for the grid's own order, first flag fastest.
        allow_duplicates: Whether a point may be given out twice.

    Raises:
        SamplerError: There is no such sampler or order, the seed is no seed, or the sampler
            can't search this space.
    """
    check_sampler(sampler)
    if order not in ORDERS:
        raise SamplerError(unknown("order", order, ORDERS))
    if order == "grid" and sampler != "grid":
        name = sampler_name(sampler)
        raise SamplerError(f"order 'grid' is for the sampler 'grid', but got the sampler {name!r}")
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise SamplerError(f"seed must be an integer of at least 0, but got {seed!r}")
    if sampler == "grid":
        return _grid(space, seed, order, allow_duplicates)
    from search.distinct import DistinctSampler

    entry, proposer = _proposer(sampler, space, seed)
    return DistinctSampler(
        proposer,
        space,
        seed=seed,
        asks=entry.asks,
        near=entry.near,
        allow_duplicates=allow_duplicates,
    )


def _grid(space: SpaceLike, seed: int, order: str, allow_duplicates: bool) -> BaseSampler:
    from search.grid import GridSampler

    if allow_duplicates:
        raise SamplerError("the sampler 'grid' gives out every point once, so it can't allow duplicates")
    finite_size(space)
    return GridSampler(space, space.order(seed) if order == "random" else None)


def _kind(sampler: Any) -> str:
    """Whether an object is a "BaseSampler" or an "Oracle", found without importing what would define them.

    Raises:
        SamplerError: It is neither.
    """
    for kind in type(sampler).__mro__:
        if OBJECTS.get(kind.__name__) == kind.__module__.split(".")[0]:
            return kind.__name__
    raise SamplerError(
        "sampler must be a name, an Optuna BaseSampler object or a keras-tuner Oracle object, "
        f"but got {sampler!r}"
    )


def _proposer(sampler: Any, space: SpaceLike, seed: int) -> tuple[Entry, Proposer]:
    """What proposes for a name or an object, and its entry."""
    if isinstance(sampler, str):
        entry = SAMPLERS[sampler]
        module, _, maker = entry.maker.rpartition(".")
        return entry, getattr(import_module(module), maker)(space, seed)
    if _kind(sampler) == "Oracle":
        from search.keras_tuner import given_oracle

        return Entry("", asks=4), given_oracle(sampler, space)
    from search.optuna_samplers import given_sampler

    return Entry("", several=True), given_sampler(sampler, space)


SAMPLERS: dict[str, Entry] = {
    "grid": Entry("search.grid.GridSampler", several=True, learns=False),
    "random": Entry("search.optuna_samplers.random", several=True, near=False, learns=False),
    "tpe": Entry("search.optuna_samplers.tpe", several=True, asks=4),
    "gp": Entry("search.optuna_samplers.gp", needs="torch", extra="gp", several=True, asks=2),
    "cmaes": Entry("search.optuna_samplers.cmaes", needs="cmaes", extra="cmaes"),
    "qmc": Entry("search.optuna_samplers.qmc", several=True, near=False, learns=False),
    "keras-tuner:random": Entry("search.keras_tuner.random_oracle", near=False, learns=False),
    "keras-tuner:bayesian": Entry("search.keras_tuner.bayesian_oracle", asks=2),
}
"""Every sampler by its name."""
