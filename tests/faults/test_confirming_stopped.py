"""Ctrl-C while `gridruns confirm` runs: what has run is kept, and the same command goes on."""

import json
import signal
from pathlib import Path

import psutil
import pytest

from results import leaderboard
from tests.faults.support import DEADLINE, check_no_process, gridruns, runs_of, started, wait_until

WAITING = """
import time
from pathlib import Path
from results import log_metrics
from spaces import flag_integer, flags
FLAGS = flags(flag_integer("a", 1), flag_integer("b", 1))
log_metrics(1, val_loss=FLAGS.a)
while not Path("go").exists():
    time.sleep(0.01)
"""
CONFIRM = ["confirm", "s", "--top", "2", "--seeds", "2", "--workers", "2"]


@pytest.mark.parametrize("presses", [1, 2])
def test_a_confirmation_that_is_stopped_goes_on_by_the_same_command(presses: int, folder: Path) -> None:
    Path("train.py").write_text(WAITING)
    Path("go").touch()
    assert gridruns("tune", "train.py", "--set", "a=1,2,3", "--study", "s", "--seed", "1").returncode == 0
    Path("go").unlink()
    with started(*CONFIRM) as process:
        wait_until(
            lambda: len(list(Path("runs/s-confirm").glob("*/metrics.jsonl"))) == 2, "two that have logged"
        )
        family = psutil.Process(process.pid).children(recursive=True)
        assert process.stderr is not None
        process.send_signal(signal.SIGINT)
        heard = iter(process.stderr.readline, "")
        assert any("running trials finish first" in line for line in heard)
        if presses == 1:
            Path("go").touch()
        else:
            process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=DEADLINE)
    assert process.returncode == 130, errors
    assert "  gridruns confirm s    # goes on\n" in output
    assert "gridruns: stopped" in errors
    assert not psutil.wait_procs(family, timeout=DEADLINE)[1]
    check_no_process(folder)
    end = "completed" if presses == 1 else "interrupted"
    assert list(leaderboard("runs/s-confirm")["status"]) == [end] * 2
    kept = set(runs_of("s-confirm"))

    Path("go").touch()
    done = gridruns(*CONFIRM, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert [point["flag_a"] for point in found["points"]] == [1, 2] and len(found["seeds"]) == 2
    board = leaderboard("runs/s-confirm")
    assert (board["status"] == "completed").sum() == 4
    assert kept < set(runs_of("s-confirm")) and len(board) == (4 if presses == 1 else 6)
