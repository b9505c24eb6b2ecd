"""keras-tuner's oracles behind Optuna's sampler interface.

Only `populate_space` of an oracle is called: what else it has keeps records in a project
directory, prints tables and holds locks. Finite domains are known to it by their indexes, since its
Choice refuses None and mixed types and its stepped floats lose the last step (0 to 1 in
steps of 0.1 has no 1.0).
"""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.study import Study
from optuna.trial import FrozenTrial

from search.parameters import distributions, encode
from search.per_trial import PerTrialSampler
from search.sampling import SpaceLike
from spaces import Value
from spaces.domains import Choice, Domain, Float, Int


def random_oracle(space: SpaceLike, *, seed: int) -> BaseSampler:
    """Return a sampler that draws points by keras-tuner's RandomSearchOracle.

    A fresh oracle for every trial, with a seed of its own: an oracle's seeds s and s + 8 give
    the same sequence, and one that has met 20 old points gives up. Old points are `DistinctSampler`'s care.
    Importing keras-tuner brings TensorFlow and takes seconds; it happens here, unheard.

    Args:
        space: What is searched.
        seed: 0 or more.
    """
    with _quiet_import():
        import keras_tuner
    hyperparameters = _hyperparameters(keras_tuner, space)

    def make(trial_seed: int) -> BaseSampler:
        oracle = keras_tuner.oracles.RandomSearchOracle(
            objective=keras_tuner.Objective("objective", "min"),
            hyperparameters=hyperparameters,
            seed=trial_seed,
        )
        return OracleSampler(oracle, space)

    return PerTrialSampler(make, seed=seed)


class OracleSampler(BaseSampler):
    """A keras-tuner oracle as a sampler.

    Args:
        oracle: Has the hyperparameters that `random_oracle` gives it.
        space: What is searched.
    """

    def __init__(self, oracle: Any, space: SpaceLike) -> None:
        self._oracle = oracle
        self._space = space

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """Return every parameter: an oracle fills them all at once."""
        return distributions(self._space)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Return the values that the oracle proposes."""
        answer = self._oracle.populate_space(str(trial.number))
        values = answer["values"]
        if values is None:
            raise RuntimeError(f"keras-tuner's oracle proposed nothing and is {answer['status']}")
        domains = self._space.parameters()
        return {name: encode(name, domain, _value(domain, values[name])) for name, domain in domains.items()}

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """Refuse: an oracle knows no single parameter."""
        raise ValueError(f"{param_name!r} is no parameter of the space")


def _hyperparameters(keras_tuner: Any, space: SpaceLike) -> Any:
    """The space in keras-tuner's terms, finite domains as indexes."""
    found = keras_tuner.HyperParameters()
    for name, domain in space.parameters().items():
        if isinstance(domain, Choice):
            found.Choice(name, list(range(domain.size)), ordered=False)
        elif isinstance(domain, Int) and domain.log:
            found.Int(name, domain.low, domain.high, sampling="log")
        elif domain.size is not None:
            found.Int(name, 0, domain.size - 1)
        else:
            assert isinstance(domain, Float)
            found.Float(name, domain.low, domain.high, sampling="log" if domain.log else "linear")
    return found


def _value(domain: Domain, proposed: int | float) -> Value:
    """The value of `domain` that an oracle's number stands for."""
    if isinstance(domain, Choice):
        return domain.value(cast(int, proposed))
    if domain.size is not None and not domain.log:
        return domain.value(int(proposed))
    # Its powers and products may pass an end of the range by one rounding.
    return min(max(proposed, domain.low), domain.high)


@contextmanager
def _quiet_import() -> Iterator[None]:
    """Keep what TensorFlow's C++ prints on file descriptor 2 off the screen; show it if an import fails."""
    sys.stderr.flush()
    screen = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            held.seek(0)
            os.write(screen, held.read())
            raise
        finally:
            os.dup2(screen, 2)
            os.close(screen)
