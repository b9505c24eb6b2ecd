import multiprocessing
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from results import layout
from results.errors import ResultsError
from results.files import read_json
from results.runs import create_run, find_runs, finish_run, read_run
from results.status import Status


def test_a_new_run_is_running_and_knows_its_start(tmp_path: Path) -> None:
    before = datetime.now(UTC)
    run = read_run(create_run(tmp_path / "runs" / "study", {"number": 3, "flags": {"lr": 0.1}}))
    assert run.status is Status.RUNNING
    assert before <= run.start <= datetime.now(UTC)
    assert run.flags == {"lr": 0.1}
    assert run.record["number"] == 3
    assert run.record["pid"] == os.getpid()
    assert run.record["id"] == run.id
    assert run.problems == ()


def test_a_name_is_the_start_in_utc_to_the_microsecond(tmp_path: Path) -> None:
    run_dir = create_run(tmp_path, {})
    assert layout.RUN_NAME.fullmatch(run_dir.name)
    start = read_json(run_dir / layout.RUN)["start"]
    assert start == run_dir.name[:10] + "T" + run_dir.name[11:].replace("-", ":")


def test_a_record_may_not_bring_what_create_run_adds(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="has id, pid"):
        create_run(tmp_path, {"id": "x", "pid": 1})
    assert list(tmp_path.iterdir()) == []


def _make_many(parent: Path) -> list[str]:
    return [create_run(parent, {"pid_of_maker": os.getpid()}).name for _ in range(50)]


def test_many_processes_never_share_a_directory(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        made = [name for names in pool.map(_make_many, [tmp_path] * 4) for name in names]
    assert len(set(made)) == 200
    assert sorted(made) == sorted(os.listdir(tmp_path))


def test_on_a_clash_the_next_microsecond_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Stopped(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:
            return datetime(2026, 1, 2, 3, 4, 59, 999_999, tzinfo=UTC)

    monkeypatch.setattr("results.runs.datetime", Stopped)
    made = [create_run(tmp_path, {}).name for _ in range(3)]
    assert made == [
        "2026-01-02T03-04-59.999999Z",
        "2026-01-02T03-05-00.000000Z",
        "2026-01-02T03-05-00.000001Z",
    ]
    assert read_json(tmp_path / made[1] / layout.RUN)["start"] == "2026-01-02T03:05:00.000000Z"


def test_the_outcome_is_read_back(tmp_path: Path) -> None:
    run_dir = create_run(tmp_path, {})
    finish_run(
        run_dir,
        status=Status.KILLED,
        reason="signal 9 (SIGKILL)",
        error=None,
        exit_code=None,
        signal="SIGKILL",
        peak_memory_bytes=1 << 30,
        cpu_seconds=1.5,
    )
    run = read_run(run_dir)
    assert run.status is Status.KILLED
    assert run.reason == "signal 9 (SIGKILL)"
    assert run.outcome["signal"] == "SIGKILL"
    assert run.outcome["peak_memory_bytes"] == 1 << 30
    assert run.start <= run.end <= datetime.now(UTC)


def test_a_run_ends_once_and_never_as_running(tmp_path: Path) -> None:
    run_dir = create_run(tmp_path, {})
    with pytest.raises(ValueError, match="another status than 'running'"):
        finish_run(run_dir, status=Status.RUNNING)
    finish_run(run_dir, status=Status.COMPLETED)
    with pytest.raises(ResultsError, match="has ended already: completed"):
        finish_run(run_dir, status=Status.FAILED)
    assert read_run(run_dir).status is Status.COMPLETED


def test_runs_of_studies_and_single_ones_are_found_oldest_first(tmp_path: Path) -> None:
    made = [create_run(tmp_path / parent, {}) for parent in ("b", ".", "a", "b")]
    (tmp_path / "b" / layout.STUDY).write_text("{}")
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "figures").mkdir()
    (tmp_path / "readme.txt").write_text("")
    assert find_runs(tmp_path) == [path.parent / path.name for path in made]
    assert find_runs(tmp_path / "b") == [made[0], made[3]]
    assert find_runs(made[1]) == [made[1]]


def test_a_run_is_known_by_its_name_or_by_its_run_json(tmp_path: Path) -> None:
    renamed = create_run(tmp_path, {}).rename(tmp_path / "my-best")
    empty = tmp_path / "2026-01-02T03-04-05.000000Z"
    empty.mkdir()
    assert set(find_runs(tmp_path)) == {renamed, empty}


def test_a_missing_directory_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match="no directory of runs"):
        find_runs(tmp_path / "none")
