"""Draw the points of a comparison: `python draw.py POINTS.json TRIALS SEED`."""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import keras_tuner
from work import SPACE, Point


def draw(trials: int, seed: int) -> list[Point]:
    """The points that RandomSearch tries with a seed."""
    oracle = keras_tuner.oracles.RandomSearchOracle(
        objective="val_loss", max_trials=trials, seed=seed, hyperparameters=_declared()
    )
    with tempfile.TemporaryDirectory() as folder:
        oracle._set_project_dir(folder, "draw")
        drawn = [oracle.create_trial(f"one-{number}") for number in range(trials)]  # one each
        return [dict(one.hyperparameters.values) for one in drawn]


def _declared() -> Any:
    hp = keras_tuner.HyperParameters()
    for name, values in SPACE.items():
        hp.Choice(name, values)
    return hp


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps(draw(int(sys.argv[2]), int(sys.argv[3]))))
