"""SIGKILL of the search at random moments: nothing is lost, nothing runs twice, nothing is left running."""

import random
import signal
import time
import uuid
from itertools import product
from pathlib import Path

import psutil
import pytest

from results import layout, leaderboard
from search import tuning_run
from tests.faults.support import (
    DEADLINE,
    check_no_process,
    check_readers,
    gridruns,
    points,
    runs_of,
    started,
    wait_until,
)

FLAGS = ["a=1,2,3,4,5,6", "b=1,2,3,4,5,6,7,8"]
SECONDS = 0.3  # of a trial
# A training that ends only with a token, so that no search comes to its end before it is killed, however
# slow the machine is to kill it.
SCRIPT = """
import os, time
from results import log_metrics
from spaces import flag_integer, flag_numeric, flags
FLAGS = flags(flag_integer("a", 1), flag_integer("b", 1), flag_numeric("seconds", 0.15))

def taken():
    for token in os.listdir("tokens"):
        try:
            os.unlink(os.path.join("tokens", token))
            return True
        except FileNotFoundError:
            continue
    return False

for epoch in (1, 2, 3):
    time.sleep(FLAGS.seconds / 3)
    while epoch == 3 and not taken():
        time.sleep(0.005)
    log_metrics(epoch, val_loss=FLAGS.a + FLAGS.b / 10 + 1 / epoch)
"""
# As late as this after its start a search is killed at most, or after its first new run.
START, WORK = 1.0, 0.45
TUNE = [
    "tune", "train.py", "--set", FLAGS[0], "--set", FLAGS[1], "--trials", "24", "--seed", "11",
    "--workers", "2", "--study", "s",
]  # fmt: skip


def grant(count: int) -> None:
    """Let so many trials come to their end."""
    Path("tokens").mkdir(exist_ok=True)
    for _ in range(count):
        Path("tokens", str(uuid.uuid4())).touch()


def kill_search(arguments: list[str], after_start: float | None, after_run: float) -> None:
    """Start a search and kill it, so many seconds after its own start or after its first new run."""
    before = len(runs_of())
    with started(*arguments) as process:
        if after_start is not None:
            time.sleep(after_start)
        else:
            wait_until(lambda: len(runs_of()) > before or process.poll() is not None, "a new run")
            time.sleep(after_run)
        family = psutil.Process(process.pid).children(recursive=True)
        assert process.poll() is None, process.communicate()
        process.send_signal(signal.SIGKILL)
    assert not psutil.wait_procs(family, timeout=DEADLINE)[1]


def test_a_search_killed_twenty_times_completes_every_point_once(folder: Path) -> None:
    Path("train.py").write_text(SCRIPT)
    chance = random.Random(20)
    # In eight moments of its start, and in twelve of its work, where a trial takes 0.3 s.
    moments: list[tuple[float | None, float]] = [(chance.uniform(0, START), 0.0) for _ in range(8)]
    moments += [(None, chance.uniform(0, WORK)) for _ in range(12)]
    chance.shuffle(moments)
    completed: dict[int, tuple[int, int, int]] = {}
    for after_start, after_run in moments:
        begun = Path("runs/s", layout.STUDY).exists()
        arguments = ["resume", "s"] if begun else [*TUNE, "--", "--seconds", str(SECONDS)]
        grant(1)
        kill_search(arguments, after_start, after_run)
        check_no_process(folder)
        if Path("runs").exists() and runs_of():
            check_readers()
            assert set(leaderboard("runs/s")["status"]) <= {"completed", "interrupted"}
            now = points()
            assert now.items() >= completed.items()
            completed = now
    assert len(completed) < 24
    grant(48)
    done = gridruns("resume", "s", "--quiet")
    assert done.returncode == 0, done.stderr
    board = leaderboard("runs/s")
    assert (board["status"] == "completed").sum() == 24
    assert set(board["status"]) == {"completed", "interrupted"}
    whole = tuning_run(
        "train.py", {"a": range(1, 7), "b": range(1, 9)}, trials=24, seed=11, workers=2, study="whole",
        arguments=["--seconds", "0.0"], quiet=True,
    )  # fmt: skip
    assert len(whole) == 24
    assert points("s") == points("whole")
    assert sorted(points()) == list(range(24))
    assert {(a, b) for a, b, _ in points().values()} < set(product(range(1, 7), range(1, 9)))


KERAS = """
import keras
import numpy as np
from spaces import flag_integer, flags
FLAGS = flags(flag_integer("a", 1), flag_integer("b", 1))
x = np.random.default_rng(0).normal(size=(64, 4))
model = keras.Sequential([keras.layers.Dense(FLAGS.a), keras.layers.Dense(1)])
model.compile(loss="mse", optimizer="sgd")
model.fit(x, x[:, 0], validation_split=0.5, epochs=3, batch_size=8, verbose=0)
"""


@pytest.mark.slow
def test_a_killed_keras_search_completes_every_point_once(folder: Path) -> None:
    Path("train.py").write_text(KERAS)
    tune = ["tune", "train.py", "--set", "a=1,2,3,4", "--set", "b=1,2", "--workers", "2", "--study", "s"]
    kill_search(tune, None, 0.5)
    kill_search(["resume", "s"], None, 2.0)
    check_no_process(folder)
    check_readers()
    done = gridruns("resume", "--quiet")
    assert done.returncode == 0, done.stderr
    assert sorted(points()) == list(range(8))
    board = leaderboard("runs/s")
    completed = board[board["status"] == "completed"]
    assert list(completed["epochs_completed"]) == [3] * 8
    assert completed["best_val_loss"].notna().all()
