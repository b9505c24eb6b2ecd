"""The training script of the grid search, run as a user runs it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from spaces import Flag, load_space

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = "scripts/mnist_grid_search.py"

CHAPTER = {
    "nodes1": 256,
    "nodes2": 128,
    "nodes3": 64,
    "dropout1": 0.4,
    "dropout2": 0.3,
    "dropout3": 0.2,
    "optimizer": "rmsprop",
    "lr_annealing": 0.1,
}


def python(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "2"} | environ,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_it_runs_by_itself() -> None:
    done = python(SCRIPT, "--data", "digits", "--epochs", "2", "--nodes1", "16")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("val_accuracy") == 2
    assert "Epoch 2/2" in done.stdout
    assert "12/12" in done.stdout.splitlines()[-1]  # the test set, 360 images in batches of 32


@pytest.mark.slow
def test_its_flags_and_its_network_are_the_chapters() -> None:
    """The network's count: 784-256-128-64-10 weights, biases and four numbers a unit that is normalised."""
    program = f"""
import json, runpy, sys, numpy as np
sys.path.insert(0, "scripts")
import data, keras
from spaces import Declared, declaring, provide
try:
    with declaring():
        runpy.run_path({SCRIPT!r}, run_name="__main__")
except Declared as declared:
    flags = declared.flags
x, y = np.zeros((40, 784), "float32"), np.eye(10, dtype="float32")[np.arange(40) % 10]
data.load = lambda name: data.Data(x, y, x, y)
fitted = {{}}
fit = keras.Model.fit
def spy(model, *arguments, **given):
    fitted.update(given)
    return fit(model, *arguments, **given)
keras.Model.fit = spy
with provide({{"epochs": 1}}):
    model = runpy.run_path({SCRIPT!r}, run_name="__main__")["model"]
stop, reduce = fitted["callbacks"]
print(json.dumps({{
    "flags": [flag.to_json() for flag in flags],
    "layers": [type(layer).__name__ for layer in model.layers],
    "rates": [layer.rate for layer in model.layers if hasattr(layer, "rate")],
    "weights": model.count_params(),
    "loss": model.loss,
    "optimizer": type(model.optimizer).__name__,
    "fit": [fitted["batch_size"], fitted["validation_split"], stop.patience, reduce.factor],
}}))
"""
    done = python("-c", program)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])

    declared = [Flag.from_json(flag) for flag in found["flags"]]
    defaults = {flag.name: flag.default for flag in declared}
    assert defaults == CHAPTER | {"data": "mnist", "epochs": 35, "batch_size": 128}
    assert load_space("mnist_grid_search").checked(declared).size == 2916

    assert found["layers"] == ["Dense", "BatchNormalization", "Dropout"] * 3 + ["Dense"]
    assert found["rates"] == [0.4, 0.3, 0.2]
    assert found["weights"] == (784 + 1) * 256 + (256 + 1) * 128 + (128 + 1) * 64 + (64 + 1) * 10 + 4 * (
        256 + 128 + 64
    )
    assert (found["loss"], found["optimizer"]) == ("categorical_crossentropy", "RMSprop")
    assert found["fit"] == [128, 0.2, 5, 0.1]


@pytest.mark.slow
def test_mnist_is_never_replaced(tmp_path: Path) -> None:
    done = python(SCRIPT, "--epochs", "1", MNIST_NPZ=str(tmp_path / "nowhere.npz"))
    assert done.returncode == 1
    assert "nowhere.npz" in done.stderr
    assert "Epoch" not in done.stdout


@pytest.mark.slow
def test_a_mistyped_flag_stops_it() -> None:
    done = python(SCRIPT, "--data", "letters")
    assert done.returncode == 2
    assert "letters" in done.stderr.splitlines()[-1]
    assert "Epoch" not in done.stdout
