import math
from pathlib import Path
from typing import Any

import pytest
from tensorboard.compat.proto import event_pb2
from tensorboard.compat.tensorflow_stub.errors import OutOfRangeError
from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import PyRecordReader_New

from results import layout
from results.recorder import Recorder
from results.status import Status
from results.tensorboard import ScalarWriter, scalar_place, write_session_end, write_session_start


def scalars(path: Path) -> list[tuple[int, str, float]]:
    """What a reader finds; each record's checksums are verified."""
    reader = PyRecordReader_New(str(path))
    found = []
    while True:
        try:
            reader.GetNext()
        except OutOfRangeError:
            return found
        event = event_pb2.Event.FromString(reader.record())
        found += [(event.step, value.tag, value.simple_value) for value in event.summary.value]


@pytest.mark.parametrize(
    ("metric", "place"),
    [
        ("loss", ("train", "epoch_loss")),
        ("val_loss", ("validation", "epoch_loss")),
        ("learning_rate", ("train", "epoch_learning_rate")),
        ("val_", ("train", "epoch_val_")),
        ("interval_loss", ("train", "epoch_interval_loss")),
    ],
)
def test_a_metric_and_its_validation_twin_have_one_tag(metric: str, place: tuple[str, str]) -> None:
    assert scalar_place(metric) == place


def test_each_epoch_is_in_the_files_as_soon_as_it_is_logged(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    for step in (1, 2):
        recorder.log({"loss": 1.0 / step, "val_loss": 2.0})
        for side, value in ((layout.TRAIN, 1.0 / step), (layout.VALIDATION, 2.0)):
            assert scalars(tmp_path / side / layout.SCALAR_EVENTS)[-1] == (step, "epoch_loss", value)
    recorder.close()


def test_values_that_are_not_finite_stay_so(tmp_path: Path) -> None:
    writer = ScalarWriter(tmp_path)
    writer.write(1, {"loss": math.nan, "x": math.inf, "huge": 1e300})
    writer.close()
    found = {tag: value for _, tag, value in scalars(tmp_path / layout.TRAIN / layout.SCALAR_EVENTS)}
    assert math.isnan(found["epoch_loss"])
    # TensorBoard keeps 32 bits of a scalar.
    assert found["epoch_x"] == found["epoch_huge"] == math.inf


def test_a_session_is_one_file_that_its_end_is_appended_to(tmp_path: Path) -> None:
    write_session_start(tmp_path, {"lr": 0.1, "none": None}, "name")
    before = (tmp_path / layout.SESSION_EVENTS).read_bytes()
    write_session_end(tmp_path, Status.COMPLETED)
    after = (tmp_path / layout.SESSION_EVENTS).read_bytes()
    assert after.startswith(before)
    assert [entry.name for entry in tmp_path.iterdir()] == [layout.SESSION_EVENTS]
    tags = [tag for _, tag, _ in scalars(tmp_path / layout.SESSION_EVENTS)]
    assert tags == ["_hparams_/session_start_info", "_hparams_/session_end_info"]


def test_a_session_cannot_end_as_running(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="another status than 'running'"):
        write_session_end(tmp_path, Status.RUNNING)


def test_what_tensorboard_has_no_type_for_is_an_error(tmp_path: Path) -> None:
    value: Any = [1]
    with pytest.raises(TypeError, match="lr"):
        write_session_start(tmp_path, {"lr": value}, "name")
