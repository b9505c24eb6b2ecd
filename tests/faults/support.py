"""Searches as processes, and what must be true of them whatever happens."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from results import leaderboard, ls_runs
from search.cli import main

DEADLINE = 60.0  # seconds after which a condition that should come true counts as broken

# A training of three epochs in little more than the time it is told to take.
SCRIPT = """
import time
from results import log_metrics
from spaces import flag_integer, flag_numeric, flags
FLAGS = flags(flag_integer("a", 1), flag_integer("b", 1), flag_numeric("seconds", 0.15))
for epoch in (1, 2, 3):
    time.sleep(FLAGS.seconds / 3)
    log_metrics(epoch, val_loss=FLAGS.a + FLAGS.b / 10 + 1 / epoch)
"""


def command(*arguments: str) -> list[str]:
    """The command line of gridruns with these arguments."""
    return [sys.executable, "-m", "gridruns", *arguments]


@contextmanager
def started(*arguments: str, **more: Any) -> Iterator[subprocess.Popen[str]]:
    """A gridruns process, killed at the end if it still runs."""
    streams: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more}
    with subprocess.Popen(command(*arguments), text=True, **streams) as process:
        try:
            yield process
        finally:
            process.kill()


def gridruns(*arguments: str, **more: Any) -> subprocess.CompletedProcess[str]:
    """Run gridruns to its end."""
    return subprocess.run(
        command(*arguments), capture_output=True, text=True, check=False, timeout=DEADLINE, **more
    )


def wait_until(condition: Callable[[], object], what: str, seconds: float = DEADLINE) -> None:
    """Look until `condition` holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.01)


def trials_of(search: int) -> list[psutil.Process]:
    """The trials of a search that runs: the children of the warm parent."""
    return [trial for parent in children(psutil.Process(search)) for trial in children(parent)]


def children(process: psutil.Process) -> list[psutil.Process]:
    """The children of a process that are still there, as it is itself."""
    try:
        return [child for child in process.children() if runs(child)]
    except psutil.NoSuchProcess:
        return []


def runs(process: psutil.Process) -> bool:
    """Whether a process, listed a moment ago, is still there."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def living(folder: Path) -> list[psutil.Process]:
    """The processes that work in `folder` or name it: of a search in it, all of them."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid == os.getpid() or process.status() == psutil.STATUS_ZOMBIE:
                continue
            if process.cwd() == str(folder) or str(folder) in " ".join(process.cmdline()):
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def check_no_process(folder: Path) -> None:
    """Nothing of a search in `folder` outlives it by more than the moment that dying takes."""
    wait_until(lambda: not living(folder), f"the end of {living(folder)}")


def check_readers(study: str = "s") -> None:
    """Every reader answers."""
    assert set(ls_runs()["run_dir"]) == set(leaderboard()["run_dir"])
    leaderboard(f"runs/{study}")
    assert main(["ls"]) == 0
    assert main(["ls", study, "--json"]) == 0


def runs_of(study: str = "s") -> list[Path]:
    """The run directories of a study."""
    return sorted(Path("runs", study).glob("2*Z"))


def points(study: str = "s") -> dict[int, tuple[int, int, int]]:
    """Of every completed run, by number: its flags and its seed. Fails where one was completed twice."""
    board = leaderboard(f"runs/{study}")
    done = board[board["status"] == "completed"]
    found = zip(done["number"], done["flag_a"], done["flag_b"], done["seed"], strict=True)
    by_number = {int(number): (int(a), int(b), int(seed)) for number, a, b, seed in found}
    assert len(by_number) == len(set(by_number.values())) == len(done)
    return by_number
