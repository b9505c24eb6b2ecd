"""The experiments: the networks are the published ones, and each one's quick form runs through gridruns."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ruamel.yaml import YAML

from results import leaderboard
from spaces import load_space

ROOT = Path(__file__).resolve().parents[2]
DRIVER = str(ROOT / "benchmarks" / "experiments.py")
EXPERIMENTS: dict[str, dict[str, Any]] = YAML(typ="safe").load(ROOT / "benchmarks" / "experiments.yaml")

# Run scripts one after another, each up to its fit(), and say what they built and how they would train it.
BUILD = """
import json, runpy, sys
sys.path.insert(0, "scripts")
import keras
from spaces import provide

class Built(Exception):
    pass

def fit(model, x, y, **given):
    raise Built(model, given)

keras.Model.fit = fit
for script, values in json.loads(sys.argv[1]):
    try:
        with provide(values):
            runpy.run_path(f"scripts/{script}.py", run_name="__main__")
    except Built as built:
        model, given = built.args
    calls = [{"name": type(call).__name__, **vars(call)} for call in given.pop("callbacks", [])]
    plain = lambda parts: {key: part for key, part in parts.items() if isinstance(part, int | float | str)}
    print(json.dumps({
        "weights": model.count_params(),
        "layers": [[type(layer).__name__, getattr(layer, "units", getattr(layer, "rate", None))]
                   for layer in model.layers],
        "l2": [float(layer.kernel_regularizer.l2) for layer in model.layers
               if getattr(layer, "kernel_regularizer", None)],
        "optimizer": [type(model.optimizer).__name__, round(float(model.optimizer.learning_rate), 6),
                      getattr(model.optimizer, "momentum", None)],
        "loss": model.loss,
        "fit": plain(given),
        "callbacks": [plain(call) for call in calls],
    }))
"""

LAB = [
    ["tuning_lab", {}],
    ["tuning_lab", {"reduce_lr": False, "layers": 3, "units": 128}],
    ["tuning_lab", {"layers": 2, "l2": 0.001, "dropout": 0.3}],
]
NETWORKS = [
    ["mlp", {"network": "", "epochs": 20}],
    ["mlp", {}],
    ["mlp", {"network": "512/0.4 256/0.3 64/0.2"}],
    ["first_network", {}],
    ["cnn", {}],
    ["batch_norm", {}],
    ["batch_norm", {"size": "medium", "layers": 2, "batch_norm": True}],
    *LAB,
]


def python(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "2"} | environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What each of NETWORKS is, on images of MNIST's shape."""
    file = tmp_path_factory.mktemp("mnist") / "mnist.npz"
    images, digits = np.zeros((40, 28, 28), np.uint8), np.arange(40, dtype=np.uint8) % 10
    np.savez(file, x_train=images, y_train=digits, x_test=images, y_test=digits)
    done = python("-c", BUILD, json.dumps(NETWORKS), MNIST_NPZ=str(file))
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return {json.dumps(network): line for network, line in zip(NETWORKS, lines, strict=True)}


@pytest.mark.slow
def test_the_networks_have_the_published_numbers_of_weights(built: dict[str, dict[str, Any]]) -> None:
    weights = [built[json.dumps(network)]["weights"] for network in NETWORKS[:5]]
    assert weights == [7_850, 235_146, 550_346, 407_050, 1_199_882]


@pytest.mark.slow
def test_halving_and_batch_normalisation(built: dict[str, dict[str, Any]]) -> None:
    plain, normalised = (built[json.dumps(network)]["layers"] for network in NETWORKS[5:7])
    assert plain == [["Dense", 256], ["Dense", 128], ["Dense", 64], ["Dense", 10]]
    norm = ["BatchNormalization", None]
    assert normalised == [["Dense", 64], norm, ["Dense", 32], norm, ["Dense", 10]]


@pytest.mark.slow
def test_training_is_the_published_one(built: dict[str, dict[str, Any]]) -> None:
    found = [built[json.dumps(network)] for network in NETWORKS[:6]]
    assert {one["loss"] for one in found} == {"categorical_crossentropy"}
    assert [one["optimizer"][:2] for one in found] == [
        *[["RMSprop", 0.001]] * 3,
        ["SGD", 0.01],
        ["Adadelta", 1.0],
        ["RMSprop", 0.001],
    ]
    plans = [
        (one["fit"]["batch_size"], one["fit"]["epochs"], one["fit"]["validation_split"]) for one in found
    ]
    assert plans == [
        (128, 20, 0.2),
        (128, 30, 0.2),
        (128, 30, 0.2),
        (32, 10, 0.2),
        (128, 12, 0.2),
        (128, 25, 0.2),
    ]
    assert [one["callbacks"] for one in found] == [[]] * 6


@pytest.mark.slow
def test_the_lab_has_as_many_layers_as_it_says_and_its_callbacks(built: dict[str, dict[str, Any]]) -> None:
    reduced, fixed, regularised = (built[json.dumps(network)] for network in LAB)
    assert {tuple(one["optimizer"]) for one in (reduced, fixed, regularised)} == {("SGD", 0.1, 0.9)}
    assert [units for kind, units in fixed["layers"] if kind == "Dense"] == [128, 128, 128, 10]
    assert regularised["layers"] == [["Dense", 512], ["Dropout", 0.3]] * 2 + [["Dense", 10]]
    assert regularised["l2"] == [pytest.approx(0.001)] * 2
    assert [call["name"] for call in fixed["callbacks"]] == ["EarlyStopping"]
    stop, reduce = reduced["callbacks"]
    assert (stop["patience"], abs(stop["min_delta"]), stop["restore_best_weights"]) == (3, 0.0001, True)
    assert (reduce["name"], reduce["patience"], reduce["factor"]) == ("ReduceLROnPlateau", 1, 0.1)


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The runs directory of all experiments' quick forms."""
    runs_dir = tmp_path_factory.mktemp("runs")
    python(DRIVER, "run", "--quick", "--runs-dir", str(runs_dir))
    return runs_dir


@pytest.mark.slow
@pytest.mark.parametrize("name", EXPERIMENTS)
def test_the_quick_form_runs_and_is_recorded(quick: Path, name: str) -> None:
    runs = leaderboard(quick / f"{name}-seed1")
    assert set(runs["status"]) == {"completed"}
    assert set(runs["flag_data"]) == {"digits"}
    assert runs["epochs_completed"].tolist() == [1] * len(runs)
    assert np.isfinite(runs[["best_val_loss", "eval_loss"]].astype(float)).all(axis=None)
    assert runs["eval_accuracy"].between(0, 1).all()


@pytest.mark.slow
def test_the_tables_of_the_page_come_from_the_runs(quick: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- cnn -->\nold\n<!-- /cnn -->\nbetween\n<!-- mlp -->\n<!-- /mlp -->\nafter\n")
    shown = python(DRIVER, "tables", "--runs-dir", str(quick), "mlp", "cnn").stdout
    for _ in range(2):  # the second time changes nothing
        python(DRIVER, "tables", "--runs-dir", str(quick), "--into", str(page), "mlp", "cnn")
    text = page.read_text()
    assert text.count("gridruns tune scripts/mlp.py") == 1
    assert re.findall(r"^(before|old|between|after)$", text, re.MULTILINE) == ["before", "between", "after"]
    for line in shown.splitlines():
        assert line in ("mlp", "cnn") or line in text
    (run,) = leaderboard(quick / "mlp-seed1").itertuples()
    assert f"| 0.1180 / 0.9804 | {run.eval_loss:.4f} | {run.eval_accuracy:.4f} | " in shown


def test_what_was_not_run_says_so(tmp_path: Path) -> None:
    shown = python(DRIVER, "tables", "--runs-dir", str(tmp_path)).stdout
    rows = [line for line in shown.splitlines() if line.startswith("| ") and not line.startswith("| ---")]
    measured = [line for line in rows if re.search(r"\| 0 of [13] \|$", line)]
    assert measured and all("not run yet" in line for line in measured)
    assert len(measured) == 1 + 1 + 1 + 2 + 2 + 2 + 4 + 3 + 2 + 4 + 1 + 12 + 18 + 1 + 2


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_published_figures_are_of_networks_in_the_space(name: str) -> None:
    parts = EXPERIMENTS[name]
    assert (ROOT / "scripts" / f"{parts['script']}.py").exists()
    space = load_space(parts["space"])
    assert space.size is not None
    points = [space.point(i) for i in range(space.size)]
    names = parts.get("varies", [])
    shown = {
        ", ".join(
            f"{point[flag]:g}" if isinstance(point[flag], float) else str(point[flag]).lower()
            for flag in names
        )
        for point in points
    }
    assert len(shown) == len(points)
    assert set(parts.get("published", {})) <= shown
