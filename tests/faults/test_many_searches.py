"""Many searches in one folder, two on one study."""

import os
import socket
import subprocess
import sys
from pathlib import Path

from results import leaderboard, ls_runs
from tests.faults.support import DEADLINE, gridruns, points, runs_of, started, wait_until

TUNE = ["tune", "train.py", "--set", "a=1,2,3,4", "--workers", "2", "--study", "s"]


def test_the_second_search_on_a_study_is_told_who_holds_it(folder: Path) -> None:
    with started(*TUNE, "--", "--seconds", "600") as process:
        wait_until(lambda: len(runs_of()) == 2, "two trials")
        for second in (TUNE, ["resume"]):
            done = gridruns(*second)
            assert done.returncode == 2
            held = f"study 's' is being run by process {process.pid} on {socket.gethostname()} since 20"
            assert done.stderr.startswith(f"gridruns: {held}")
            assert done.stderr.count("\n") == 1
        assert len(runs_of()) == 2
    wait_until(lambda: process.poll() is not None, "the end of the first")
    done = gridruns("resume", "s", "--timeout", "1")  # the lock of the dead is taken over
    assert done.returncode == 0, done.stderr


def test_of_searches_that_begin_a_study_at_once_one_gets_it(folder: Path) -> None:
    commands = [[sys.executable, "-m", "gridruns", *TUNE] for _ in range(4)]
    searches = [subprocess.Popen(words, stderr=subprocess.PIPE, text=True) for words in commands]
    for search in searches:  # who comes when all is done finds nothing to do
        errors = search.communicate(timeout=2 * DEADLINE)[1]
        assert search.returncode == 0 or "study 's'" in errors
    assert 0 in [search.returncode for search in searches]
    assert len(points()) == len(runs_of()) == 4


FORK = """
import os, sys
from search import training_run
from results.runs import create_run

def make():
    for number in range(25):
        create_run("runs", {"flags": {"a": number}})

def train():
    for number in range(3):
        run = training_run("train.py", {"a": number, "seconds": 0.0}, executor="inline", quiet=True)
        assert run["status"].iloc[0] == "completed"

work = {"make": make, "train": train}[sys.argv[1]]
start, go = os.pipe()
for number in range(16):
    if os.fork() == 0:
        os.close(go)
        os.read(start, 1)  # until the other end is closed
        work()
        sys.stdout.flush()
        os._exit(0)
os.close(go)
assert [os.wait()[1] for number in range(16)] == [0] * 16
"""


def sixteen(work: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FORK, work], capture_output=True, text=True, check=False, timeout=2 * DEADLINE
    )
    assert done.returncode == 0, done.stderr


def test_sixteen_processes_make_runs_at_once(folder: Path) -> None:
    sixteen("make")
    assert len(os.listdir("runs")) == 16 * 25
    runs = ls_runs()
    assert len(runs) == 16 * 25
    assert not runs["problems"].notna().any()
    assert set(runs["status"]) == {"interrupted"}  # who made them has gone
    assert runs.groupby("flag_a").size().eq(16).all()


def test_sixteen_processes_train_at_once(folder: Path) -> None:
    sixteen("train")
    board = leaderboard()
    assert len(board) == 48
    assert set(board["status"]) == {"completed"}
    assert board.groupby("flag_a").size().eq(16).all()
