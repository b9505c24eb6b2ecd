"""Ctrl-C, SIGTERM, a closed terminal, a reader that has gone: trials are marked and nothing is orphaned."""

import fcntl
import os
import pty
import signal
import subprocess
import termios
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from results import leaderboard
from tests.faults.support import (
    DEADLINE,
    check_no_process,
    check_readers,
    command,
    gridruns,
    points,
    runs_of,
    started,
    trials_of,
    wait_until,
)

TUNE = ["tune", "train.py", "--set", "a=1,2,3,4", "--workers", "2", "--study", "s"]
LONG = [*TUNE, "--", "--seconds", "600"]
SHORT = [*TUNE, "--", "--seconds", "0.4"]


def two_run() -> None:
    wait_until(lambda: len(runs_of()) >= 2, "two trials")


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)],
)
def test_a_signal_ends_what_runs_marks_it_and_says_how_to_go_on(
    number: signal.Signals, code: int, folder: Path
) -> None:
    with started(*LONG) as process:
        two_run()
        family = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(number)
        if number is signal.SIGINT:  # the first Ctrl-C only asks
            assert process.stderr is not None
            heard = iter(process.stderr.readline, "")
            assert any("running trials finish first" in line for line in heard)
            process.send_signal(number)
        output, _ = process.communicate(timeout=DEADLINE)
    assert process.returncode == code
    assert "gridruns resume s " in output
    assert not psutil.wait_procs(family, timeout=DEADLINE)[1]
    board = leaderboard("runs/s")
    assert list(board["status"]) == ["interrupted"] * 2
    assert list(board["reason"]) == ["the search was stopped"] * 2
    assert list(board["signal"]) == ["SIGKILL"] * 2
    assert board["cpu_seconds"].notna().all()
    check_readers()


def on_terminal(arguments: list[str], before: Callable[[], object]) -> tuple[subprocess.Popen[bytes], int]:
    """Start gridruns on a terminal of its own; return it and the terminal's other end."""
    ours, theirs = pty.openpty()

    def take_terminal() -> None:
        os.setsid()
        fcntl.ioctl(theirs, termios.TIOCSCTTY, 0)
        before()

    process = subprocess.Popen(
        command(*arguments), stdin=theirs, stdout=theirs, stderr=theirs, preexec_fn=take_terminal
    )
    os.close(theirs)
    return process, ours


def test_a_closed_terminal_ends_the_search_and_leaves_no_orphan(folder: Path) -> None:
    process, terminal = on_terminal([*TUNE, "--yes", "--", "--seconds", "600"], lambda: None)
    two_run()
    os.close(terminal)
    process.wait(DEADLINE)
    check_no_process(folder)
    assert list(leaderboard("runs/s")["reason"]) == ["the search was stopped"] * 2


def test_under_nohup_a_search_outlives_its_terminal(folder: Path) -> None:
    def ignore() -> None:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    process, terminal = on_terminal([*TUNE, "--yes", "--", "--seconds", "0.4"], ignore)
    two_run()
    os.close(terminal)
    process.wait(DEADLINE)
    assert len(points()) == 4


def test_a_search_goes_on_when_nobody_reads_what_it_says(folder: Path) -> None:
    with started(*SHORT, stderr=subprocess.STDOUT) as process:
        two_run()
        assert process.stdout is not None
        process.stdout.close()
        process.wait(DEADLINE)
    assert len(points()) == 4


WAITING = """
import time
from pathlib import Path
from results import log_metrics
from spaces import flag_integer, flags
A = flags(flag_integer("a", 1), flag_integer("b", 1)).a
log_metrics(1, val_loss=A)
while not Path("go").exists():
    time.sleep(0.01)
"""


@pytest.mark.parametrize("signals", [[signal.SIGTERM], [signal.SIGTERM, signal.SIGHUP, signal.SIGINT]])
def test_a_trial_that_completes_as_the_search_is_stopped_keeps_its_result(
    signals: list[signal.Signals], folder: Path
) -> None:
    Path("train.py").write_text(WAITING)
    with started(*TUNE) as process:
        two_run()
        wait_until(lambda: len(list(Path("runs/s").glob("*/metrics.jsonl"))) == 2, "two that have logged")
        trials = trials_of(process.pid)
        process.send_signal(signal.SIGSTOP)
        Path("go").touch()
        assert not psutil.wait_procs(trials, timeout=DEADLINE)[1]
        for number in signals:
            process.send_signal(number)
        process.send_signal(signal.SIGCONT)
        output, _ = process.communicate(timeout=DEADLINE)
    assert process.returncode in (143, 129)
    assert "gridruns resume s " in output
    assert list(leaderboard("runs/s")["status"]) == ["completed"] * 2
    assert gridruns("resume").returncode == 0
    assert len(points()) == len(runs_of()) == 4


def test_a_search_that_was_stopped_goes_on(folder: Path) -> None:
    Path("train.py").write_text(WAITING)
    with started(*TUNE) as process:
        two_run()
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=DEADLINE)
    Path("go").touch()
    assert gridruns("resume").returncode == 0
    assert len(points()) == 4
    assert (leaderboard("runs/s")["status"] == "interrupted").sum() == 2


def test_however_many_signals_come_every_run_has_its_outcome(folder: Path) -> None:
    with started(*LONG) as process:
        two_run()
        while process.poll() is None:
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                process.send_signal(number)
            time.sleep(0.002)
        process.communicate(timeout=DEADLINE)
    check_no_process(folder)
    assert len(runs_of()) == len(list(Path("runs/s").glob("*/outcome.json"))) == 2
    assert list(leaderboard("runs/s")["reason"]) == ["the search was stopped"] * 2


def test_the_timeout_of_a_search_holds_after_the_first_ctrl_c(folder: Path) -> None:
    with started(*TUNE, "--timeout", "5", "--", "--seconds", "600") as process:
        two_run()
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=DEADLINE)
    assert process.returncode == 130, errors
    assert "gridruns resume s " in output
    assert set(leaderboard("runs/s")["reason"]) == {"the search's timeout of 5 s was over"}


INLINE = ["tune", "train.py", "--set", "a=1,2,3,4", "--order", "grid", "--executor", "inline", "--study", "s"]


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)]
)
@pytest.mark.parametrize("swallows", [False, True])
def test_a_signal_ends_a_trial_in_the_searchs_own_process(
    number: signal.Signals, code: int, swallows: bool, folder: Path
) -> None:
    Path("train.py").write_text(
        "from contextlib import suppress\n"
        "import time\nfrom results import log_metrics\nfrom spaces import flag_integer, flags\n"
        "a = flags(flag_integer('a', 1)).a\nlog_metrics(1, val_loss=a)\n"
        f"with suppress({'BaseException' if swallows else 'ValueError'}):\n"
        "    open('inside', 'w').close()\n    time.sleep(600)\n"
        "log_metrics(2, val_loss=a)\n"
    )
    with started(*INLINE) as process:
        wait_until(Path("inside").exists, "a trial that has logged and waits")
        process.send_signal(number)
        if number is signal.SIGINT:
            assert process.stderr is not None
            heard = iter(process.stderr.readline, "")
            assert any("running trials finish first" in line for line in heard)
            process.send_signal(number)
        output, errors = process.communicate(timeout=DEADLINE)
    assert process.returncode == code, errors
    assert "gridruns resume s " in output
    (row,) = leaderboard("runs/s").to_dict("records")
    assert row["status"] == ("completed" if swallows else "interrupted")
    assert row["epochs_completed"] == (2 if swallows else 1)


def test_a_single_run_that_is_stopped_is_recorded(folder: Path) -> None:
    with started("train", "train.py", "--", "--seconds", "600") as process:
        wait_until(lambda: list(Path("runs").glob("*/run.json")), "the run")
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=DEADLINE)
    assert process.returncode == 143
    assert list(leaderboard()["reason"]) == ["the run was stopped"]
