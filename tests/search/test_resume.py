"""Resume and growth: what is done stays, what was cut off is run again, nothing is run twice."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from gridruns import GridrunsError
from results import leaderboard
from search import resume, tuning_run
from search.lock import StudyLockedError, study_lock
from search.study import StudyError
from tests.search.support import Write

SCRIPT = """
    import os
    from results import log_metrics
    from spaces import flag_integer, flag_numeric, flags
    FLAGS = flags(flag_integer("a", 1), flag_integer("b", 1), flag_numeric("lr", 0.1))
    log_metrics(1, val_loss=FLAGS.a + FLAGS.b / 10, other=1)
    if os.path.exists("stop") and FLAGS.a == 2:
        os.kill(os.getpid(), 9)
"""
GRID = {"a": [1, 2, 3], "b": [1, 2, 3, 4]}


@pytest.fixture
def script(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return write(SCRIPT)


def tune(script: Path, flags: Any = None, **asked: Any) -> pd.DataFrame:
    return tuning_run(script, GRID if flags is None else flags, study="s", quiet=True, **asked)


def completed(runs: pd.DataFrame) -> Counter[tuple[int, int]]:
    done = runs[runs["status"] == "completed"]
    return Counter(zip(done["flag_a"], done["flag_b"], strict=True))


def cut_off(runs: pd.DataFrame, numbers: list[int]) -> None:
    """Take the outcome from runs, as if the search had been killed while they ran."""
    for path in runs[runs["number"].isin(numbers)]["run_dir"]:
        os.unlink(Path(path) / "outcome.json")


@pytest.mark.parametrize("sampler", ["grid", "random"])
def test_resume_runs_again_what_was_cut_off_and_then_the_rest(
    sampler: str, script: Path, tmp_path: Path
) -> None:
    whole = tuning_run(script, GRID, study="whole", seed=3, trials=9, sampler=sampler, quiet=True)
    before = tune(script, seed=3, trials=6, sampler=sampler)
    cut_off(before, [2, 4])
    grown = json.loads((tmp_path / "runs/s/study.json").read_text()) | {"planned": 9}
    (tmp_path / "runs/s/study.json").write_text(json.dumps(grown))
    runs = resume("s", quiet=True)
    assert completed(runs) == completed(whole)
    assert sorted(runs["status"]) == ["completed"] * 9 + ["interrupted"] * 2
    again = runs[runs["status"] == "completed"].set_index("number")
    assert list(again.loc[list(range(9)), "seed"]) == list(whole.sort_values("number")["seed"])


def test_resume_without_a_name_takes_the_latest_unfinished(script: Path) -> None:
    cut_off(tune(script, trials=2), [0])
    tuning_run(script, GRID, trials=2, study="finished", quiet=True)
    assert set(resume(quiet=True)["study"]) == {"s"}
    with pytest.raises(StudyError, match="no unfinished study in 'runs'"):
        resume(quiet=True)


def test_a_finished_study_has_nothing_to_resume(script: Path) -> None:
    before = tune(script)
    assert list(resume("s", quiet=True)["run_dir"]) == list(before["run_dir"])


def test_tune_again_with_more_trials_runs_only_what_is_new(script: Path) -> None:
    before = tune(script, trials=4, seed=5)
    runs = tune(script, sample=0.75)
    assert sum(completed(runs).values()) == 9
    assert set(before["run_dir"]) <= set(runs["run_dir"])
    assert len(runs) == 9
    with pytest.raises(StudyError, match="has 9 trials planned already, but got 4"):
        tune(script, trials=4)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"flags": {"a": [1, 2, 3, 4], "b": [1, 2, 3, 4]}}, r"space a: .*1, 2, 3.* -> .*1, 2, 3, 4"),
        ({"flags": {**GRID, "lr": [0.1, 0.2]}}, r"with lr: .*0\.1, 0\.2"),
        ({"flags": {"a": [1, 2, 3]}}, "without b"),
        ({"metric": "other"}, "metric val_loss min -> other min"),
        ({"seed": 6}, "seed 5 -> 6"),
        ({"sampler": "random"}, "sampler grid random -> random random"),
        ({"arguments": ["--lr", "0.5"]}, "fixed values: lr"),
    ],
)
def test_a_changed_study_is_refused_with_the_difference(
    asked: dict[str, Any], message: str, script: Path
) -> None:
    tune(script, trials=2, seed=5)
    with pytest.raises(StudyError, match=message) as caught:
        tune(script, **asked)
    assert "--extend" in str(caught.value)


def test_a_changed_script_is_refused(script: Path) -> None:
    tune(script, trials=2)
    script.write_text(script.read_text() + "# another\n")
    with pytest.raises(StudyError, match="script or a local module has changed"):
        tune(script)
    with pytest.raises(StudyError, match="can't be resumed: the script or a local module has changed"):
        resume("s", quiet=True)


@pytest.mark.parametrize("sampler", ["grid", "random"])
def test_extend_keeps_the_finished_points_that_are_still_points(
    sampler: str, script: Path, tmp_path: Path
) -> None:
    before = tune(script, {"a": [1, 2], "b": [1, 2]}, sampler=sampler)
    runs = tune(script, {"a": [2, 3], "b": [1, 2], "lr": [0.1, 0.2]}, extend=True, sampler=sampler)
    points = Counter(zip(runs["flag_a"], runs["flag_b"], runs["flag_lr"], strict=True))
    assert points == Counter(
        [(a, b, lr) for a in (2, 3) for b in (1, 2) for lr in (0.1, 0.2)] + [(1, 1, 0.1), (1, 2, 0.1)]
    )
    assert len(set(before["run_dir"]) & set(runs["run_dir"])) == 4
    assert json.loads((tmp_path / "runs/s/study.1.json").read_text())["planned"] == 4


def test_two_searches_cannot_run_one_study(script: Path, tmp_path: Path) -> None:
    tune(script, trials=2)
    with study_lock(tmp_path / "runs/s"):
        for again in (lambda: tune(script), lambda: resume("s", quiet=True)):
            with pytest.raises(
                StudyLockedError, match=f"is being run by process {os.getpid()} on .* since 20"
            ):
                again()
    assert len(tune(script)) == 12


def test_the_lock_of_a_dead_process_is_taken_over(script: Path, tmp_path: Path) -> None:
    tune(script, trials=2)
    code = (
        "import os, pathlib, sys\nfrom search.lock import study_lock\n"
        "with study_lock(pathlib.Path(sys.argv[1])): os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, "runs/s"], check=False)
    assert len(tune(script)) == 12


def test_a_killed_trial_is_run_again_once(script: Path, tmp_path: Path) -> None:
    (tmp_path / "stop").touch()
    runs = tune(script, keep_going=True)
    statuses = Counter(zip(runs["flag_a"], runs["status"], strict=True))
    assert statuses == {(1, "completed"): 4, (3, "completed"): 4, (2, "killed"): 8}
    assert runs[runs["status"] == "killed"]["signal"].unique() == ["SIGKILL"]
    (tmp_path / "stop").unlink()
    assert len(resume("s", quiet=True)) == 16  # tried as often as retries allow: settled
    assert len(resume("s", retries=2, quiet=True)) == 20
    assert sum(completed(leaderboard("runs/s")).values()) == 12


def test_a_trial_that_a_nameless_signal_ends_is_named_by_its_number(write: Write, tmp_path: Path) -> None:
    script = write(SCRIPT + "    if FLAGS.a == 1: os.kill(os.getpid(), 40)\n")
    runs = tuning_run(script, {"a": [1, 2]}, runs_dir=tmp_path / "runs", quiet=True, retries=0)
    assert list(runs[runs["flag_a"] == 1]["reason"]) == ["signal 40 (SIG40)"]


def test_an_outcome_without_a_word_is_written_anew(script: Path) -> None:
    before = tune(script, trials=2)
    (Path(before["run_dir"].iloc[0]) / "outcome.json").write_text("{}")
    assert sorted(resume("s", quiet=True)["status"]) == ["completed", "completed", "interrupted"]


def test_a_study_of_another_kind_is_refused(script: Path, tmp_path: Path) -> None:
    (tmp_path / "runs/s/figures").mkdir(parents=True)
    with pytest.raises(GridrunsError, match="is no study"):
        tune(script)
