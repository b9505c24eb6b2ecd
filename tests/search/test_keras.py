"""Real Keras training: the same numbers to the last bit, whatever runs the trials."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pandas as pd
import pytest

from results import leaderboard

pytestmark = pytest.mark.slow

SCRIPT = dedent("""
    import keras
    import numpy as np
    from keras import layers
    from spaces import flag_integer, flag_numeric, flags

    FLAGS = flags(flag_integer("nodes", 8, choices=[4, 8]), flag_numeric("dropout", 0.1, choices=[0.1, 0.5]))
    x = np.random.default_rng(0).random((256, 12), dtype="float32")
    y = (x.sum(axis=1) > 6).astype("float32")
    model = keras.Sequential([
        layers.Dense(FLAGS.nodes, activation="relu"),
        layers.BatchNormalization(),
        layers.Dropout(FLAGS.dropout),
        layers.Dense(1, activation="sigmoid"),
    ])
    model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
    model.fit(x, y, epochs=3, batch_size=32, validation_split=0.25, verbose=0)
    model.evaluate(x, y, verbose=0)
""")

# In a process of its own: `inline` sets the threads of the process it runs in.
SEARCH = """
import sys
from search import tuning_run
tuning_run("train.py", seed=7, threads=1, study="s", quiet=True, runs_dir=sys.argv[1], **eval(sys.argv[2]))
"""

WAYS = {
    "inline": {"executor": "inline"},
    "fork-1": {"workers": 1},
    "fork-2": {"workers": 2},
    "spawn-2": {"workers": 2, "start_method": "spawn"},
    "four-steps": {"workers": 2, "steps_per_execution": 4},
}
RAY = importlib.util.find_spec("ray") is not None
if RAY:
    WAYS["ray"] = {"executor": "ray", "workers": 2, "cpus_per_trial": 0.5}
without_ray = pytest.mark.skipif(not RAY, reason="NO RAY: pip install 'gridruns[ray]'")
OTHERS = ["inline", "fork-1", "spawn-2", "four-steps", pytest.param("ray", marks=without_ray)]


@pytest.fixture(scope="module")
def searches(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pd.DataFrame]:
    """The same search of four points in every way."""
    folder = tmp_path_factory.mktemp("keras")
    (folder / "train.py").write_text(SCRIPT)
    found = {}
    for name, asked in WAYS.items():
        subprocess.run([sys.executable, "-c", SEARCH, name, repr(asked)], check=True, cwd=folder)
        found[name] = leaderboard(folder / name / "s").sort_values("number", ignore_index=True)
    return found


@pytest.mark.parametrize(
    "way", ["inline", "fork-1", "spawn-2", "four-steps", pytest.param("ray", marks=without_ray)]
)
def test_the_same_seed_gives_the_same_numbers(way: str, searches: dict[str, pd.DataFrame]) -> None:
    compared = [
        name
        for name in searches["fork-2"].columns
        if name.startswith(("best_", "metric_", "eval_", "flag_")) or name in ("seed", "number", "rank")
    ]
    assert len(compared) > 12
    pd.testing.assert_frame_equal(searches[way][compared], searches["fork-2"][compared], check_exact=True)


def test_different_points_give_different_numbers(searches: dict[str, pd.DataFrame]) -> None:
    assert searches["fork-2"]["metric_val_loss"].nunique() == 4


def test_fit_and_evaluate_are_recorded(searches: dict[str, pd.DataFrame]) -> None:
    for runs in searches.values():
        row = runs.iloc[0]
        assert (row["samples"], row["validation_samples"], row["batch_size"]) == (192, 64, 32)
        assert (row["epochs"], row["epochs_completed"], row["optimizer"]) == (3, 3, "Adam")
        assert row["loss_function"] == "binary_crossentropy"
        assert row["learning_rate"] == pytest.approx(0.001)
        assert "Dropout" in row["model"]
        assert 0 < row["eval_loss"] < 2


def test_a_plain_python_gives_the_numbers_of_a_run(searches: dict[str, pd.DataFrame], tmp_path: Path) -> None:
    row = searches["fork-2"].iloc[0]
    seeded = f"import keras\nkeras.utils.set_random_seed({row['seed']})\n" + SCRIPT
    seeded += "\nprint(repr(model.history.history['val_loss'][-1]))\n"
    (tmp_path / "plain.py").write_text(seeded)
    variables = dict.fromkeys(["TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"], "1")
    done = subprocess.run(
        [sys.executable, "plain.py", f"--nodes={row['flag_nodes']}", f"--dropout={row['flag_dropout']}"],
        check=True, capture_output=True, text=True, cwd=tmp_path, env=os.environ | variables,
    )  # fmt: skip
    assert float(done.stdout.split()[-1]) == row["metric_val_loss"]
