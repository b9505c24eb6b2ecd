"""What happens to trials that wait for their search's answer, in a search with a pruner."""

import signal
from collections.abc import Iterator
from pathlib import Path
from subprocess import Popen

import optuna
import psutil
import pytest

from gridruns import GridrunsError
from results import leaderboard
from search import tuning_run
from tests.faults.support import (
    DEADLINE,
    check_no_process,
    check_readers,
    gridruns,
    points,
    runs_of,
    started,
    trials_of,
    wait_until,
)

# Logs only once it is let go: then each step waits for the search's answer.
SCRIPT = """
import time
from pathlib import Path
from results import log_metrics
from spaces import flag_integer, flags
FLAGS = flags(flag_integer("a", 1), flag_integer("b", 1))
while not Path("go").exists():
    time.sleep(0.01)
for step in (1, 2, 3):
    log_metrics(step, val_loss=FLAGS.a / step)
"""
TUNE = [
    "tune", "train.py", "--set", "a=1,2,3,4", "--order", "grid", "--workers", "2", "--study", "s",
    "--pruner", "median:n_startup_trials=9",
]  # fmt: skip


@pytest.fixture
def search(folder: Path) -> Iterator[Popen[str]]:
    """A search that has been stopped (SIGSTOP) and hears nothing; both its trials wait for an answer."""
    Path("train.py").write_text(SCRIPT)
    with started(*TUNE) as process:
        wait_until(lambda: len(trials_of(process.pid)) == len(runs_of()) == 2, "two trials")
        process.send_signal(signal.SIGSTOP)
        Path("go").touch()
        wait_until(lambda: len(list(Path("runs/s").glob("*/metrics.jsonl"))) == 2, "two that have logged")
        yield process


def go_on(search: Popen[str]) -> str:
    """Let the search hear again; return what it says until its end."""
    search.send_signal(signal.SIGCONT)
    return search.communicate(timeout=DEADLINE)[0]


def ends() -> list[str]:
    check_readers()
    return sorted(leaderboard("runs/s")["status"])


def test_a_trial_killed_while_it_waits_is_run_again(search: Popen[str]) -> None:
    trials_of(search.pid)[0].send_signal(signal.SIGKILL)
    go_on(search)
    assert search.returncode == 0
    assert ends() == ["completed"] * 4 + ["killed"]
    assert len(points()) == 4


def test_trials_that_wait_do_not_outlive_a_killed_search(search: Popen[str], folder: Path) -> None:
    search.send_signal(signal.SIGKILL)
    search.wait(DEADLINE)
    check_no_process(folder)
    assert ends() == ["interrupted"] * 2
    done = gridruns("resume", "--quiet")
    assert done.returncode == 0, done.stderr
    assert ends() == ["completed"] * 4 + ["interrupted"] * 2
    assert len(points()) == 4


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_trials_that_wait_are_ended_with_a_search_that_is_stopped(
    number: signal.Signals, code: int, search: Popen[str], folder: Path
) -> None:
    search.send_signal(number)
    assert "gridruns resume s " in go_on(search)
    assert search.returncode == code
    check_no_process(folder)
    # One that had its last answer before it was ended has completed.
    assert set(ends()) <= {"completed", "interrupted"}
    assert len(list(Path("runs/s").glob("*/outcome.json"))) == 2


def test_trials_that_wait_finish_after_the_first_ctrl_c(search: Popen[str]) -> None:
    search.send_signal(signal.SIGINT)
    assert "gridruns resume s " in go_on(search)
    assert search.returncode == 130
    assert ends() == ["completed"] * 2


def test_trials_that_wait_are_run_again_after_sigkill_of_the_warm_parent(search: Popen[str]) -> None:
    (parent,) = psutil.Process(search.pid).children()
    parent.send_signal(signal.SIGKILL)
    go_on(search)
    assert search.returncode == 0
    assert ends() == ["completed"] * 4 + ["killed"] * 2
    assert len(points()) == 4


class Broken(optuna.pruners.BasePruner):
    def prune(self, study: optuna.Study, trial: optuna.trial.FrozenTrial) -> bool:
        raise ZeroDivisionError("a pruner of the user's")


def test_where_the_pruner_itself_fails_every_run_has_its_outcome(folder: Path) -> None:
    Path("train.py").write_text(SCRIPT)
    Path("go").touch()
    with pytest.raises(
        GridrunsError, match=r"^the pruner Broken raised ZeroDivisionError: a pruner of the user's$"
    ):
        tuning_run("train.py", {"a": [1, 2, 3]}, workers=2, study="s", pruner=Broken(), quiet=True)
    assert set(ends()) <= {"completed", "interrupted"}
    assert len(list(Path("runs/s").glob("*/outcome.json"))) == len(runs_of())
