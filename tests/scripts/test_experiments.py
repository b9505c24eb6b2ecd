"""The experiments: the networks are the published ones, and each one's quick form runs through gridruns."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ruamel.yaml import YAML
from sklearn.datasets import load_digits

from benchmarks.experiments import main
from results import leaderboard
from spaces import Flag, load_space

ROOT = Path(__file__).resolve().parents[2]
DRIVER = str(ROOT / "benchmarks" / "experiments.py")
EXPERIMENTS: dict[str, dict[str, Any]] = YAML(typ="safe").load(ROOT / "benchmarks" / "experiments.yaml")

# Run scripts one after another, each up to its fit(), and say what they built and how they would train it.
BUILD = """
import contextlib, io, json, os, runpy, sys
sys.path.insert(0, "scripts")
with contextlib.redirect_stdout(io.StringIO()) as output:
    sys.argv[1:], asked = ["--data", "digits", "--epochs", "2", "--nodes1", "16"], sys.argv[1]
    runpy.run_path("scripts/mnist_grid_search.py", run_name="__main__")
print(json.dumps(output.getvalue().splitlines()))
import keras
from spaces import Declared, declaring, provide

class Built(Exception):
    pass

def fit(model, x, y, **given):
    raise Built(model, given)

def shown(layer):
    if isinstance(layer, keras.layers.Dropout):
        return f"~{layer.rate:g}" if layer.rate else ""
    size = getattr(layer, "units", getattr(layer, "filters", None))
    return type(layer).__name__ + (f"-{size}" if size else "")

def called(call):
    told = {"EarlyStopping": ("patience", "min_delta", "restore_best_weights"),
            "ReduceLROnPlateau": ("patience", "factor")}
    name = type(call).__name__
    return [name, call.monitor, *(getattr(call, known) for known in told[name])]

keras.Model.fit = fit
for script, values in json.loads(asked):
    try:
        with provide(values):
            runpy.run_path(f"scripts/{script}.py", run_name="__main__")
    except Built as built:
        model, given = built.args
    optimizer = model.optimizer
    print(json.dumps({
        "weights": model.count_params(),
        "layers": " ".join(filter(None, map(shown, model.layers))).replace("Dense-", ""),
        "l2": [round(float(layer.kernel_regularizer.l2), 6) for layer in model.layers
               if getattr(layer, "kernel_regularizer", None)],
        "optimizer": [type(optimizer).__name__, round(float(optimizer.learning_rate), 6),
                      getattr(optimizer, "momentum", 0.0), getattr(optimizer, "epsilon", None)],
        "loss": model.loss,
        "fit": [given["batch_size"], given["epochs"], given["validation_split"]],
        "callbacks": [called(call) for call in given.get("callbacks", [])],
    }))
try:
    with declaring():
        runpy.run_path("scripts/mnist_grid_search.py", run_name="__main__")
except Declared as declared:
    print(json.dumps([flag.to_json() for flag in declared.flags]))
sys.argv = ["", "--data", "letters"]
try:
    runpy.run_path("scripts/mnist_grid_search.py", run_name="__main__")
except SystemExit as left:
    print(json.dumps(left.code))
sys.argv, os.environ["MNIST_NPZ"] = [""], "nowhere.npz"
try:
    runpy.run_path("scripts/mnist_grid_search.py", run_name="__main__")
except FileNotFoundError as missing:
    print(json.dumps(missing.filename))
"""

# The driver's quick forms, and those of the two experiments that it doesn't run.
QUICK = f"""
import runpy, sys
from search import tuning_run
runs_dir, csv = sys.argv[1:]
sys.argv = ["", "run", "--quick", "--runs-dir", runs_dir]
runpy.run_path({DRIVER!r}, run_name="__main__")
how = dict(executor="inline", workers=1, threads=1, seed=1, runs_dir=runs_dir)
tuning_run("scripts/mnist_grid_search.py", "mnist_grid_search", set=("data=digits", "epochs=1"), trials=2,
           study="mnist_grid_search-seed1", **how)
tuning_run("scripts/mlp.py", "mlp_beside_cnn", set=(f"data={{csv}}", "held_out=test,holdout", "epochs=1"),
           order="grid", study="csv-seed1", **how)
"""

STOPPED = ["EarlyStopping", "val_loss", 3, 0.0001, True]
REDUCED = ["ReduceLROnPlateau", "val_loss", 1, 0.1]
CHAPTER = [["EarlyStopping", "val_loss", 5, 0, False], ["ReduceLROnPlateau", "val_loss", 10, 0.05]]
CNN = "Reshape Conv2D-32 Conv2D-64 MaxPooling2D ~0.25 Flatten 128 ~0.5 10"
RMSPROP, SGD, MOMENTUM = ["RMSprop", 0.001, 0.0], ["SGD", 0.01, 0.0], ["SGD", 0.1, 0.9]

# What is published of the first and the last network of each experiment's grid: the layers (Dense ones as
# their units, dropout as ~rate), the optimizer with its rate and momentum, then batch size, epochs and
# validation split, at last the callbacks.
PUBLISHED: dict[str, list[tuple[Any, ...]]] = {
    "logistic": [("10", RMSPROP, [128, 20, 0.2], [])],
    "mlp": [("256 ~0.4 128 ~0.3 10", RMSPROP, [128, 30, 0.2], [])],
    "rmsprop_epsilon": [("256 ~0.4 128 ~0.3 10", RMSPROP, [128, 30, 0.2], [])] * 2,
    "mlp_dropout": [
        ("784 512 10", RMSPROP, [1000, 20, 0.1], []),
        ("512 ~0.4 512 ~0.3 512 ~0.2 10", RMSPROP, [1000, 20, 0.1], []),
    ],
    "batch_size": [("512 10", SGD, [16, 10, 0.2], []), ("512 10", SGD, [512, 10, 0.2], [])],
    "optimizer": [
        ("512 10", SGD, [128, 10, 0.2], []),
        ("512 10", ["Adam", 0.001, 0.0], [128, 10, 0.2], []),
    ],
    "schedule": [
        ("512 10", MOMENTUM, [128, 20, 0.2], [STOPPED]),
        ("512 10", MOMENTUM, [128, 20, 0.2], [STOPPED, REDUCED]),
    ],
    "capacity": [
        ("128 10", MOMENTUM, [128, 20, 0.2], [STOPPED, REDUCED]),
        ("1024 1024 1024 10", MOMENTUM, [128, 20, 0.2], [STOPPED, REDUCED]),
    ],
    "batch_norm": [
        ("16 10", RMSPROP, [128, 25, 0.2], []),
        (
            "256 BatchNormalization 128 BatchNormalization 64 BatchNormalization 10",
            RMSPROP,
            [128, 25, 0.2],
            [],
        ),
    ],
    "regularisation": [
        ("512 512 10", MOMENTUM, [128, 20, 0.2], [STOPPED, REDUCED]),
        ("512 ~0.3 512 ~0.3 10", MOMENTUM, [128, 20, 0.2], [STOPPED, REDUCED]),
    ],
    "adam_annealed": [
        (
            "256 BatchNormalization ~0.4 128 BatchNormalization ~0.3 64 BatchNormalization ~0.2 10",
            ["Adam", 0.001, 0.0],
            [128, 35, 0.2],
            CHAPTER,
        )
    ],
    "mlp_beside_cnn": [("512 ~0.4 256 ~0.3 64 ~0.2 10", RMSPROP, [128, 30, 0.2], [])],
    "cnn": [
        (CNN, ["Adadelta", 1.0, 0.0], [128, 12, 0.2], []),
        (CNN, ["Adadelta", 0.001, 0.0], [128, 12, 0.2], []),
    ],
}
GRIDS: dict[str, dict[str, list[Any]]] = {
    "batch_size": {"batch_size": [16, 32, 128, 512]},
    "optimizer": {"optimizer": ["sgd", "rmsprop", "adam"]},
    "schedule": {"reduce_lr": [False, True]},
    "capacity": {"units": [128, 256, 512, 1024], "layers": [1, 2, 3]},
    "batch_norm": {"size": ["small", "medium", "large"], "layers": [1, 2, 3], "batch_norm": [False, True]},
    "regularisation": {"l2": [0, 0.001], "dropout": [0, 0.3]},
    "cnn": {"learning_rate": [1.0, 0.001]},
    "mnist_grid_search": {
        **{f"nodes{layer}": [64, 128, 256] for layer in (1, 2, 3)},
        **{f"dropout{layer}": [0.2, 0.3, 0.4] for layer in (1, 2, 3)},
        "optimizer": ["rmsprop", "adam"],
        "lr_annealing": [0.1, 0.05],
    },
}


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


def ends(name: str) -> list[dict[str, Any]]:
    """The first and the last point of an experiment's grid, with what is set besides."""
    space = load_space(EXPERIMENTS[name]["space"])
    assert space.size is not None
    return [space.point(i) for i in sorted({0, space.size - 1})]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What BUILD says: the networks of PUBLISHED by experiment, on images of MNIST's shape, and the rest."""
    file = tmp_path_factory.mktemp("mnist") / "mnist.npz"
    images, digits = np.zeros((40, 28, 28), np.uint8), np.arange(40, dtype=np.uint8) % 10
    np.savez(file, x_train=images, y_train=digits, x_test=images, y_test=digits)
    wanted = [(name, point) for name in PUBLISHED for point in ends(name)]
    asked = json.dumps([(EXPERIMENTS[name]["script"], point) for name, point in wanted])
    lines = [json.loads(line) for line in python("-c", BUILD, asked, MNIST_NPZ=str(file)).stdout.splitlines()]
    by_itself = lines.pop(0)
    found: dict[str, list[Any]] = {name: [] for name in PUBLISHED}
    for name, _ in wanted:
        found[name].append(lines.pop(0))
    return found, by_itself, *lines


@pytest.mark.slow
@pytest.mark.parametrize("name", PUBLISHED)
def test_the_networks_and_their_training_are_the_published_ones(name: str, built: Any) -> None:
    found = built[0][name]
    assert [
        (one["layers"], one["optimizer"][:3], one["fit"], one["callbacks"]) for one in found
    ] == PUBLISHED[name]
    assert {one["loss"] for one in found} == {"categorical_crossentropy"}


@pytest.mark.slow
def test_the_networks_have_the_published_numbers_of_weights(built: Any) -> None:
    """Of the normalised one by hand: weights, biases, and four numbers a unit that is normalised."""
    names = ("logistic", "mlp", "mlp_beside_cnn", "batch_size", "cnn", "adam_annealed")
    weights = [built[0][name][0]["weights"] for name in names]
    by_hand = 785 * 256 + 257 * 128 + 129 * 64 + 65 * 10 + 4 * (256 + 128 + 64)
    assert weights == [7_850, 235_146, 550_346, 407_050, 1_199_882, by_hand]


@pytest.mark.slow
def test_the_penalty_and_epsilon_are_what_the_spaces_say(built: Any) -> None:
    assert [one["l2"] for one in built[0]["regularisation"]] == [[0, 0], [0.001, 0.001]]
    assert [one["optimizer"][3] for one in built[0]["rmsprop_epsilon"]] == [1e-7, 1e-14]


@pytest.mark.slow
def test_the_searchs_flags_are_the_chapters(built: Any) -> None:
    declared = [Flag.from_json(flag) for flag in built[2]]
    assert {flag.name: flag.default for flag in declared} == {
        "nodes1": 256, "nodes2": 128, "nodes3": 64, "dropout1": 0.4, "dropout2": 0.3, "dropout3": 0.2,
        "optimizer": "rmsprop", "lr_annealing": 0.1, "data": "mnist", "epochs": 35, "batch_size": 128,
    }  # fmt: skip
    assert load_space("mnist_grid_search").checked(declared).size == 2916


@pytest.mark.slow
def test_a_mistyped_data_set_or_a_missing_file_stops_a_script(built: Any) -> None:
    assert built[3:] == (2, "nowhere.npz")


@pytest.mark.slow
def test_a_script_runs_by_itself(built: Any) -> None:
    lines = built[1]
    assert sum("val_accuracy" in line for line in lines) == 2
    assert "Epoch 2/2" in lines
    assert "12/12" in lines[-1]  # the test set, 360 images in batches of 32


@pytest.mark.parametrize("name", GRIDS)
def test_the_grids_are_the_published_ones(name: str) -> None:
    space = load_space(EXPERIMENTS.get(name, {}).get("space", name))
    assert space.size is not None
    points = [space.point(i) for i in range(space.size)]
    assert {flag: list(dict.fromkeys(point[flag] for point in points)) for flag in GRIDS[name]} == GRIDS[name]
    assert space.size == np.prod([len(values) for values in GRIDS[name].values()])


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The runs directory of all experiments' quick forms."""
    runs_dir = tmp_path_factory.mktemp("runs")
    images, labels = load_digits(return_X_y=True)
    head = ",".join(["label", *(f"pixel{i}" for i in range(images.shape[1]))])
    table = np.column_stack([labels, images * 255 // 16]).astype(int)
    np.savetxt(runs_dir / "digits.csv", table, fmt="%d", delimiter=",", header=head, comments="")
    python("-c", QUICK, str(runs_dir), str(runs_dir / "digits.csv"))
    return runs_dir


@pytest.mark.slow
@pytest.mark.parametrize("name", [*EXPERIMENTS, "mnist_grid_search", "csv"])
def test_the_quick_form_runs_and_is_recorded(quick: Path, name: str) -> None:
    runs = leaderboard(quick / f"{name}-seed1")
    assert set(runs["status"]) == {"completed"}
    assert set(runs["flag_data"]) == {str(quick / "digits.csv") if name == "csv" else "digits"}
    assert runs["epochs_completed"].tolist() == [1] * len(runs)
    assert np.isfinite(runs[["best_val_loss", "eval_loss"]].astype(float)).all(axis=None)
    assert runs["eval_accuracy"].between(0, 1).all()


@pytest.fixture
def tables(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """What `python benchmarks/experiments.py tables ...` prints."""

    def run(*arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", [DRIVER, "tables", *arguments])
        main()
        return capsys.readouterr().out

    return run


@pytest.mark.slow
def test_the_csvs_two_held_out_parts_are_both_evaluated(quick: Path) -> None:
    runs = leaderboard(quick / "csv-seed1").set_index("flag_held_out")
    assert set(runs.index) == {"test", "holdout"}
    assert runs.loc["test", "samples"] == runs.loc["holdout", "samples"]
    assert runs.loc["test", "eval_loss"] != runs.loc["holdout", "eval_loss"]


@pytest.mark.slow
def test_the_tables_of_the_page_come_from_the_runs(
    quick: Path, tmp_path: Path, tables: Callable[..., str]
) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- cnn -->\nold\n<!-- /cnn -->\nbetween\n<!-- mlp -->\n<!-- /mlp -->\nafter\n")
    shown = tables("--runs-dir", str(quick), "mlp", "cnn")
    for _ in range(2):  # the second time changes nothing
        assert tables("--runs-dir", str(quick), "--into", str(page), "mlp", "cnn") == ""
    text = page.read_text()
    assert text.count("gridruns tune scripts/mlp.py") == 1
    assert re.findall(r"^(before|old|between|after)$", text, re.MULTILINE) == ["before", "between", "after"]
    for line in shown.splitlines():
        assert line in ("mlp", "cnn") or line in text
    (run,) = leaderboard(quick / "mlp-seed1").itertuples()
    assert f"| 0.1180 / 0.9804 | {run.eval_loss:.4f} | {run.eval_accuracy:.4f} | " in shown


def test_what_was_not_run_says_so(tmp_path: Path, tables: Callable[..., str]) -> None:
    shown = tables("--runs-dir", str(tmp_path))
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
