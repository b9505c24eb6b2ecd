"""Optuna's samplers as proposers: what each is shown of a space, and its settings.

Each trial gets a new sampler object with a seed of its own, so that the seed, the trial's number and what
has been told say everything, whatever ran before in this process. What else a sampler keeps is in its study
(`search.mirror`), which is rehearsed when a study is resumed.
"""

import warnings
from collections.abc import Callable

from optuna.exceptions import ExperimentalWarning
from optuna.samplers import (
    BaseSampler,
    CmaEsSampler,
    GPSampler,
    QMCSampler,
    RandomSampler,
    TPESampler,
)

from search.mirror import Mirror
from search.sampling import SpaceLike, stream_seed
from search.views import Show, View


def random(space: SpaceLike, seed: int) -> Mirror:
    """Uniform draws."""
    return Mirror(_each(lambda seeded: RandomSampler(seed=seeded), seed), View.of(space, Show.VALUES))


def tpe(space: SpaceLike, seed: int) -> Mirror:
    """Tree-structured Parzen estimator: all parameters that always occur together are drawn together.

    `group` does that in spaces with conditions too; without it what is conditional is drawn one by
    one. `constant_liar` keeps workers that draw at the same time apart.
    """

    def make(seeded: int) -> BaseSampler:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            return TPESampler(seed=seeded, multivariate=True, group=True, constant_liar=True)

    return Mirror(_each(make, seed), View.of(space, Show.ORDER), complete=False)


def gp(space: SpaceLike, seed: int) -> Mirror:
    """Gaussian process with expected improvement."""

    def make(seeded: int) -> BaseSampler:
        return GPSampler(seed=seeded, warn_independent_sampling=False)

    return Mirror(_each(make, seed), View.of(space, Show.ORDER))


def cmaes(space: SpaceLike, seed: int) -> Mirror:
    """CMA-ES. It knows numbers only, so every choice is its place, and at least two of them."""

    def make(seeded: int) -> BaseSampler:
        return CmaEsSampler(seed=seeded, warn_independent_sampling=False)

    return Mirror(_each(make, seed), View.of(space, Show.PLACES), rehearses=True, least=2)


def qmc(space: SpaceLike, seed: int) -> Mirror:
    """A scrambled Sobol sequence; the seed scrambles it."""
    scramble = stream_seed(seed, 0)

    def make(number: int) -> BaseSampler:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            return QMCSampler(scramble=True, seed=scramble, warn_independent_sampling=False)

    return Mirror(make, View.of(space, Show.PLACES), rehearses=True)


def given_sampler(sampler: BaseSampler, space: SpaceLike) -> Mirror:
    """A user's sampler. It sees the values as they are, and conditional parameters where they apply.

    It is rehearsed, so that a new object with the same seed goes on where the old one was; a
    Gaussian process isn't, since that would take as long as the first time.
    """
    rehearses = not isinstance(sampler, GPSampler)
    return Mirror(lambda number: sampler, View.of(space, Show.VALUES), rehearses=rehearses, complete=False)


def _each(make: Callable[[int], BaseSampler], seed: int) -> Callable[[int], BaseSampler]:
    """A new sampler for every trial's number."""
    return lambda number: make(stream_seed(seed, number))
