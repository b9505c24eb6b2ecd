from pathlib import Path
from typing import Any

import pytest

from results.run import read_run
from tests.results.conftest import RunProgram

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("stepping")


@pytest.fixture(scope="module")
def seen(folder: Path, run_program: RunProgram) -> dict[str, Any]:
    """What the scenarios of stepping_program.py saw, run once in one process."""
    return run_program("stepping_program.py", folder)


def test_steps_a_call_change_no_number(folder: Path, seen: dict[str, Any]) -> None:
    one, four = seen["step_counts 1"], seen["step_counts 4"]
    assert (one.pop("counts"), four.pop("counts")) == ([1, 3, 1], [4, 3, 4])
    assert one == four
    assert one["saved"] == 1  # a model that is kept is compiled as the script says
    assert read_run(folder / "step_counts 4").properties["steps_per_execution"] == 4


def test_steps_that_the_call_doesnt_divide_change_no_weight(seen: dict[str, Any]) -> None:
    assert seen["a_part_at_the_end 4"] == seen["a_part_at_the_end 1"]


def test_steps_of_as_many_batches_as_there_are_change_no_weight(seen: dict[str, Any]) -> None:
    assert seen["steps_of_all_batches 4"] == seen["steps_of_all_batches 1"]


def test_predict_makes_the_scripts_steps(seen: dict[str, Any]) -> None:
    one, four = seen["predictions 1"], seen["predictions 4"]
    assert (one.pop("after"), four.pop("after")) == (1, 4)
    assert one == four
    assert four["rows"] == 24
    assert four["on_batch"] == [40, 24]
    assert four["fitted"] == 16


@pytest.mark.parametrize(
    ("scenario", "law"),
    [
        ("steps_of_an_epoch", "must divide steps_per_epoch, but got 4 and 10"),
        ("steps_of_a_part_of_the_data", "must divide steps_per_epoch, but got 4 and 10"),
        ("steps_of_the_validation", "must divide validation_steps, but got 4 and 3"),
        ("steps_of_an_evaluation", "must divide steps, but got 4 and 3"),
        ("steps_that_keras_caps", "must divide keras.config.max_steps_per_epoch(), but got 4 and 10"),
        (
            "data_of_unknown_length",
            "needs steps_per_epoch for data that don't tell their number of batches, but got ",
        ),
        (
            "validation_of_unknown_length",
            "needs validation_steps for data that don't tell their number of batches, but got ",
        ),
        (
            "generator",
            "needs steps for data that don't tell their number of batches, but got generator without",
        ),
        (
            "callback_of_batches",
            "needs callbacks that look at epochs only, but got Watching, which looks at every batch",
        ),
        (
            "callback_of_test_batches",
            "needs callbacks that look at epochs only, but got Watching, which looks at every batch",
        ),
        ("another_backend", "needs Keras' backend tensorflow, but got torch"),
    ],
)
def test_what_would_change_the_script_is_refused(seen: dict[str, Any], scenario: str, law: str) -> None:
    assert seen[scenario].startswith(f"raised steps_per_execution {law}")


def test_a_model_compiled_again_keeps_its_own_and_loads(folder: Path, seen: dict[str, Any]) -> None:
    assert seen["compiled_again"] == [3, 24, 3]
    # Of the last fit().
    assert read_run(folder / "compiled_again").properties["steps_per_execution"] == 3


def test_an_evaluation_records_no_steps_of_a_training(folder: Path, seen: dict[str, Any]) -> None:
    assert seen["evaluated_only"] == 4
    assert "steps_per_execution" not in read_run(folder / "evaluated_only").properties


def test_which_callbacks_look_at_batches(seen: dict[str, Any]) -> None:
    assert seen["which_look_at_batches"] == [[], []]  # those that are told wrongly
