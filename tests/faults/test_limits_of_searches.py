"""The search's own timeout, retries, and failing fast."""

from pathlib import Path
from typing import Any

import pytest

from results import leaderboard
from search import tuning_run
from search.executor import Ending
from search.executors import EXECUTORS
from search.interrupts import Stop
from search.local import LocalExecutor
from search.objective import NoResultError
from search.record import RecordingError
from tests.faults.support import check_no_process, check_readers, gridruns, points

HEAD = """
import os, time
import numpy as np
from results import log_metrics
from spaces import flag_integer, flags
A = flags(flag_integer("a", 1), flag_integer("b", 1)).a
log_metrics(1, val_loss=A)
"""


def test_a_search_over_its_timeout_ends_what_runs_and_can_go_on(folder: Path) -> None:
    Path("train.py").write_text(HEAD + "while A > 2 and not os.path.exists('go'):\n    time.sleep(0.01)\n")
    tune = ["tune", "train.py", "--set", "a=1,2,3,4,5,6", "--order", "grid", "--workers", "2", "--study", "s"]
    done = gridruns(*tune, "--timeout", "4")
    assert done.returncode == 0, done.stderr
    assert "ended after 4 s. To go on with the rest:\n  gridruns resume s" in done.stdout
    check_no_process(folder)
    board = leaderboard("runs/s")
    cut = board[board["status"] == "interrupted"]
    assert sorted(cut["flag_a"]) == [3, 4]
    assert set(cut["reason"]) == {"the search's timeout of 4 s was over"}
    assert cut["cpu_seconds"].notna().all()
    check_readers()
    Path("go").touch()
    done = gridruns("resume", "--timeout", "1h")
    assert done.returncode == 0, done.stderr
    assert sorted(a for a, _, _ in points().values()) == [1, 2, 3, 4, 5, 6]


def test_a_trial_that_runs_out_of_memory_is_run_again_alone(folder: Path) -> None:
    Path("train.py").write_text(
        HEAD + "field = np.ones(50_000_000) if A == 2 else 0\ntime.sleep(60 if A == 2 else 0.3)\n"
    )
    done = gridruns("tune", "train.py", "--set", "a=1,2,3,4,5", "--order", "grid", "--workers", "2",
                    "--study", "s", "--memory-limit", "250M", "--retries", "2")  # fmt: skip
    assert done.returncode == 0, done.stderr
    board = leaderboard("runs/s").sort_values("start")
    assert sorted(board[board["status"] == "completed"]["flag_a"]) == [1, 3, 4, 5]
    oom = board[board["flag_a"] == 2]
    assert list(oom["status"]) == ["oom"] * 3
    assert oom["number"].nunique() == oom["seed"].nunique() == 1
    for _, again in oom.iloc[1:].iterrows():
        others = board[board["run_dir"] != again["run_dir"]]
        assert not ((others["start"] < again["end"]) & (others["end"] > again["start"])).any()


def test_trials_that_all_fail_alike_stop_the_search(folder: Path) -> None:
    Path("train.py").write_text(HEAD + "raise RuntimeError('no GPU')\n")
    tune = ["tune", "train.py", "--set", "a=1,2,3,4,5,6,7,8", "--workers", "2", "--study", "s"]
    done = gridruns(*tune)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(
        "gridruns: stopped: the first 3 trials all ended the same way: RuntimeError: no GPU"
    )
    check_no_process(folder)
    board = leaderboard("runs/s")
    assert 3 <= len(board) <= 4
    assert set(board["status"]) <= {"failed", "interrupted"}
    assert (board["status"] == "failed").sum() >= 3
    done = gridruns(*tune, "--keep-going")
    assert done.returncode == 1
    assert "no trial ended with a value of the metric 'val_loss'" in done.stderr
    board = leaderboard("runs/s")
    assert sorted(board[board["status"] == "failed"]["flag_a"]) == [1, 2, 3, 4, 5, 6, 7, 8]


def test_exceptions_are_not_tried_again(folder: Path) -> None:
    Path("train.py").write_text(HEAD + "assert A != 2\n")
    done = gridruns("tune", "train.py", "--set", "a=1,2,3", "--study", "s", "--retries", "5")
    assert done.returncode == 0, done.stderr
    board = leaderboard("runs/s")
    assert sorted(zip(board["flag_a"], board["status"], strict=True)) == [
        (1, "completed"), (2, "failed"), (3, "completed"),
    ]  # fmt: skip
    assert gridruns("resume", "s").returncode == 0
    assert len(leaderboard("runs/s")) == 3


class InOneBatch(LocalExecutor):
    """Says of trials that they have ended when all have, by number."""

    def wait(self, timeout: float | None = None, stop: Stop | None = None) -> list[Ending]:
        endings: list[Ending] = []
        while self.running:
            endings += super().wait(timeout)
        return sorted(endings, key=lambda ending: ending.number)


class Late(LocalExecutor):
    """Takes two seconds to look whether a trial has ended."""

    def wait(self, timeout: float | None = None, stop: Stop | None = None) -> list[Ending]:
        return super().wait(2 if timeout and timeout <= 1 else timeout, stop)


def run_with(executor: type[LocalExecutor], monkeypatch: pytest.MonkeyPatch, **asked: Any) -> dict[int, str]:
    """Search with another executor; return the status of each point, whatever ended the search."""
    monkeypatch.setitem(EXECUTORS, "local", f"{executor.__module__}:{executor.__name__}")
    error = asked.pop("error", None)
    if error is None:
        tuning_run("train.py", order="grid", study="s", quiet=True, **asked)
    else:
        with pytest.raises(error):
            tuning_run("train.py", order="grid", study="s", quiet=True, **asked)
    board = leaderboard("runs/s")
    return dict(zip(board["flag_a"], board["status"], strict=True))


def test_a_trial_that_completes_beside_the_last_failure_keeps_its_result(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("train.py").write_text(HEAD + "assert A > 3, 'no GPU'\n")
    found = run_with(InOneBatch, monkeypatch, flags={"a": [1, 2, 3, 4]}, workers=4, error=NoResultError)
    assert found == {1: "failed", 2: "failed", 3: "failed", 4: "completed"}


def test_a_trial_that_completes_beside_one_that_cannot_be_recorded_keeps_its_result(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("train.py").write_text(
        HEAD + "from results import run_dir\nif A == 1:\n    (run_dir() / 'outcome.json').mkdir()\n"
    )
    found = run_with(InOneBatch, monkeypatch, flags={"a": [1, 2]}, workers=2, error=RecordingError)
    assert found[2] == "completed"


def test_a_trial_over_its_timeout_as_the_searchs_is_over_has_had_its_time(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("train.py").write_text(HEAD + "time.sleep(600)\n")
    found = run_with(Late, monkeypatch, flags={"a": [1, 2]}, workers=1, timeout=1, trial_timeout=1)
    assert found == {1: "timeout"}


def test_a_resumed_search_fails_fast_too(folder: Path) -> None:
    Path("train.py").write_text(HEAD + "raise RuntimeError('no GPU')\n")
    tune = ["tune", "train.py", "--set", "a=1,2,3,4,5,6,7,8,9", "--workers", "1", "--study", "s"]
    assert gridruns(*tune).returncode == 1
    done = gridruns("resume", "s")
    assert done.returncode == 1
    assert "stopped: the first 3 trials all ended the same way: RuntimeError: no GPU" in done.stderr
    assert (leaderboard("runs/s")["status"] == "failed").sum() == 6


def test_a_study_that_has_had_a_value_does_not_fail_fast(folder: Path) -> None:
    Path("train.py").write_text(HEAD + "assert A == 1, 'no GPU'\n")
    tune = ["tune", "train.py", "--set", "a=1,2,3,4,5,6", "--order", "grid", "--workers", "1", "--study", "s"]
    assert gridruns(*tune, "--trials", "1").returncode == 0
    done = gridruns(*tune, "--trials", "6")
    assert done.returncode == 0, done.stderr
    assert (leaderboard("runs/s")["status"] == "failed").sum() == 5


def test_trials_that_all_run_out_of_memory_stop_the_search(folder: Path) -> None:
    Path("train.py").write_text(HEAD + "field = np.ones(A * 40_000_000)\ntime.sleep(600)\n")
    done = gridruns("tune", "train.py", "--set", "a=1,2,3,4,5", "--workers", "1", "--study", "s",
                    "--order", "grid", "--memory-limit", "200M", "--retries", "0")  # fmt: skip
    assert done.returncode == 1
    assert "the first 3 trials all ended the same way: over the memory limit of 200 MiB" in done.stderr
    assert leaderboard("runs/s")["peak_memory_bytes"].min() > 200 << 20
