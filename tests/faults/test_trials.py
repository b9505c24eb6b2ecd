"""Every end of a trial has a name, a reason and its numbers; the others go on, and what was logged stays."""

import math
import signal
from contextlib import suppress
from pathlib import Path

import pandas as pd
import psutil
import pytest

from results import leaderboard
from tests.faults.support import (
    DEADLINE,
    check_readers,
    gridruns,
    living,
    runs_of,
    started,
    trials_of,
    wait_until,
)

SCRIPT = """
import ctypes, os, signal, subprocess, sys, time
import numpy as np
from results import log_metrics
from spaces import flag_string, flags
HOW = flags(flag_string("how", "fine")).how
if HOW == "nothing":
    sys.exit()
log_metrics(1, val_loss=0.5)
log_metrics(2, val_loss=0.25)
sum(i * i for i in range(1_000_000))
if HOW == "exception":
    raise ValueError("the 7th of 9")
if HOW == "exit":
    sys.exit(3)
if HOW == "segfault":
    ctypes.string_at(0)
if HOW == "abort":
    os.abort()
if HOW == "kill":
    os.kill(os.getpid(), signal.SIGKILL)
if HOW == "nan":
    log_metrics(3, val_loss=float("nan"))
if HOW == "deaf":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
while HOW in ("loop", "deaf"):
    pass
if HOW == "memory":
    field = np.ones(50_000_000)
    time.sleep(600)
if HOW == "memory-of-a-child":
    subprocess.run([sys.executable, "-c", "x = b'x' * 400_000_000; import time; time.sleep(600)"])
if HOW == "left-behind":
    subprocess.Popen(["sleep", "600.5"])
    subprocess.Popen(["sleep", "600.5"], start_new_session=True)
    subprocess.run(["sh", "-c", "setsid sh -c 'sleep 600.5; :' &"])
"""

# How a trial ends: status, reason, exit code, signal, the epochs that it reached.
ENDS: dict[str, tuple[str, str | None, int | None, str | None, int]] = {
    "fine": ("completed", None, 0, None, 2),
    "left-behind": ("completed", None, 0, None, 2),
    "nothing": ("completed", "no val_loss was logged", 0, None, 0),
    "exception": ("failed", "ValueError: the 7th of 9", 1, None, 2),
    "exit": ("failed", "exit code 3", 3, None, 2),
    "segfault": ("killed", "signal 11 (SIGSEGV)", None, "SIGSEGV", 2),
    "abort": ("killed", "signal 6 (SIGABRT)", None, "SIGABRT", 2),
    "kill": ("killed", "signal 9 (SIGKILL)", None, "SIGKILL", 2),
    "nan": ("diverged", "val_loss is nan", 0, None, 3),
    "loop": ("timeout", "over the trial timeout of 10 s", None, "SIGKILL", 2),
    "deaf": ("timeout", "over the trial timeout of 10 s", None, "SIGKILL", 2),
    "memory": ("oom", "over the memory limit of 250 MiB", None, "SIGKILL", 2),
    "memory-of-a-child": ("oom", "over the memory limit of 250 MiB", None, "SIGKILL", 2),
}


@pytest.fixture(scope="module")
def where(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ends")


@pytest.fixture(scope="module")
def board(where: Path) -> pd.DataFrame:
    """The leaderboard of one search in which trials end in every way, each tried once."""
    (where / "train.py").write_text(SCRIPT)
    done = gridruns(
        "tune", "train.py", "--set", f"how={','.join(ENDS)}", "--order", "grid", "--workers", "2",
        "--study", "s", "--trial-timeout", "10", "--memory-limit", "250M", "--retries", "0", cwd=where,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return leaderboard(where / "runs/s").set_index("flag_how")


@pytest.mark.parametrize("how", ENDS)
def test_every_end_has_a_name_a_reason_and_its_numbers(how: str, board: pd.DataFrame) -> None:
    status, reason, code, name, epochs = ENDS[how]
    row = board.loc[how]
    assert row["status"] == status
    assert (None if row["reason"] is pd.NA else row["reason"]) == reason or reason in row["reason"]
    assert "\n" not in str(row["reason"])
    assert (row["exit_code"] is pd.NA, row["signal"] is pd.NA) == (code is None, name is None)
    assert code is None or row["exit_code"] == code
    assert name is None or row["signal"] == name
    assert row["epochs_completed"] == epochs
    assert (row["rank"] is pd.NA) == (how not in ("fine", "left-behind"))
    assert row["cpu_seconds"] > (0 if how == "nothing" else 0.03)
    assert row["peak_memory_bytes"] > (250 << 20 if status == "oom" else 10 << 20)
    assert row["end"] > row["start"]


def test_what_a_trial_had_logged_stays(board: pd.DataFrame) -> None:
    logged = board.drop("nothing")
    assert list(logged["best_val_loss"].unique()) == [0.25]
    assert math.isnan(board.loc["nan", "metric_val_loss"])
    assert board.loc["nothing", ["metric_val_loss", "best_val_loss"]].isna().all()


def test_only_an_exception_has_a_traceback_and_it_is_the_scripts(board: pd.DataFrame) -> None:
    assert list(board.index[board["error"].notna()]) == ["exception"]
    text = board.loc["exception", "error"]
    assert text.startswith("Traceback") and 'raise ValueError("the 7th of 9")' in text
    assert "worker.py" not in text


def test_no_helper_of_a_trial_is_left(board: pd.DataFrame, where: Path) -> None:
    wait_until(lambda: not sleeping(where), "their ends")


def test_an_exception_in_one_trial_of_three_and_a_kill_from_outside(folder: Path) -> None:
    Path("train.py").write_text(
        "import time\nfrom results import log_metrics\nfrom spaces import flag_integer, flags\n"
        "a = flags(flag_integer('a', 1)).a\nlog_metrics(1, val_loss=a)\n"
        "assert a % 3, 'every third'\ntime.sleep(600 if a == 4 else 0)\n"
    )
    with started("tune", "train.py", "--set", "a=1,2,3,4,5,6", "--order", "grid", "--workers", "2",
                 "--study", "s") as process:  # fmt: skip
        wait_until(lambda: len(runs_of()) == 6, "all trials but the one that sleeps")
        kill_sleeper(process.pid)
        wait_until(lambda: len(runs_of()) == 7, "its retry")
        kill_sleeper(process.pid)
        process.communicate(timeout=DEADLINE)
    assert process.returncode == 0
    rows = leaderboard("runs/s")
    assert {a: sorted(of["status"]) for a, of in rows.groupby("flag_a")} == {
        1: ["completed"], 2: ["completed"], 3: ["failed"], 4: ["killed", "killed"], 5: ["completed"],
        6: ["failed"],
    }  # fmt: skip
    assert set(rows[rows["status"] == "killed"]["reason"]) == {"signal 9 (SIGKILL)"}
    assert set(rows[rows["status"] == "failed"]["reason"]) == {"AssertionError: every third"}
    check_readers()


def kill_sleeper(search: int) -> None:
    wait_until(lambda: len(trials_of(search)) == 1, "the trial that sleeps")
    trials_of(search)[0].send_signal(signal.SIGKILL)


def test_the_search_goes_on_after_sigkill_of_the_warm_parent(folder: Path) -> None:
    Path("train.py").write_text(
        "import time\nfrom pathlib import Path\nfrom results import log_metrics\n"
        "from spaces import flag_integer, flags\n"
        "a = flags(flag_integer('a', 1)).a\nlog_metrics(1, val_loss=a)\n"
        "while a > 2 and not Path('go').exists():\n    time.sleep(0.01)\n"
    )
    with started("tune", "train.py", "--set", "a=1,2,3,4,5,6", "--order", "grid", "--workers", "2",
                 "--study", "s") as process:  # fmt: skip
        wait_until(lambda: len(runs_of()) == 4, "the first two to end")
        wait_until(lambda: len(trials_of(process.pid)) == 2, "two trials")
        (parent,) = psutil.Process(process.pid).children()
        trials = trials_of(process.pid)
        parent.send_signal(signal.SIGKILL)
        Path("go").touch()
        assert not psutil.wait_procs(trials, timeout=DEADLINE)[1]
        process.communicate(timeout=DEADLINE)
    assert process.returncode == 0
    rows = leaderboard("runs/s")
    assert sorted(rows[rows["status"] == "completed"]["flag_a"]) == [1, 2, 3, 4, 5, 6]
    killed = rows[rows["status"] == "killed"]
    assert sorted(killed["flag_a"]) == [3, 4]
    assert set(killed["reason"]) == {"the warm parent died: signal 9"}
    assert set(killed["signal"]) == {"SIGKILL"}


def test_helpers_in_sessions_of_their_own_do_not_outlive_the_warm_parent(folder: Path) -> None:
    Path("train.py").write_text(
        "import subprocess, time\nfrom results import log_metrics\nfrom spaces import flag_integer, flags\n"
        "a = flags(flag_integer('a', 1)).a\n"
        "subprocess.Popen(['sleep', '600.75'], start_new_session=True)\n"
        "subprocess.run(['sh', '-c', 'setsid sh -c \"sleep 600.75; :\" &'])\n"
        "log_metrics(1, val_loss=a)\ntime.sleep(600)\n"
    )
    with started("tune", "train.py", "--set", "a=1,2", "--workers", "2", "--study", "s", "--retries", "0",
                 "--keep-going") as process:  # fmt: skip
        wait_until(lambda: len(sleeping(folder)) == 6, "the helpers")
        (parent,) = psutil.Process(process.pid).children()
        parent.send_signal(signal.SIGKILL)
        process.communicate(timeout=DEADLINE)
        assert not sleeping(folder)
    assert list(leaderboard("runs/s")["status"]) == ["killed"] * 2


def sleeping(folder: Path) -> list[psutil.Process]:
    """The helpers of trials in a folder: each sleeps for ten minutes."""
    found = []
    for process in living(folder):
        with suppress(psutil.NoSuchProcess):
            found += [process] if "sleep 600" in " ".join(process.cmdline()) else []
    return found


def test_a_trial_that_ends_the_warm_parent_is_given_up_after_its_retries(folder: Path) -> None:
    Path("train.py").write_text(
        "import os\nfrom results import log_metrics\nfrom spaces import flag_integer, flags\n"
        "a = flags(flag_integer('a', 1)).a\nlog_metrics(1, val_loss=a)\n"
        "if a == 2:\n    os.kill(os.getppid(), 9)\n"
    )
    done = gridruns("tune", "train.py", "--set", "a=1,2,3", "--workers", "1", "--study", "s")
    assert done.returncode == 0, done.stderr
    rows = leaderboard("runs/s")
    assert sorted(zip(rows["flag_a"], rows["status"], strict=True)) == [
        (1, "completed"), (2, "killed"), (2, "killed"), (3, "completed"),
    ]  # fmt: skip
