import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from results import layout, leaderboard, run_info
from results.files import read_json, write_json
from results.run import read_run
from results.runs import create_run, finish_run
from results.status import Status


def owned(folder: Path, **changes: Any) -> Path:
    """A run without an outcome whose run.json is changed afterwards."""
    run_dir = create_run(folder, {"flags": {"a": 1}})
    write_json(run_dir / layout.RUN, {**(read_json(run_dir / layout.RUN) or {}), **changes})
    return run_dir


@pytest.fixture
def dead() -> int:
    """The number of a process that has been and is no more."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid


def test_a_run_whose_search_lives_runs(tmp_path: Path) -> None:
    run = read_run(owned(tmp_path))
    assert (run.status, run.reason) == (Status.RUNNING, None)


def test_a_run_whose_search_is_gone_is_interrupted(tmp_path: Path, dead: int) -> None:
    run_dir = owned(tmp_path, pid=dead)
    run = read_run(run_dir)
    assert (run.status, run.reason) == (Status.INTERRUPTED, f"its search (process {dead}) is gone")
    assert run.outcome == {}
    for row in (run_info(run_dir), leaderboard(tmp_path)):
        assert list(row["status"]) == ["interrupted"]
        assert list(row["reason"]) == [f"its search (process {dead}) is gone"]
    assert not (run_dir / layout.OUTCOME).exists()


def test_a_search_that_nobody_has_reaped_is_gone(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert read_run(owned(tmp_path, pid=process.pid)).status is Status.INTERRUPTED
    process.wait()


def test_a_younger_process_of_the_same_number_is_another_one(tmp_path: Path) -> None:
    run = read_run(owned(tmp_path, start="2020-01-01T00:00:00.000000Z"))
    assert run.status is Status.INTERRUPTED


@pytest.mark.parametrize(
    "changes",
    [{"host": "another-machine"}, {"host": None}, {"pid": None}, {"pid": -1}, {"pid": 0}, {"pid": True}],
)
def test_where_nobody_can_know_it_runs(changes: dict[str, Any], tmp_path: Path, dead: int) -> None:
    assert read_run(owned(tmp_path, **{"pid": dead, **changes})).status is Status.RUNNING


def test_no_process_has_an_endless_number(tmp_path: Path) -> None:
    assert read_run(owned(tmp_path, pid=10**30)).status is Status.INTERRUPTED


def test_an_outcome_counts_whoever_is_gone(tmp_path: Path, dead: int) -> None:
    run_dir = owned(tmp_path, pid=dead)
    finish_run(run_dir, status=Status.COMPLETED)
    assert read_run(run_dir).status is Status.COMPLETED
