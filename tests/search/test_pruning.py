"""Searches with a pruner: what they end early, what is recorded of it, and what a resumed one knows."""

import json
import math
import os
from pathlib import Path
from typing import Any

import optuna
import pandas as pd
import pytest

from gridruns import GridrunsError
from results import best_run, leaderboard
from results.runs import read_run
from search import resume, tuning_run
from search.study_file import read_raw
from tests.search.support import Write

# The metric falls from 10 * a to a: what begins worse ends worse.
SCRIPT = """
    from results import log_metrics
    from spaces import flag_integer, flags
    FLAGS = flags(flag_integer("a", 1))
    for step in range(1, 11):
        log_metrics(step, val_loss=FLAGS.a * (11 - step), val_accuracy=-FLAGS.a * (11 - step))
    print("came to the end")
"""
GRID = {"a": [1, 2, 3, 4, 5, 6, 7, 8]}
EAGER = "median:n_startup_trials=2"


@pytest.fixture
def script(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return write(SCRIPT)


def tune(script: Path, **asked: Any) -> pd.DataFrame:
    options = {"order": "grid", "pruner": EAGER, "workers": 1, "study": "s", "quiet": True, **asked}
    return tuning_run(script, GRID, **options)


@pytest.mark.parametrize("goal", ["min", "max"])
def test_what_goes_badly_is_ended_and_keeps_its_curve(script: Path, goal: str) -> None:
    runs = tune(script, metric="val_loss" if goal == "min" else "val_accuracy", goal=goal)
    status = dict(zip(runs["flag_a"], runs["status"], strict=True))
    assert status == {1: "completed", 2: "completed"} | dict.fromkeys(range(3, 9), "pruned")
    given_up = runs[runs["flag_a"] == 5].iloc[0]
    assert given_up["reason"] == "given up after step 1 by the pruner median:n_startup_trials=2"
    assert given_up["best_val_loss"] == 50
    run = read_run(given_up["run_dir"])
    assert [epoch.step for epoch in run.epochs] == [1]
    assert "came to the end" not in (run.path / "output.log").read_text()
    assert runs.iloc[0]["flag_a"] == 1 == best_run("runs/s")["flag_a"].iloc[0]


def test_the_pruner_is_part_of_the_study(script: Path) -> None:
    tune(script, trials=2)
    assert read_raw(Path("runs/s"))["pruner"] == {
        "name": "median",
        "settings": {"n_startup_trials": 2},
        "object": False,
    }
    with pytest.raises(GridrunsError, match=r"pruner median .* -> none"):
        tune(script, trials=3, pruner=None)


CATCHING = """
    from results import log_metrics
    from spaces import flag_integer, flags
    FLAGS = flags(flag_integer("a", 1))
    for step in range(1, 5):
        try:
            log_metrics(step, val_loss=FLAGS.a * (11 - step))
        except BaseException:
            print("caught", step)
"""


@pytest.mark.parametrize("executor", ["local", "inline"])
def test_a_script_that_catches_the_stop_is_pruned_and_said_to_go_on(
    executor: str, write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    runs = tune(write(CATCHING), executor=executor)
    caught = runs[runs["flag_a"] == 5].iloc[0]
    assert caught["status"] == "pruned"
    assert caught["reason"] == (
        "given up after step 1 by the pruner median:n_startup_trials=2, but the script caught that "
        "and went on to step 4"
    )
    run = read_run(caught["run_dir"])
    assert [epoch.step for epoch in run.epochs] == [1, 2, 3, 4]
    assert (run.path / "output.log").read_text().splitlines() == [f"caught {step}" for step in (1, 2, 3, 4)]
    assert sorted(runs["status"]) == ["completed"] * 2 + ["pruned"] * 6


class Broken(optuna.pruners.BasePruner):
    def prune(self, study: optuna.Study, trial: optuna.trial.FrozenTrial) -> bool:
        raise ZeroDivisionError("of the user's")


@pytest.mark.parametrize("executor", ["local", "inline"])
@pytest.mark.parametrize("text", [SCRIPT, CATCHING])
def test_a_pruner_that_fails_ends_the_search_and_is_no_failure_of_the_script(
    executor: str, text: str, write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        GridrunsError, match=r"^the pruner Broken raised ZeroDivisionError: of the user's$"
    ) as e:
        tune(write(text), pruner=Broken(), executor=executor)
    assert isinstance(e.value.__cause__, ZeroDivisionError)
    assert list(leaderboard("runs/s")["status"]) == ["interrupted"]


def test_without_a_pruner_every_trial_runs_to_its_end(script: Path) -> None:
    assert set(tune(script, pruner=None)["status"]) == {"completed"}
    assert read_raw(Path("runs/s"))["pruner"] is None


def test_a_resumed_search_knows_the_curves_before_it(script: Path) -> None:
    before = tune(script, trials=3)
    assert sorted(before["status"]) == ["completed", "completed", "pruned"]
    raw = read_raw(Path("runs/s"))
    Path("runs/s/study.json").write_text(json.dumps({**raw, "planned": 8}))
    runs = resume("s", quiet=True)
    # With no curve to go by, the next two would have run to their ends.
    assert sorted(runs["status"]) == ["completed"] * 2 + ["pruned"] * 6
    assert len(runs) == 8


def test_a_pruned_trial_cut_off_is_run_again(script: Path) -> None:
    runs = tune(script)
    path = Path(runs[runs["flag_a"] == 6].iloc[0]["run_dir"])
    os.unlink(path / "outcome.json")
    again = resume("s", quiet=True)
    of = again[again["flag_a"] == 6]
    assert sorted(of["status"]) == ["interrupted", "pruned"]


def test_optunas_own_pruner_is_taken(script: Path) -> None:
    runs = tune(script, pruner=optuna.pruners.ThresholdPruner(upper=35))
    status = dict(zip(runs["flag_a"], runs["status"], strict=True))
    assert status == dict.fromkeys((1, 2, 3), "completed") | dict.fromkeys(range(4, 9), "pruned")
    cut = runs[runs["flag_a"] == 8].iloc[0]["run_dir"]
    os.unlink(Path(cut) / "outcome.json")
    with pytest.raises(GridrunsError, match="the pruner was a ThresholdPruner object, which no file holds"):
        resume("s", quiet=True)
    again = resume("s", pruner=optuna.pruners.ThresholdPruner(upper=35), quiet=True)
    assert sorted(again[again["flag_a"] == 8]["status"]) == ["interrupted", "pruned"]


def test_a_diverged_trial_is_no_pruned_one(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    script = write("""
        from results import log_metrics
        from spaces import flag_integer, flags
        FLAGS = flags(flag_integer("a", 1))
        for step in range(1, 5):
            log_metrics(step, val_loss=float("nan") if FLAGS.a == 3 else 1.0)
    """)
    runs = tune(script)
    assert dict(zip(runs["flag_a"], runs["status"], strict=True))[3] == "diverged"
    assert math.isnan(read_run(runs[runs["flag_a"] == 3].iloc[0]["run_dir"]).epochs[-1].metrics["val_loss"])


@pytest.mark.parametrize("executor", ["local", "inline"])
@pytest.mark.parametrize(
    "pruner",
    [
        "percentile:percentile=25,n_startup_trials=2", "asha:min_resource=1,reduction_factor=2",
        "hyperband:max_resource=10", "wilcoxon:p_threshold=0.2", "patient:patience=1,wrapped_pruner=median",
    ],
)  # fmt: skip
def test_every_pruner_finishes_a_search(script: Path, pruner: str, executor: str) -> None:
    runs = tune(script, pruner=pruner, executor=executor)
    assert set(runs["status"]) <= {"completed", "pruned"}
    assert len(runs) == 8
    assert best_run("runs/s")["flag_a"].iloc[0] == 1


@pytest.mark.parametrize("sampler", ["random", "keras-tuner:random"])
def test_other_samplers_bear_pruned_trials(script: Path, sampler: str) -> None:
    runs = tuning_run(script, GRID, sampler=sampler, pruner=EAGER, workers=2, study="s", seed=1, quiet=True)
    assert sorted(runs["flag_a"]) == [1, 2, 3, 4, 5, 6, 7, 8]
    assert "pruned" in set(leaderboard("runs/s")["status"])


def test_a_pruner_that_isnt_one_writes_nothing(script: Path) -> None:
    with pytest.raises(GridrunsError, match="unknown pruner 'medain'; did you mean 'median'"):
        tune(script, pruner="medain")
    assert not Path("runs").exists()
