"""Trials that do nothing, by a peer, recorded as it does: `python noop_peers.py PEER TRIALS RESULT.json`.

Writes the milliseconds a trial, after all imports; of Ray Tune from the first trial's report to the
last's, so that what it takes to begin and to end isn't in it.
"""

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any


def optuna(trials: int, folder: Path) -> float:
    """`study.optimize` with a study in SQLite."""
    import optuna

    study = optuna.create_study(storage=f"sqlite:///{folder}/study.db")
    began = time.monotonic()
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=trials)
    return time.monotonic() - began


def keras_tuner(trials: int, folder: Path) -> float:
    """A `RandomSearch` whose `run_trial` returns a number; it keeps a folder a trial."""
    import keras_tuner

    class Tuner(keras_tuner.RandomSearch):  # type: ignore[misc]
        def run_trial(self, trial: Any, *arguments: Any, **named: Any) -> float:
            return float(trial.hyperparameters.Float("x", 0, 1))

    tuner = Tuner(max_trials=trials, directory=folder, project_name="noop")
    began = time.monotonic()
    tuner.search(verbose=0)
    return time.monotonic() - began


def ray(trials: int, folder: Path) -> float:
    """A function trainable, in processes of Ray's, as many at once as there are cores."""
    import ray
    from ray import tune

    def train(config: dict[str, float]) -> None:
        tune.report({"loss": config["x"], "reported": time.time()})

    ray.init(log_to_driver=False)
    tuner = tune.Tuner(
        train,
        param_space={"x": tune.uniform(0, 1)},
        tune_config=tune.TuneConfig(num_samples=trials),
        run_config=tune.RunConfig(storage_path=str(folder), verbose=0),
    )
    results = tuner.fit()
    assert not results.errors and len(results) == trials
    moments = sorted(float(result.metrics["reported"]) for result in results if result.metrics)
    return (moments[-1] - moments[0]) * trials / (trials - 1)


if __name__ == "__main__":
    peer, count = sys.argv[1], int(sys.argv[2])
    with tempfile.TemporaryDirectory() as scratch:
        seconds = {"optuna": optuna, "keras-tuner": keras_tuner, "ray": ray}[peer](count, Path(scratch))
    Path(sys.argv[3]).write_text(json.dumps(1000 * seconds / count))
