"""keras-tuner hypermodels under gridruns: build functions and HyperModels, unchanged."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gridruns import GridrunsError
from results import leaderboard
from results.pages.run_facts import command_of
from results.run import read_run
from search import rerun, resume, training_run, tuning_run
from search.declared import declared_space, reachable
from search.executor import Declarations
from search.hypermodel import fit_arguments, flag_name
from search.study_file import read_raw
from spaces import flag_boolean, flag_integer
from tests.search.support import Write

ROOT = Path(__file__).resolve().parents[2]

# The example of keras-tuner's documentation, for digits.
DOCUMENTED = """
    import keras
    from keras import layers
    from sklearn.datasets import load_digits

    def load_data():
        x, y = load_digits(return_X_y=True)
        x = x / 16
        return (x[:300], y[:300]), (x[300:500], y[300:500])

    def build_model(hp):
        model = keras.Sequential()
        model.add(layers.Flatten())
        for i in range(hp.Int("num_layers", 1, 3)):
            model.add(
                layers.Dense(
                    units=hp.Int(f"units_{i}", min_value=32, max_value=64, step=32),
                    activation=hp.Choice("activation", ["relu", "tanh"]),
                )
            )
        if hp.Boolean("dropout"):
            model.add(layers.Dropout(rate=0.25))
        model.add(layers.Dense(10, activation="softmax"))
        learning_rate = hp.Float("lr", min_value=1e-4, max_value=1e-2, sampling="log")
        model.compile(
            optimizer=keras.optimizers.Adam(learning_rate=learning_rate),
            loss="sparse_categorical_crossentropy",
            metrics=["accuracy"],
        )
        return model

    if __name__ == "__main__":
        raise RuntimeError("this part isn't to be run")
"""

# A HyperModel with a fit of its own, names that are no flags, a scope, and a batch size of its own.
OWN_FIT = """
    import keras
    import keras_tuner
    import numpy

    def data():
        rng = numpy.random.default_rng(0)
        x = rng.normal(size=(64, 4))
        return {"x": x, "y": x.sum(axis=1), "validation_split": 0.25, "verbose": 0}

    class Model(keras_tuner.HyperModel):
        def build(self, hp):
            kind = hp.Choice("kind", ["plain", "deep"])
            model = keras.Sequential([keras.Input((4,))])
            with hp.conditional_scope("kind", ["deep"]):
                units = hp.Int("dense/units", 2, 8, step=2)
                if kind == "deep":
                    model.add(keras.layers.Dense(units))
            model.add(keras.layers.Dense(1))
            rate = hp.Choice("learning rate", [0.1, 0.01])
            model.compile(keras.optimizers.SGD(rate), loss="mse")
            return model

        def fit(self, hp, model, *args, **kwargs):
            kind = hp.get("kind")
            assert ("dense/units" in hp) is (kind == "deep")
            return model.fit(*args, batch_size=hp.Choice("batch_size", [16, 32]), **kwargs)

    tuned = Model()
"""

slow = pytest.mark.slow


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def cli(*words: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "import sys; from search.cli import main; sys.exit(main())", "tune"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [*command, *map(str, words)], capture_output=True, text=True, check=False, env=environment
    )


@slow
@pytest.mark.parametrize(
    "options",
    [
        ["--set", "lr=0.001,0.01"],  # with that the space is finite, and the grid is random
        ["--sampler", "tpe", "--pruner", "median"],
    ],
)
def test_the_documented_example_is_searched(write: Write, options: list[str]) -> None:
    file = write(DOCUMENTED, "hm.py")
    done = cli(
        f"{file}:build_model", "--data", f"{file}:load_data", "--study", "s", "--trials", 4, "--seed", 1,
        "--workers", 1, *options, "--", "--epochs", 2,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    runs = leaderboard("runs/s")
    assert len(runs) == 4
    assert set(runs["status"]) <= {"completed", "pruned"}
    assert runs["best_val_loss"].notna().all()
    assert set(runs["flag_epochs"]) == {2}
    for row in runs.to_dict("records"):
        for layer in range(3):
            assert (row[f"flag_units_{layer}"] in (32, 64)) is (layer < row["flag_num_layers"])
        made = read_run(row["run_dir"]).properties["model"]
        assert made.count("(Dense)") == row["flag_num_layers"] + 1
        assert ("Dropout" in made) is row["flag_dropout"]
    assert read_raw(Path("runs/s"))["space"]["only"] == [
        ["units_1", "num_layers in (2, 3)"],
        ["units_2", "num_layers == 3"],
    ]


@slow
def test_a_hypermodel_with_a_fit_goes_on_and_is_run_again(write: Write) -> None:
    file = write(OWN_FIT, "hm.py")
    asked: dict[str, Any] = {
        "data": "data",
        "study": "s",
        "seed": 1,
        "quiet": True,
        "arguments": ["--epochs", "2"],
    }
    runs = tuning_run(f"{file}:Model", trials=2, **asked)
    raw = read_raw(Path("runs/s"))
    assert raw["script"]["entry"]["without"] == ["batch_size"]
    assert {flag["name"]: flag["description"] for flag in raw["flags"]} == {
        "kind": "kind",
        "dense_units": "dense/units",
        "learning_rate": "learning rate",
        "batch_size": "batch_size",
        "epochs": "of fit()",
    }
    assert raw["space"]["only"] == [["dense_units", "kind == 'deep'"]]

    assert len(tuning_run(f"{file}:Model", trials=3, **asked)) == 3
    with pytest.raises(GridrunsError, match="hypermodel and data Model with data -> tuned with data"):
        tuning_run(f"{file}:tuned", trials=4, **asked)
    raw = read_raw(Path("runs/s"))
    Path("runs/s/study.json").write_text(json.dumps({**raw, "planned": 4}))
    runs = resume("s", quiet=True)
    assert set(runs["status"]) == {"completed"} and len(runs) == 4
    for row in runs.to_dict("records"):
        run = read_run(row["run_dir"])
        assert run.properties["batch_size"] == row["flag_batch_size"]
        assert len(run.epochs) == 2

    command = command_of(run)
    assert command.startswith(f"gridruns train {file}:Model --data {file}:data --seed ")
    again = rerun(runs.iloc[0], quiet=True)
    assert again.equal, again.differences


@slow
@pytest.mark.parametrize("returned", ["{'val_loss': x, 'mae': 2 * x}", "x"])
def test_what_fit_returns_is_logged(write: Write, returned: str) -> None:
    text = (
        OWN_FIT[: OWN_FIT.index("        def fit")]
        + f"""
        def fit(self, hp, model, x, y, callbacks, **kwargs):
            for epoch in range(kwargs["epochs"]):
                model(x)
                for callback in callbacks:
                    callback.on_epoch_end(epoch, {{"val_loss": 1.0 - epoch / 10}})
            x = 0.5
            return {returned}
    """
    )
    file = write(text, "hm.py")
    run = training_run(f"{file}:Model", data="data", arguments=["--epochs", "2"], quiet=True)
    epochs = read_run(run["run_dir"].iloc[0]).epochs
    last = {"objective": 0.5} if returned == "x" else {"val_loss": 0.5, "mae": 1.0}
    assert [(epoch.step, epoch.metrics) for epoch in epochs] == [
        (1, {"val_loss": 1.0}), (2, {"val_loss": 0.9}), (3, last)
    ]  # fmt: skip


@slow
def test_what_was_not_found_before_is_never_a_default(write: Write) -> None:
    together = 'hp.Boolean("a") and hp.Boolean("b") and hp.Int("hidden", 1, 2)\n        return model'
    file = write(DOCUMENTED.replace("return model", together), "hm.py")
    arguments = ["--num_layers", "1", "--a", "true", "--b", "true", "--epochs", "1"]
    run = training_run(f"{file}:build_model", data="load_data", arguments=arguments, quiet=True)
    assert run["status"].iloc[0] == "completed"  # `b` depends on `a`, `hidden` on `b`

    file = write(DOCUMENTED.replace("return model", together.replace("and hp.B", "& hp.B")), "hm.py")
    run = training_run(f"{file}:build_model", data="load_data", arguments=arguments, quiet=True)
    assert run["status"].iloc[0] == "failed"
    assert "asks for 'hidden', which it didn't ask for when" in str(
        read_run(run["run_dir"].iloc[0]).failure.get("message")
    )


@slow
@pytest.mark.parametrize(
    ("name", "data", "changes", "message"),
    [
        ("build", "load_data", {}, r"hm.py can't be searched: hm.py: unknown name 'build'.*build_model"),
        ("keras", "load_data", {}, "keras must be a function build.hp. or a HyperModel, but is module"),
        ("build_model", "load", {}, "unknown name 'load'; did you mean 'load_data'"),
        ("build_model", "load_data", {"return (x[:300]": "return 1, (x[:300]"}, "but got a tuple of 3"),
        ("build_model", "load_data", {"return model": "return None"}, "a Keras model, but got NoneType"),
        ("build_model", "load_data", {'"activation"': '"units/0"'}, "'units_0' and 'units/0'"),
        ("build_model", "load_data", {"model = keras": "model = 1 / 0, keras"}, r"ZeroDivi.*line 12\)"),
    ],
)  # fmt: skip
def test_mistakes_are_one_line_and_nothing_is_written(
    write: Write, name: str, data: str, changes: dict[str, str], message: str
) -> None:
    text = DOCUMENTED
    for before, after in changes.items():
        assert before in text
        text = text.replace(before, after)
    file = write(text, "hm.py")
    with pytest.raises(GridrunsError, match=message) as raised:
        tuning_run(f"{file}:{name}", data=data, trials=2, quiet=True, executor="inline")
    assert "\n" not in str(raised.value)
    assert not Path("runs").exists()


def build_here(hp: Any) -> None:
    """A hypermodel that a file has under a name."""


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"file": "hm.py:build"}, "the hypermodel 'build' needs data"),
        ({"hypermodel": build_here}, "the hypermodel 'build_here' needs data"),
        ({"file": "hm.py", "data": "load"}, "data is for a hypermodel, FILE.py:NAME"),
        ({"hypermodel": "hm.py", "data": "load"}, "hypermodel must be named as FILE.py:NAME"),
        ({"file": "hm.py:build", "data": "other.py"}, "data must be named as FILE.py:NAME"),
        ({"file": "hm.py:build", "data": "load"}, "'hm.py' doesn't exist"),
        ({"hypermodel": lambda hp: None, "data": "load"}, "must be something that a Python file has"),
        ({"hypermodel": object(), "data": "load"}, "but got an object of the class object"),
        ({}, "give a script or a hypermodel, and not both"),
        ({"file": "a.py", "hypermodel": "b.py:c"}, "give a script or a hypermodel, and not both"),
    ],
)  # fmt: skip
def test_what_cannot_be_named_is_refused(asked: dict[str, Any], message: str) -> None:
    with pytest.raises(GridrunsError, match=message):
        tuning_run(**asked, quiet=True)
    assert not Path("runs").exists()


@slow
def test_an_object_is_found_in_its_file(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(DOCUMENTED, "hm_by_object.py")
    monkeypatch.syspath_prepend(file.parent)
    code = (
        "import hm_by_object as hm; from search import tuning_run\n"
        "runs = tuning_run(hypermodel=hm.build_model, data=hm.load_data, sampler='random', trials=1,"
        " quiet=True, arguments=['--epochs', '1'])\n"
        "assert list(runs['status']) == ['completed']"
    )
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{file.parent}"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("name", "flag"),
    [("units", "units"), ("dense/units", "dense_units"), ("learning rate", "learning_rate"),
     ("_1st", "hp_1st"), ("lambda", "lambda_"), ("default", "default_"), ("items", "items_")],
)  # fmt: skip
def test_names_become_flags(name: str, flag: str) -> None:
    assert flag_name(name) == flag


def test_the_forms_of_data() -> None:
    x, y = np.zeros((4, 2)), np.zeros(4)
    assert fit_arguments((x, y)) == ((x, y), {})
    arguments, named = fit_arguments(((x, y), (x, y)))
    assert arguments == (x, y) and named == {"validation_data": (x, y)}
    assert fit_arguments({"x": x, "epochs": 3}) == ((), {"x": x, "epochs": 3})
    for wrong in (x, None, (x,), ((x, y), x), {1: x}):
        with pytest.raises(GridrunsError, match="data must return"):
            fit_arguments(wrong)


def test_flags_that_nothing_brings_to_apply_are_left_out() -> None:
    declarations = Declarations(
        (
            flag_integer("layers", 1, low=1, high=20),
            flag_integer("units", 8, choices=[8, 16]),
            flag_boolean("wide", False, choices=[True, False]),
            flag_integer("deep", 1, choices=[1, 2]),
        ),
        conditions={
            "units": {"layers": [2, 3]},
            "wide": {"layers": list(range(9, 21))},
            "deep": {"wide": [True]},
        },
    )
    space = declared_space(declarations)
    assert space.conditions == {"units": "layers in (2, 3)", "wide": "layers >= 9", "deep": "wide == True"}
    few = reachable(space.updated({"layers": [1, 2]}), declarations.conditions, {"layers"})
    assert few.names == ("layers", "units") and few.size == 3
    assert reachable(space, declarations.conditions, ()) == space
