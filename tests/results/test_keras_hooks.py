import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from results import layout
from results.files import read_json
from results.keras_hooks import install, loss_name, single_numbers
from results.recorder import Recorder
from results.run import Run, read_run
from tests.results.conftest import RunProgram

pytestmark = pytest.mark.slow

Trained = tuple[Path, dict[str, Any]]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, run_program: RunProgram) -> Trained:
    """All scenarios of keras_program.py, run once in one process: the folder and what its scripts saw."""
    folder = tmp_path_factory.mktemp("trained")
    return folder, run_program("keras_program.py", folder)


def run_of(trained: Trained, name: str) -> Run:
    return read_run(trained[0] / name)


def test_keras_is_hooked_at_the_moment_tensorflow_imports_it(trained: Trained) -> None:
    seen = trained[1]["first"]
    assert seen["imported"] is False
    logged = run_of(trained, "first").epochs
    assert [epoch.step for epoch in logged] == [1, 2, 3]
    for name, values in seen["history"].items():
        assert [epoch.metrics[name] for epoch in logged] == values


def test_what_the_users_callbacks_add_to_the_logs_is_seen(trained: Trained) -> None:
    rates = [epoch.metrics["learning_rate"] for epoch in run_of(trained, "first").epochs]
    assert rates == pytest.approx([0.5, 0.5, 0.05])


def test_properties_are_tfruns(trained: Trained) -> None:
    run = run_of(trained, "first")
    known = dict(run.properties)
    assert "Dense" in known.pop("model")
    assert known == {
        "samples": 72,
        "validation_samples": 31,
        "batch_size": 10,
        "epochs": 3,
        "epochs_completed": 3,
        "steps": 8,
        "loss_function": "mse",
        "optimizer": "SGD",
        "learning_rate": 0.5,
    }


def test_the_validation_within_fit_is_no_evaluation(trained: Trained) -> None:
    assert run_of(trained, "first").evaluation == {}


def test_evaluate_is_recorded_and_returns_what_it_always_did(trained: Trained) -> None:
    seen = trained[1]["evaluations"]
    found = read_json(trained[0] / "evaluations" / layout.EVALUATION)
    assert found["metrics"] == seen["dict"]
    assert [list(call["metrics"].values()) for call in found["calls"]] == [
        seen["list"],
        list(seen["dict"].values()),
    ]


def test_epochs_of_several_fits_add_up_and_the_rest_is_the_lasts(trained: Trained) -> None:
    run = run_of(trained, "several_fits")
    assert [epoch.step for epoch in run.epochs] == [1, 2, 3, 4, 5]
    assert (run.properties["epochs"], run.properties["epochs_completed"]) == (5, 5)
    assert (run.properties["loss_function"], run.properties["optimizer"]) == ("huber", "RMSprop")
    # A tf.data.Dataset doesn't say how many samples it has.
    assert run.properties["samples"] is run.properties["batch_size"] is None
    assert (run.properties["validation_samples"], run.properties["steps"]) == (9, 5)


def test_a_users_own_model_class_is_hooked_too(trained: Trained) -> None:
    run = run_of(trained, "subclass")
    assert (run.properties["epochs"], run.properties["epochs_completed"], len(run.epochs)) == (9, 1, 1)
    assert run.properties["learning_rate"] == 0.25
    assert run.properties["loss_function"] == "mean_squared_error"


def test_a_callback_list_gets_a_guest_that_leaves_again(trained: Trained) -> None:
    assert trained[1]["callback_list"] == {"untouched": True}
    assert len(run_of(trained, "callback_list").epochs) == 2


def test_an_exception_of_the_users_passes_and_the_epochs_are_right(trained: Trained) -> None:
    assert trained[1]["interrupted"] == "raised in a callback"
    run = run_of(trained, "interrupted")
    assert (run.properties["epochs"], run.properties["epochs_completed"], len(run.epochs)) == (5, 1, 1)


def test_a_wrong_call_is_refused_by_keras_itself(trained: Trained) -> None:
    assert "unexpected keyword argument 'bogus'" in trained[1]["wrong_call"]
    assert run_of(trained, "wrong_call").properties == {}


def test_training_is_the_same_with_hooks_and_without(trained: Trained) -> None:
    without = trained[1]["same_without_hooks"]
    assert without["hooked"] is False
    assert trained[1]["with_hooks"]["history"] == without["history"]
    assert "steps_per_execution" not in run_of(trained, "with_hooks").properties


def test_a_hook_that_is_withdrawn_before_keras_comes_leaves_nothing(tmp_path: Path) -> None:
    before = list(sys.meta_path)
    undo = install(Recorder(tmp_path))
    undo()
    assert sys.meta_path == before


@pytest.mark.parametrize(
    ("loss", "name"),
    [
        (None, None),
        ("mse", "mse"),
        (len, "len"),
        (SimpleNamespace(name="huber"), "huber"),
        (SimpleNamespace(), "SimpleNamespace"),
        (["mse", len], "mse, len"),
        ({"a": "mse", "b": None}, "a: mse, b: None"),
    ],
)
def test_losses_have_names(loss: Any, name: str | None) -> None:
    assert loss_name(loss) == name


def test_a_log_that_is_no_number_is_named_and_the_rest_recorded(caplog: pytest.LogCaptureFixture) -> None:
    assert single_numbers({"loss": 1.0, "matrix": [[1.0]]}, "fit()") == {"loss": 1.0}
    assert "fit() logs what gridruns can't record: metric 'matrix'" in caplog.text
