"""keras-tuner's oracles as proposers.

Only `populate_space` of an oracle is called. What else it has keeps records in a project directory, prints
tables, holds locks that an error leaves held, and counts failures; the records that `populate_space`
reads are handed to it here instead. Finite domains are known to it by their places, since its Choice refuses
None and mixed types and its stepped floats lose the last step (0 to 1 in steps of 0.1 has no 1.0).
"""

import statistics
import warnings
from collections.abc import Callable, Mapping
from typing import Any, cast

from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial

from search.proposing import Choices
from search.quiet import quiet_import
from search.sampling import SamplerError, SpaceLike, stream_seed
from search.scales import Scale
from search.views import middle
from spaces import Value
from spaces.domains import Domain, Float, Int

OBJECTIVE = "objective"
RECORD_KEEPERS = ("create_trial", "update_trial", "end_trial")


def random_oracle(space: SpaceLike, seed: int) -> "OracleProposer":
    """Return a proposer that draws points by keras-tuner's RandomSearchOracle."""
    return _named("RandomSearchOracle", space, seed)


def bayesian_oracle(space: SpaceLike, seed: int) -> "OracleProposer":
    """Return a proposer of keras-tuner's BayesianOptimizationOracle: Gaussian process, confidence bound."""
    return _named("BayesianOptimizationOracle", space, seed)


def given_oracle(oracle: Any, space: SpaceLike) -> "OracleProposer":
    """Return a proposer around a user's oracle. Its hyperparameters and its objective become the study's.

    Raises:
        SamplerError: The oracle has trials of another search, or needs more of a search than points.
    """
    with quiet_import():
        import keras_tuner
    kind = type(oracle)
    if isinstance(oracle, keras_tuner.oracles.HyperbandOracle):
        raise SamplerError(
            f"a {kind.__name__} also sets the epochs of each trial; choose the pruner 'hyperband' instead"
        )
    overridden = [name for name in RECORD_KEEPERS if getattr(kind, name) != getattr(keras_tuner.Oracle, name)]
    if overridden:
        raise SamplerError(
            f"an oracle must propose in populate_space alone, but {kind.__name__} overrides "
            f"{' and '.join(overridden)}, which gridruns doesn't call"
        )
    if oracle.trials:
        raise SamplerError(f"an oracle must be new, but this {kind.__name__} has {len(oracle.trials)} trials")
    oracle.hyperparameters = _hyperparameters(keras_tuner, space)
    oracle.objective = keras_tuner.Objective(OBJECTIVE, "min")
    return OracleProposer(lambda number: oracle, space)


def _named(name: str, space: SpaceLike, seed: int) -> "OracleProposer":
    """A fresh oracle for every trial, so that nothing but the study's trials says what it proposes.

    An oracle's seeds s and s + 8 give the same sequence; here each trial has a seed of its own.
    """
    with quiet_import():
        import keras_tuner
    hyperparameters = _hyperparameters(keras_tuner, space)

    def make(number: int) -> Any:
        return getattr(keras_tuner.oracles, name)(
            objective=keras_tuner.Objective(OBJECTIVE, "min"),
            hyperparameters=hyperparameters,
            seed=stream_seed(seed, number),
        )

    return OracleProposer(make, space)


class OracleProposer:
    """A keras-tuner oracle as a proposer.

    It is told values of mean 0 and deviation 1, less is better: it supposes that of a trial
    that still runs.

    Args:
        make: The oracle for a trial, by the trial's number; a new one for each, or always the same.
        space: What is searched.
    """

    rehearses = False

    def __init__(self, make: Callable[[int], Any], space: SpaceLike) -> None:
        self._make = make
        self._domains = _free(space)
        self._fixed = {
            name: domain.value(0) for name, domain in space.parameters().items() if domain.size == 1
        }
        self._sign = 1.0
        self._number = -1
        self._oracle: Any = None
        self._trials: dict[int, Any] = {}
        self._values: dict[int, float] = {}

    def open(self, study: Study) -> None:
        """Take the direction.

        Raises:
            SamplerError: There are several.
        """
        if len(study.directions) > 1:
            raise SamplerError(f"keras-tuner's oracles optimize one metric, but got {len(study.directions)}")
        self._sign = -1.0 if study.direction is StudyDirection.MAXIMIZE else 1.0

    def begin(self, number: int) -> None:
        """Hand the records of all other trials to the oracle."""
        self._number, self._oracle = number, self._make(number)
        self._score()
        oracle = self._oracle
        oracle.trials = {trial.trial_id: trial for trial in self._trials.values()}
        running = [trial for trial in self._trials.values() if trial.status == "RUNNING"]
        oracle.ongoing_trials = {trial.trial_id: trial for trial in running}
        oracle.start_order = list(oracle.trials)
        oracle.end_order = [name for name in oracle.trials if name not in oracle.ongoing_trials]

    def propose(self) -> Choices | None:
        """Ask the oracle to fill the space; None where it has stopped or waits for other trials."""
        if not self._domains:
            return dict(self._fixed)
        from threadpoolctl import threadpool_limits

        # The cores are the trials', and on matrices this small threads only wait for each other.
        with threadpool_limits(1), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a Gaussian process fitted to few trials warns
            answer = self._oracle.populate_space(str(self._number))
        values = answer.get("values")
        if values is None:
            return None
        return {name: _value(domain, values[name]) for name, domain in self._domains.items()} | self._fixed

    def settle(self, number: int, choices: Mapping[str, Value]) -> None:
        """Write down what the trial was given; what doesn't apply has its middle value."""
        from keras_tuner.engine.trial import Trial

        hyperparameters = self._oracle.hyperparameters.copy()
        hyperparameters.values = {
            name: _number(domain, choices[name] if name in choices else middle(domain))
            for name, domain in self._domains.items()
        }
        self._trials[number] = Trial(hyperparameters, trial_id=str(number), status="RUNNING")

    def finish(self, number: int, trial: FrozenTrial) -> None:
        """Write down how the trial ended."""
        if number not in self._trials:
            return
        self._trials[number].status = "FAILED" if trial.values is None else "COMPLETED"
        if trial.values is not None:
            self._values[number] = self._sign * trial.values[0]

    def _score(self) -> None:
        """Score the completed trials anew."""
        if not self._values:
            return
        mean = statistics.fmean(self._values.values())
        spread = statistics.pstdev(self._values.values()) or 1.0
        for number, value in self._values.items():
            self._trials[number].score = (value - mean) / spread


def _hyperparameters(keras_tuner: Any, space: SpaceLike) -> Any:
    """The space in keras-tuner's terms, finite domains by their places; one value is no hyperparameter."""
    found = keras_tuner.HyperParameters()
    for name, domain in _free(space).items():
        if _by_place(domain):
            scale = Scale.of(domain)
            if scale.ordered:
                found.Int(name, 0, scale.size - 1)
            else:
                found.Choice(name, list(range(scale.size)), ordered=False)
        elif isinstance(domain, Int):
            found.Int(name, domain.low, domain.high, sampling="log")
        else:
            assert isinstance(domain, Float)
            found.Float(name, domain.low, domain.high, sampling="log" if domain.log else "linear")
    return found


def _free(space: SpaceLike) -> dict[str, Domain]:
    return {name: domain for name, domain in space.parameters().items() if domain.size != 1}


def _by_place(domain: Domain) -> bool:
    """Whether keras-tuner knows a domain by the places of its values; a logarithmic one it knows as it is."""
    return domain.size is not None and not (isinstance(domain, Int) and domain.log)


def _value(domain: Domain, proposed: int | float) -> Value:
    """The value of `domain` that an oracle's number stands for."""
    if _by_place(domain):
        return Scale.of(domain).value(int(proposed))
    assert isinstance(domain, Int | Float)
    # Its powers and products may pass an end of the range by one rounding.
    return min(max(proposed, domain.low), domain.high)


def _number(domain: Domain, value: Value) -> int | float:
    """The number by which an oracle knows a value; undoes `_value`."""
    return Scale.of(domain).place(value) if _by_place(domain) else cast(float, value)
