"""What all samplers share: the space as they see it, their errors, and their seeds.

Nothing heavy is imported here, so that naming the samplers costs nothing.
"""

from collections.abc import Mapping
from typing import Protocol

from gridruns import GridrunsError
from spaces import Value
from spaces.domains import Domain

EARLIER = "earlier"
"""The user attribute of an Optuna trial that stands for a result from elsewhere: its point may be run."""


class SamplerError(GridrunsError):
    """A sampler that isn't there, or one that can't search the space it was given."""


class SpaceExhausted(Exception):
    """Every point of a finite space has been given out; the search is over, nothing is wrong."""


class Order(Protocol):
    """A permutation of 0..n-1 that needn't be a list."""

    def __len__(self) -> int:
        """Return n."""
        ...

    def __getitem__(self, index: int, /) -> int:
        """Return the number at `index`, 0 <= index < n."""
        ...


class SpaceLike(Protocol):
    """The side of `spaces.Space` that samplers use."""

    @property
    def size(self) -> int | None:
        """How many points there are; None where a range has no step."""
        ...

    def point(self, index: int, /) -> dict[str, Value]:
        """Return the point at `index`, 0 <= index < size, the first flag fastest."""
        ...

    def key(self, point: Mapping[str, Value], /) -> str:
        """Return a text that is the same for equal points only."""
        ...

    def parameters(self) -> dict[str, Domain]:
        """Return what a sampler chooses: the parameters and their domains."""
        ...

    @property
    def names(self) -> tuple[str, ...]:
        """The flags, in order."""
        ...

    def applies(self, chosen: Mapping[str, Value], /) -> list[str]:
        """Return the parameters that apply where some are chosen, each after those it depends on."""
        ...

    def choices(self, index: int, /) -> dict[str, Value]:
        """Return the values of the parameters that make the point at `index`."""
        ...

    def assemble(self, params: Mapping[str, Value], /) -> dict[str, Value]:
        """Return the point that a choice for every parameter makes; what doesn't apply is left out."""
        ...

    def __contains__(self, point: object, /) -> bool:
        """Whether `point` is a point of the space: it keeps every condition and constraint."""
        ...

    def order(self, seed: int, /) -> Order:
        """Return a random order of all points, a pure function of space and seed."""
        ...


def stream_seed(seed: int, number: int) -> int:
    """Return the seed of one trial's random numbers, in [1, 2**32).

    NumPy's SeedSequence spreads (seed, number), so that neighbouring seeds and numbers share
    nothing. Never 0, which keras-tuner takes for "no seed".

    Args:
        seed: The sampler's seed, 0 or more.
        number: The trial's number within its study, 0 or more.
    """
    from numpy.random import SeedSequence

    words = SeedSequence(seed, spawn_key=(number,)).generate_state(2)
    return int(words[0]) or int(words[1]) or 1


def finite_size(space: SpaceLike) -> int:
    """Return the size of a finite space.

    Raises:
        SamplerError: It is infinite; the message names the flags that make it so.
    """
    if space.size is not None:
        return space.size
    endless = infinite_flags(space)
    verb, them = ("is a range", "it") if len(endless) == 1 else ("are ranges", "them")
    raise SamplerError(
        f"the sampler 'grid' needs a finite space, but {', '.join(endless)} {verb} without a step; "
        f"give {them} a step or a list of values, or choose the sampler 'random'"
    )


def infinite_flags(space: SpaceLike) -> list[str]:
    """The flags whose domain is a range without a step."""
    return [name for name, domain in space.parameters().items() if domain.size is None]
