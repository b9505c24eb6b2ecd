import json
import math
from datetime import datetime
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from results import is_run_active, layout, log_metrics, run_dir, write_run_metadata
from results.errors import RecordError
from results.files import read_json, read_lines
from results.recorder import Recorder, recording
from results.run import read_run


@pytest.fixture
def recorder(tmp_path: Path) -> Recorder:
    return Recorder(tmp_path)


def logged(recorder: Recorder) -> list[tuple[int, dict[str, float]]]:
    return [(epoch.step, dict(epoch.metrics)) for epoch in read_run(recorder.run_dir).epochs]


def test_a_line_an_epoch_with_all_digits_and_its_time(recorder: Recorder) -> None:
    recorder.log({"loss": 0.1 + 0.2, "val_loss": 1})
    (line,) = read_lines(recorder.run_dir / layout.METRICS)
    assert line["step"] == 1
    assert line["metrics"] == {"loss": 0.30000000000000004, "val_loss": 1.0}
    assert datetime.fromisoformat(line["time"]).tzinfo is not None
    assert line["time"].endswith("Z")
    recorder.close()


def test_each_line_is_there_as_soon_as_it_is_logged(recorder: Recorder) -> None:
    for step in (1, 2, 3):
        recorder.log({"loss": 1.0})
        assert len((recorder.run_dir / layout.METRICS).read_text().splitlines()) == step
    recorder.close()


def test_steps_go_on_counting_whatever_else_is_logged(recorder: Recorder) -> None:
    recorder.log({"loss": 3.0})
    recorder.log({"f1": 0.5}, step=1000)
    recorder.log({"loss": 2.0})
    assert logged(recorder) == [(1, {"loss": 3.0}), (2, {"loss": 2.0}), (1000, {"f1": 0.5})]
    recorder.close()


def test_metrics_may_appear_and_vanish_between_epochs(recorder: Recorder) -> None:
    recorder.log({"loss": 3.0})
    recorder.log({"loss": 2.0, "val_loss": 9.0})
    recorder.log({"auc": 2.0})
    assert logged(recorder) == [(1, {"loss": 3.0}), (2, {"loss": 2.0, "val_loss": 9.0}), (3, {"auc": 2.0})]
    recorder.close()


def test_nan_is_logged_as_what_it_is(recorder: Recorder) -> None:
    recorder.log({"loss": math.nan, "x": -math.inf})
    ((_, metrics),) = logged(recorder)
    assert math.isnan(metrics["loss"])
    assert metrics["x"] == -math.inf
    recorder.close()


def test_observers_see_each_log_after_it_is_written(recorder: Recorder) -> None:
    seen = []
    recorder.observers.append(
        lambda step, metrics, last: seen.append((step, dict(metrics), len(logged(recorder))))
    )
    recorder.log({"loss": 1.0})
    recorder.log({"loss": 0.5})
    assert seen == [(1, {"loss": 1.0}, 1), (2, {"loss": 0.5}, 2)]
    recorder.close()


@pytest.mark.parametrize("value", [1, 1.0, np.float32(1), np.int64(1), np.array(1.0), Fraction(1)])
def test_real_numbers_of_every_kind_are_taken(recorder: Recorder, value: object) -> None:
    recorder.log({"loss": value})
    assert logged(recorder) == [(1, {"loss": 1.0})]
    recorder.close()


@pytest.mark.parametrize(
    "value", ["0.5", None, True, 1j, np.array([1.0]), [1.0], np.bool_(True), np.array("1"), 10**400]
)
def test_what_is_no_real_number_is_an_error_and_nothing_is_logged(recorder: Recorder, value: object) -> None:
    with pytest.raises(RecordError, match=r"^metric 'acc' must be a real number, but got "):
        recorder.log({"loss": 1.0, "acc": value})
    assert logged(recorder) == []


def test_properties_are_merged(recorder: Recorder) -> None:
    recorder.properties(samples=10, epochs=5)
    recorder.properties(epochs=8, rate=np.float32(0.5))
    assert read_json(recorder.run_dir / layout.PROPERTIES) == {"samples": 10, "epochs": 8, "rate": 0.5}


def test_of_evaluations_the_last_value_counts_and_every_call_is_kept(recorder: Recorder) -> None:
    recorder.evaluated({"loss": 1.0, "accuracy": 0.5})
    recorder.evaluated({"loss": 0.25})
    found = read_json(recorder.run_dir / layout.EVALUATION)
    assert found["metrics"] == {"loss": 0.25, "accuracy": 0.5}
    assert [call["metrics"] for call in found["calls"]] == [{"loss": 1.0, "accuracy": 0.5}, {"loss": 0.25}]
    assert read_run(recorder.run_dir).evaluation == {"loss": 0.25, "accuracy": 0.5}


def test_making_and_closing_a_recorder_writes_nothing(recorder: Recorder) -> None:
    recorder.close()
    recorder.close()
    assert list(recorder.run_dir.iterdir()) == []


def test_log_metrics_in_a_run_logs(recorder: Recorder) -> None:
    with recording(recorder):
        log_metrics(0, {"loss": 2.0}, acc=0.5)
        log_metrics(np.int64(1), loss=1.0)
    recorder.close()
    assert logged(recorder) == [(0, {"loss": 2.0, "acc": 0.5}), (1, {"loss": 1.0})]


def test_metrics_may_be_called_step_and_metrics(recorder: Recorder) -> None:
    with recording(recorder):
        log_metrics(1, step=3.0, metrics=4.0)
    recorder.close()
    assert logged(recorder) == [(1, {"step": 3.0, "metrics": 4.0})]


def test_outside_a_run_log_metrics_only_checks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    log_metrics(1, loss=2.0)
    write_run_metadata("mine", {"a": 1})
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(RecordError, match="'loss' must be a real number, but got 'x'"):
        log_metrics(1, loss="x")
    with pytest.raises(RecordError, match="a metric must be given once, but 'loss' is given twice"):
        log_metrics(1, {"loss": 1.0}, loss=2.0)


@pytest.mark.parametrize("step", [-1, 1.0, True, "1", None])
def test_a_step_is_a_whole_number_of_at_least_0(step: object) -> None:
    with pytest.raises(RecordError, match=r"^step must be a whole number of at least 0, but got "):
        log_metrics(step, loss=1.0)


def test_the_run_is_known_inside_it_and_only_there(
    recorder: Recorder, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    monkeypatch.chdir(elsewhere)
    assert (is_run_active(), run_dir()) == (False, elsewhere)
    with recording(recorder):
        assert (is_run_active(), run_dir()) == (True, recorder.run_dir)
        with recording(Recorder(elsewhere)):
            assert run_dir() == elsewhere
        assert run_dir() == recorder.run_dir
    assert (is_run_active(), run_dir()) == (False, elsewhere)


def test_metadata_of_ones_own_gets_a_file_of_its_own(recorder: Recorder) -> None:
    with recording(recorder):
        write_run_metadata("data-set", {"rows": np.int64(3)})
        write_run_metadata("evaluation", {"f1": 0.5})
        write_run_metadata("properties", {"samples": 3})
    assert json.loads((recorder.run_dir / "data-set.json").read_text()) == {"rows": 3}
    assert read_run(recorder.run_dir).evaluation == {"f1": 0.5}
    assert read_run(recorder.run_dir).properties == {"samples": 3}


@pytest.mark.parametrize(
    "kind",
    [
        "flags",
        "run",
        "Run",
        "outcome",
        "error",
        "study",
        "metrics",
        "declared",
        "",
        "..",
        "../x",
        "a/b",
        "a.b",
        "a\n",
    ],
)
def test_metadata_cannot_take_a_name_of_ours_or_leave_the_directory(recorder: Recorder, kind: str) -> None:
    with recording(recorder), pytest.raises(RecordError, match=r"^metadata must be of the type"):
        write_run_metadata(kind, {})
    assert list(recorder.run_dir.iterdir()) == []


def test_data_without_a_form_in_json_are_an_error(recorder: Recorder) -> None:
    with (
        recording(recorder),
        pytest.raises(RecordError, match=r"^mine.json takes what JSON can hold, but: "),
    ):
        write_run_metadata("mine", {"x": object()})
    assert list(recorder.run_dir.iterdir()) == []
