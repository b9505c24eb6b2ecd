"""`tuning_run` from request to leaderboard, on scripts that cost nothing."""

import json
import os
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from gridruns import GridrunsError
from results import leaderboard
from search import training_run, tuning_run
from search.objective import NoResultError
from spaces import Choice, Float, Space
from tests.search.support import Write

SCRIPT = """
    from results import log_metrics
    from spaces import flag_integer, flag_numeric, flag_string, flags
    FLAGS = flags(
        flag_integer("a", 1),
        flag_integer("b", 1),
        flag_numeric("lr", 0.1),
        flag_string("word", "x"),
        flag_integer("epochs", 2),
    )
    for step in range(1, FLAGS.epochs + 1):
        log_metrics(step, val_loss=FLAGS.a + FLAGS.b / 10 + 1 / step, other=step)
"""
GRID = {"a": [1, 2, 3, 4], "b": [1, 2, 3, 4, 5]}


@pytest.fixture
def script(write: Write) -> Path:
    return write(SCRIPT)


def tune(script: Path, runs_dir: Path, flags: Any = None, **asked: Any) -> pd.DataFrame:
    return tuning_run(script, GRID if flags is None else flags, runs_dir=runs_dir, quiet=True, **asked)


def points(runs: pd.DataFrame) -> list[tuple[int, int]]:
    """The points in the order in which they were run."""
    ordered = runs.sort_values("number")
    return list(zip(ordered["flag_a"], ordered["flag_b"], strict=True))


def test_a_sample_runs_that_many_different_points_and_ranks_them(script: Path, tmp_path: Path) -> None:
    runs = tune(script, tmp_path / "runs", sample=0.33, seed=5)
    assert len(runs) == 7  # ceil(0.33 * 20)
    assert len(set(points(runs))) == 7
    assert list(runs["rank"]) == [1, 2, 3, 4, 5, 6, 7]
    assert runs["best_val_loss"].is_monotonic_increasing
    assert (runs["status"] == "completed").all()
    assert (runs["best_epoch"] == 2).all()
    assert list(runs["best_other"]) == [2.0] * 7


def test_the_same_seed_is_the_same_search(script: Path, tmp_path: Path) -> None:
    one = tune(script, tmp_path / "one", trials=8, seed=11, workers=1)
    two = tune(script, tmp_path / "two", trials=8, seed=11, workers=2)
    here = tune(script, tmp_path / "here", trials=8, seed=11, executor="inline")
    other = tune(script, tmp_path / "other", trials=8, seed=12)
    assert points(one) == points(two) == points(here) != points(other)
    for runs in (two, here):
        assert list(runs.sort_values("number")["seed"]) == list(one.sort_values("number")["seed"])
        assert list(runs["best_val_loss"]) == list(one["best_val_loss"])


def test_the_whole_grid_in_order(script: Path, tmp_path: Path) -> None:
    runs = tune(script, tmp_path / "runs", order="grid")
    assert points(runs) == [(a, b) for b in GRID["b"] for a in GRID["a"]]


@pytest.mark.parametrize(
    "sampler", ["grid", "random", pytest.param("keras-tuner:random", marks=pytest.mark.slow)]
)
def test_a_grid_is_exhausted(sampler: str, script: Path, tmp_path: Path) -> None:
    runs = tune(script, tmp_path / "runs", sampler=sampler, seed=1)
    assert sorted(points(runs)) == [(a, b) for a in GRID["a"] for b in GRID["b"]]


def test_ranges_with_the_random_sampler(script: Path, tmp_path: Path) -> None:
    space = {"lr": Float(1e-5, 1e-1, log=True), "word": ["007", "no"]}
    runs = tune(script, tmp_path / "runs", space, sampler="random", trials=6, seed=3)
    assert runs["flag_lr"].between(1e-5, 1e-1).all()
    assert set(runs["flag_word"]) <= {"007", "no"}


def test_spaces_in_every_form(script: Path, tmp_path: Path, write: Write) -> None:
    file = write("a: [1, 2]\nb: 3\n", "space.yaml")
    forms = [
        {"a": [1, 2], "b": 3},
        Space({"a": Choice((1, 2)), "b": 3}),
        str(file),
        pd.DataFrame({"a": [1, 2], "b": [3, 3]}),
    ]
    for number, form in enumerate(forms):
        runs = tune(script, tmp_path / str(number), form)
        assert sorted(points(runs)) == [(1, 3), (2, 3)]


def test_set_wins_over_the_space_and_arguments_fix_the_rest(script: Path, tmp_path: Path) -> None:
    runs = tune(script, tmp_path / "runs", set=["a=7", "word=hello"], trials=2, arguments=["--epochs", "3"])
    assert set(runs["flag_a"]) == {7}
    assert set(runs["flag_word"]) == {"hello"}
    assert set(runs["flag_epochs"]) == {3}


def test_the_domains_in_the_script_are_a_space(write: Write, tmp_path: Path) -> None:
    script = write("""
        from results import log_metrics
        from spaces import flag_integer, flags
        FLAGS = flags(flag_integer("a", 1, choices=[1, 2, 3]), flag_integer("b", 0, low=0, high=10, step=5))
        log_metrics(1, val_loss=FLAGS.a + FLAGS.b)
    """)
    runs = tuning_run(script, runs_dir=tmp_path / "runs", quiet=True)
    assert sorted(points(runs)) == [(a, b) for a in (1, 2, 3) for b in (0, 5, 10)]


def test_study_json_says_what_the_search_was(script: Path, tmp_path: Path) -> None:
    tune(script, tmp_path / "runs", sample=0.1, seed=9, study="mine")
    written = json.loads((tmp_path / "runs" / "mine" / "study.json").read_text())
    assert written["planned"] == 2
    assert written["seed"] == 9
    assert written["metric"] == {"name": "val_loss", "goal": "min"}
    assert Space.from_json(written["space"]).size == 20
    assert {"python", "gridruns", "optuna", "tensorflow"} <= set(written["versions"])
    assert not any(value in json.dumps(written) for value in (os.environ["PATH"], os.environ["HOME"] + ":"))


def test_a_failed_trial_stops_no_other(write: Write, tmp_path: Path) -> None:
    script = write(SCRIPT + "    if FLAGS.a == 2: raise ValueError('two')\n")
    runs = tune(script, tmp_path / "runs", {"a": [1, 2, 3]}, order="grid")
    by_a = runs.set_index("flag_a")
    assert list(by_a["status"].loc[[1, 2, 3]]) == ["completed", "failed", "completed"]
    assert by_a["reason"].loc[2] == "ValueError: two"
    assert "raise ValueError('two')" in by_a["error"].loc[2]
    assert by_a["best_val_loss"].loc[2] == 2.6  # what it had logged stays


def test_a_metric_nobody_logs_names_those_that_are(script: Path, tmp_path: Path) -> None:
    with pytest.raises(NoResultError, match=r"'val_los'.*logged were: other, val_loss"):
        tune(script, tmp_path / "runs", trials=2, metric="val_los")


def test_first_trials_that_fail_alike_stop_the_search(write: Write, tmp_path: Path) -> None:
    script = write(SCRIPT + "    raise ValueError('always')\n")
    with pytest.raises(NoResultError, match="the first 3 trials all ended the same way: ValueError: always"):
        tune(script.with_name("train.py"), tmp_path / "runs", study="s", workers=1, metric="missing")
    statuses = list(leaderboard(tmp_path / "runs" / "s", metric="val_loss")["status"])
    assert statuses.count("failed") >= 3
    assert len(statuses) <= 4
    with pytest.raises(NoResultError, match="no trial ended with a value"):
        tune(script, tmp_path / "more", keep_going=True, trials=5)
    assert list(leaderboard(tmp_path / "more")["status"]) == ["failed"] * 5


def test_trials_that_all_fail_after_logging_give_no_winner(write: Write, tmp_path: Path) -> None:
    script = write(SCRIPT + "    raise ValueError(f'bad {FLAGS.a}')\n")
    with pytest.raises(NoResultError, match="no trial ended with a value of the metric 'val_loss'"):
        tune(script, tmp_path / "runs", {"a": [1, 2, 3, 4]}, study="s")
    assert leaderboard(tmp_path / "runs" / "s")["rank"].isna().all()


def test_nan_is_diverged(write: Write, tmp_path: Path) -> None:
    script = write(SCRIPT + "    if FLAGS.a == 2: log_metrics(3, val_loss=float('nan'))\n")
    runs = tune(script, tmp_path / "runs", {"a": [1, 2]}).set_index("flag_a")
    assert list(runs["status"].loc[[1, 2]]) == ["completed", "diverged"]
    assert runs["best_val_loss"].loc[2] == 2.6


def test_a_script_that_changes_stops_the_search(write: Write, tmp_path: Path) -> None:
    script = write(SCRIPT + "    open(__file__, 'a').write('# changed\\n')\n")
    with pytest.raises(GridrunsError, match="has changed since the search began"):
        tune(script, tmp_path / "runs", workers=1, study="s")
    assert list(leaderboard(tmp_path / "runs" / "s")["status"]) == ["completed"]


def test_training_run_takes_flags_arguments_and_defaults_in_that_order(script: Path, tmp_path: Path) -> None:
    run = training_run(
        script, {"a": 5}, arguments=["--a", "4", "--b", "4"], runs_dir=tmp_path / "runs", quiet=True, seed=1
    )
    row = run.iloc[0]
    assert (row["flag_a"], row["flag_b"], row["flag_lr"]) == (5, 4, 0.1)
    assert (row["status"], row["seed"]) == ("completed", 1)
    assert Path(row["run_dir"]).parent == tmp_path / "runs"


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"flags": {"nods": [1]}}, "unknown flag 'nods'"),
        ({"flags": {"aa": [1]}}, "did you mean 'a'"),
        ({"flags": {"a": []}}, "a"),
        ({"flags": {"a": ["x"]}}, "'x'"),
        ({"flags": {"a": [1.5]}}, "1.5"),
        ({"flags": {"word": [1]}}, "word"),
        ({"sample": 0}, r"sample must be in \(0, 1\], but got 0"),
        ({"sample": -1}, r"sample must be in \(0, 1\], but got -1"),
        ({"sample": 3}, r"sample must be in \(0, 1\], but got 3"),
        ({"sample": "abc"}, r"sample must be .*'abc'"),
        ({"sample": 0.5, "trials": 2}, "sample or trials, not both"),
        ({"trials": 0}, "trials must be at least 1, but got 0"),
        ({"trials": 21}, "at most the 20 points of the space, but got 21"),
        ({"sampler": "gird"}, "unknown sampler 'gird'; did you mean 'grid'"),
        ({"goal": "least"}, "goal must be 'min' or 'max', but got 'least'"),
        ({"metric": ""}, "metric must be"),
        ({"order": "sideways"}, "unknown order"),
        ({"executor": "locl"}, "unknown executor 'locl'; did you mean 'local'"),
        ({"start_method": "fokr"}, "did you mean 'fork'"),
        ({"seed": -1}, "seed must be"),
        ({"workers": 0}, "workers must be"),
        ({"threads": "some"}, "threads must be"),
        ({"study": "../x"}, "study's name must be"),
        ({"study": "2026-01-01T00-00-00.000000Z"}, "one that a run could have"),
        ({"extend": True}, "to extend"),
        ({"trial_timeout": "soon"}, "trial_timeout must be a number of seconds or a text"),
        ({"trial_timeout": 0}, "trial_timeout must be more than 0, but got 0"),
        ({"timeout": "-3s"}, "timeout must be"),
        ({"memory_limit": "2X"}, "memory_limit must be a number of bytes or a text"),
        ({"retries": -1}, "retries must be"),
        ({"steps_per_execution": 0}, "steps_per_execution must be at least 1, but got 0"),
        ({"steps_per_execution": 2.5}, "steps_per_execution must be a whole number .* got 2.5"),
        ({"flags": {"lr": Float(0.1, 1.0)}}, "lr"),
        ({"flags": "no_such_space"}, "no_such_space"),
        ({"set": ["a"]}, "a"),
        ({"set": ["a=1", "a=2"]}, "set twice"),
        ({"arguments": ["--a", "1"]}, "in the space and also after --"),
        ({"arguments": ["--wrod", "1"]}, "wrod"),
        ({"flags": {"lr": Float(0.1, 1.0)}, "sampler": "random"}, "give a number of trials"),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(
    asked: dict[str, Any], message: str, script: Path, tmp_path: Path
) -> None:
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(GridrunsError, match=message) as caught:
        tune(script, tmp_path / "runs", **asked)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2
    assert sorted(tmp_path.rglob("*")) == before


def test_a_runs_directory_that_cannot_be_is_refused(script: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(GridrunsError, match="is not a directory"):
        tune(script, tmp_path / "file" / "runs")
    with pytest.raises(GridrunsError, match="/proc"):
        tune(script, Path("/proc/runs"))
