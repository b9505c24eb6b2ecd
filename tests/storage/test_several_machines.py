"""Several machines on one study: they share its points, and take over what a dead one has left."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from optuna.trial import TrialState

from results import layout, leaderboard
from search import resume, tuning_run
from search.storage.address import StorageError
from tests.faults.support import started
from tests.storage.support import (
    PATIENCE,
    TUNE,
    completed,
    count,
    gate,
    grant,
    once,
    opened,
    record,
    running,
    trials,
    wait_until,
)


def check_ended(process: subprocess.Popen[str]) -> None:
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, out + err


def numbers(*folders: str) -> dict[int, tuple[int, int, int]]:
    """The flags and the seed of each completed run, by number."""
    found = {}
    for folder in folders:
        board = leaderboard(folder)
        done = board[board["status"] == "completed"]
        for row in done[["number", "flag_a", "flag_b", "seed"]].itertuples(index=False):
            found[int(row[0])] = (int(row[1]), int(row[2]), int(row[3]))
    return found


def test_two_machines_share_the_points_of_one_search(url: str, folder: Path) -> None:
    gate(folder)
    shared = [*TUNE, "--storage", url, "--runs-dir"]
    with started(*shared, "one") as first, started(*shared, "two") as second:
        wait_until(lambda: running("one") == running("two") == 2, "four running trials")
        grant(12)
        check_ended(first)
        check_ended(second)
    assert completed("one", "two") == once()
    grant(12)
    grid = {"a": [1, 2, 3, 4], "b": [1, 2, 3]}
    tuning_run("train.py", grid, seed=7, study="s", runs_dir="alone", executor="inline", quiet=True)
    assert numbers("one", "two") == numbers("alone")
    there = trials(url)
    assert {trial.state for trial in there} == {TrialState.COMPLETE}
    assert sorted(trial.user_attrs["number"] for trial in there) == list(range(12))


@pytest.mark.parametrize("folders", [("one", "two"), ("both", "both")], ids=["apart", "shared folder"])
def test_a_killed_machines_trials_are_run_again_by_the_other(
    folders: tuple[str, str], postgres: str, folder: Path
) -> None:
    gate(folder)
    shared = [*TUNE, "--storage", postgres, "--runs-dir"]
    with started(*shared, folders[0]) as first:
        wait_until(lambda: running(folders[0]) == 2, "two running trials")
        grant(3)
        wait_until(lambda: len(trials(postgres, "s", TrialState.COMPLETE)) == 3, "three results")
        with started(*shared, folders[1]) as second:
            wait_until(lambda: len(trials(postgres, "s", TrialState.RUNNING)) == 4, "both at work")
            first.send_signal(signal.SIGKILL)
            first.wait()
            grant(20)
            check_ended(second)
    assert completed(*set(folders)) == once()
    left = [trial for trial in trials(postgres) if trial.state is TrialState.FAIL]
    assert [trial.user_attrs["status"] for trial in left] == ["interrupted"] * 2
    # The killed search goes on, and finds nothing to do.
    resume("s", runs_dir=folders[0], storage=postgres, quiet=True)
    assert completed(*set(folders)) == once()
    assert set(leaderboard(folders[0])["status"]) == {"completed", "interrupted"}


def test_a_search_waits_for_the_others_trials_and_ends_with_them(postgres: str, folder: Path) -> None:
    gate(folder)
    shared = [*TUNE, "--storage", postgres, "--trials", "2", "--runs-dir"]
    with started(*shared, "one") as first:
        wait_until(lambda: running("one") == 2, "two running trials")
        with started(*shared, "two") as second:
            wait_until(lambda: Path("two/s/study.json").exists(), "the second machine")
            grant(2)
            check_ended(first)
            check_ended(second)
    assert len(leaderboard("one")) == 2
    assert count(layout.RUN, "two") == 0


def tune(folder: str, url: str, **asked: Any) -> None:
    grid = {"a": [1, 2, 3, 4], "b": [1, 2, 3]}
    given = {"flags": grid, "seed": 7, "study": "s", "arguments": ["--seconds", "0"], "quiet": True} | asked
    tuning_run("train.py", runs_dir=folder, storage=url, executor="inline", **given)


def test_a_machine_without_a_seed_takes_the_studys(url: str, folder: Path) -> None:
    for name, count_ in (("one", 4), ("two", 9), ("three", 9)):
        tune(name, url, seed=None, trials=count_)
    assert record("one/s")["seed"] == record("two/s")["seed"] == record("three/s")["seed"]
    assert [count(layout.RUN, name) for name in ("one", "two", "three")] == [4, 5, 0]


def test_another_search_under_the_same_name_is_refused(folder: Path, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/studies.db"
    tune("one", url)
    for changed, message in (
        ({"flags": {"a": [1, 2, 3, 4, 5], "b": [1, 2, 3]}}, "a: .*1, 2, 3, 4, 5"),
        ({"seed": 8}, "seed 7 -> 8"),
        ({"sampler": "tpe"}, "sampler grid random -> tpe random"),
        ({"trials": 3}, "has 12 trials planned in the database already, but got 3"),
    ):
        with pytest.raises(StorageError, match=message):
            tune("two", url, **changed)
    assert not Path("two").exists()


AGREE = """
import sys
import time
from dataclasses import replace
from pathlib import Path
from search.storage.link import opened_link
from search.study_file import load, read_raw
folder, seed = Path("model/s"), int(sys.argv[2])
study = replace(load(folder, read_raw(folder)), seed=seed)
print("ready", flush=True)
sys.stdin.readline()
with opened_link(sys.argv[1]) as link:
    print(link.agree(study, seed_is_drawn=True).seed)
"""


def test_four_machines_may_begin_at_once_on_an_empty_database(postgres: str, folder: Path) -> None:
    tuning_run("train.py", {"a": [1]}, study="s", runs_dir="model", quiet=True)
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", AGREE, postgres, str(seed)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for seed in range(4)
    ]  # fmt: skip
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    answers = [process.communicate(timeout=PATIENCE) for process in processes]
    assert [process.returncode for process in processes] == [0] * 4, answers
    assert len({seed for seed, _ in answers}) == 1
    with opened(postgres) as there:
        assert there is not None
        assert there.user_attrs["seed"] == int(answers[0][0])


@pytest.mark.slow
def test_machines_killed_at_random_moments_lose_no_point_and_complete_none_twice(
    postgres: str, folder: Path
) -> None:
    chance = random.Random(7)
    shared = [*TUNE, "--storage", postgres, "--", "--seconds", "0.3"]
    for _ in range(2):
        before = count(layout.RUN, "runs")
        with started(*shared) as first, started(*shared) as second:

            def began(before: int = before) -> bool:
                return count(layout.RUN, "runs") > before or count(layout.OUTCOME, "runs") >= 12

            wait_until(began, "a new run")
            for victim in (first, second):
                time.sleep(chance.uniform(0, 0.4))
                victim.kill()
    with started(*shared) as first, started(*shared) as second:
        check_ended(first)
        check_ended(second)
    assert completed("runs") == once()
    ended = trials(postgres, "s", TrialState.COMPLETE)
    assert sorted(trial.user_attrs["number"] for trial in ended) == list(range(12))
    assert set(leaderboard("runs")["status"]) <= {"completed", "interrupted"}
    assert "running" not in set(leaderboard("runs")["status"])
