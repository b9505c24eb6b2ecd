import math
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from results import layout
from results.files import write_json
from results.recorder import Recorder
from results.run import Epoch, Run, read_run
from results.runs import create_run, finish_run
from results.status import Status
from results.table import leaderboard, run_info


def with_losses(*losses: float) -> Run:
    return Run(Path("r"), epochs=tuple(Epoch(step, {"loss": loss}) for step, loss in enumerate(losses, 1)))


def test_the_best_epoch_is_the_first_of_the_best_finite_values() -> None:
    run = with_losses(math.nan, 3.0, -math.inf, 1.0, 1.0, math.inf)
    assert run.best_epoch("loss", "min").step == 4
    assert run.best_value("loss", "min") == 1.0
    assert run.best_epoch("loss", "max").step == 2


def test_without_a_finite_value_there_is_no_best() -> None:
    assert with_losses(math.nan, math.inf).best_value("loss", "min") is None
    assert with_losses(1.0).best_value("accuracy", "max") is None


def test_the_last_value_is_the_one_logged_at_the_highest_step() -> None:
    run = Run(Path("r"), epochs=(Epoch(1, {"loss": 2.0, "val_loss": 3.0}), Epoch(2, {"loss": math.nan})))
    assert math.isnan(run.last_value("loss"))
    assert run.last_value("val_loss") == 3.0
    assert run.last_value("accuracy") is None
    assert run.metric_names == ("loss", "val_loss")


def test_what_is_logged_again_at_a_step_counts(tmp_path: Path) -> None:
    run_dir = create_run(tmp_path, {})
    recorder = Recorder(run_dir)
    recorder.log({"a": 1.0, "b": 1.0}, step=5)
    recorder.log({"c": 7.0}, step=2)
    recorder.log({"b": 2.0}, step=5)
    recorder.close()
    assert read_run(run_dir).epochs == (Epoch(2, {"c": 7.0}), Epoch(5, {"a": 1.0, "b": 2.0}))


def test_an_exception_is_summed_up_in_one_line(tmp_path: Path) -> None:
    run_dir = create_run(tmp_path, {})
    Recorder(run_dir).error("ValueError", "bad shape\nmore", "Traceback ...\n")
    run = read_run(run_dir)
    assert run.error_summary == "ValueError: bad shape"
    assert run.error == "Traceback ...\n"


def test_epochs_are_counted_where_fit_did_not_live_to_say(tmp_path: Path) -> None:
    run_dir = create_run(tmp_path, {})
    recorder = Recorder(run_dir)
    recorder.properties(epochs=10, epochs_completed=None)
    recorder.log({"loss": 1.0})
    recorder.log({"loss": 0.5})
    assert read_run(run_dir).epochs_completed == 2
    recorder.properties(epochs_completed=1)
    assert read_run(run_dir).epochs_completed == 1
    recorder.close()


def test_every_damage_is_named_and_the_rest_is_known(tmp_path: Path) -> None:
    run_dir = create_run(tmp_path, {"flags": {"a": 1}})
    (run_dir / layout.OUTCOME).write_text("{")
    (run_dir / layout.METRICS).write_text(
        '{"step": 1, "metrics": {"loss": 0.5, "x": []}}\n{"step": -1}\n{"st'
    )
    write_json(run_dir / layout.EVALUATION, {"metrics": 3})
    run = read_run(run_dir)
    assert run.status is Status.RUNNING
    assert run.epochs == (Epoch(1, {"loss": 0.5}),)
    assert run.flags == {"a": 1}
    assert set(run.problems) == {
        "outcome.json isn't a readable JSON object",
        "metrics.jsonl has metrics that are no numbers",
        "metrics.jsonl has unreadable lines: 2",
        "evaluation.json has metrics that are no object",
    }


def test_a_status_that_nobody_knows_is_a_problem(tmp_path: Path) -> None:
    run_dir = create_run(tmp_path, {})
    write_json(run_dir / layout.OUTCOME, {"status": ["odd"]})
    assert read_run(run_dir).problems == ("outcome.json has the unknown status ['odd']",)


def test_a_directory_that_is_not_there_is_a_problem(tmp_path: Path) -> None:
    run = read_run(tmp_path / "2026-01-02T03-04-05.000006Z")
    assert run.problems == ("the directory can't be read: No such file or directory",)
    assert run.start.isoformat() == "2026-01-02T03:04:05.000006+00:00"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run_dir = create_run(tmp_path_factory.mktemp("whole"), {"flags": {"lr": 0.1, "opt": "adam"}, "seed": 1})
    recorder = Recorder(run_dir)
    recorder.log({"loss": 1.0, "val_loss": math.nan})
    recorder.log({"loss": 0.5, "val_loss": 2.0})
    recorder.evaluated({"loss": 0.25})
    recorder.properties(samples=10, model="text")
    recorder.error("E", "m", "t")
    recorder.close()
    (run_dir / layout.OUTPUT).write_bytes(b"out")
    finish_run(run_dir, status=Status.COMPLETED)
    return run_dir


JSON_FILES = [layout.RUN, layout.OUTCOME, layout.METRICS, layout.PROPERTIES, layout.EVALUATION, layout.ERROR]
ODD = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def flip(content: bytes, at: int, value: int) -> bytes:
    at %= len(content)
    return content[:at] + bytes([value]) + content[at + 1 :]


DAMAGE = st.one_of(
    st.tuples(st.just("cut"), st.integers(0, 500)),
    st.tuples(st.just("flip"), st.tuples(st.integers(0, 500), st.integers(0, 255))),
    st.tuples(st.just("delete"), st.none()),
    st.tuples(st.just("directory"), st.none()),
    st.tuples(
        st.just("odd"), st.tuples(st.text(max_size=8) | st.sampled_from(["flags", "status", "start"]), ODD)
    ),
)


def damage(path: Path, how: str, detail: object) -> None:
    content = path.read_bytes() if path.is_file() else b"{}"
    if path.is_dir():
        path.rmdir()
    path.unlink(missing_ok=True)
    if how == "cut":
        path.write_bytes(content[:detail])
    elif how == "flip" and content:
        path.write_bytes(flip(content, *detail))
    elif how == "directory":
        path.mkdir()
    elif how == "odd":
        write_json(path, {detail[0]: detail[1], "metrics": {"loss": detail[1]}, "step": 1})


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(JSON_FILES), DAMAGE), min_size=1, max_size=4))
def test_no_damage_to_its_files_breaks_a_reader(
    whole: Path, damages: list[tuple[str, tuple[str, object]]]
) -> None:
    with TemporaryDirectory() as folder:
        copy = Path(folder) / whole.name
        shutil.copytree(whole, copy)
        for name, (how, detail) in damages:
            damage(copy / name, how, detail)
        assert isinstance(read_run(copy), Run)
        assert len(leaderboard(folder)) == len(run_info(copy)) == 1
