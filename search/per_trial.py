"""A sampler whose random numbers depend on the seed and the trial's number alone.

A sampler with one long stream of random numbers starts it anew when a study is resumed and then
repeats itself. Here trial n draws from stream n, whatever was asked before.
"""

from collections.abc import Callable
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.study import Study
from optuna.trial import FrozenTrial

from search.sampling import stream_seed


class PerTrialSampler(BaseSampler):
    """A fresh sampler for every trial; for samplers that learn nothing from trials.

    Args:
        make: Makes a sampler from a seed in [1, 2**32).
        seed: 0 or more.
    """

    def __init__(self, make: Callable[[int], BaseSampler], *, seed: int) -> None:
        self._make = make
        self._seed = seed
        self._number = -1
        self._current: BaseSampler | None = None

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """Ask this trial's sampler."""
        return self._at(trial.number).infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Ask this trial's sampler; asked again, it goes on in the same stream."""
        return self._at(trial.number).sample_relative(study, trial, search_space)

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """Ask this trial's sampler."""
        return self._at(trial.number).sample_independent(study, trial, param_name, param_distribution)

    def _at(self, number: int) -> BaseSampler:
        if self._current is None or number != self._number:
            self._number = number
            self._current = self._make(stream_seed(self._seed, number))
        return self._current
