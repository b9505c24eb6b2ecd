"""Searches for several metrics at once: what is recorded, what the sampler learns, what is refused."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import optuna
import pandas as pd
import pytest

from gridruns import GridrunsError
from results.runs import read_run
from search import resume, tuning_run
from search.cli import main
from search.study import Metric, StudyError
from search.study_file import load, read_raw
from tests.search.support import Write

SCRIPT = """
    from results import log_metrics
    from spaces import flag_integer, flags
    FLAGS = flags(flag_integer("a", 1), flag_integer("b", 1))
    for step in (1, 2):
        log_metrics(step, val_loss=FLAGS.a / step, size=100 * step - 10 * FLAGS.a + FLAGS.b, gap=float("nan"))
"""
KERAS = """
    import keras
    import numpy as np
    from spaces import flag_integer, flags
    FLAGS = flags(flag_integer("nodes", 2))
    x = np.arange(32.0).reshape(16, 2) / 32
    model = keras.Sequential([keras.layers.Dense(FLAGS.nodes), keras.layers.Dense(1)])
    model.compile(loss="mse", optimizer="sgd")
    model.fit(x, x.sum(axis=1), validation_split=0.25, epochs=2, verbose=0)
"""
GRID = {"a": [1, 2, 3], "b": [1, 2]}
BOTH = ["val_loss:min", "size:max"]


@pytest.fixture
def script(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return write(SCRIPT)


def tune(script: Path, flags: Any = None, **asked: Any) -> pd.DataFrame:
    options = {"study": "s", "quiet": True, "executor": "inline", "seed": 5, "metric": BOTH, **asked}
    return tuning_run(script, GRID if flags is None else flags, **options)


@pytest.mark.parametrize("sampler", ["grid", "random", "tpe", "qmc"])
def test_every_point_is_run_and_judged_at_the_best_epoch_of_the_first(sampler: str, script: Path) -> None:
    runs = tune(script, sampler=sampler)
    assert len(runs) == 6
    assert (runs["best_epoch"] == 2).all()
    assert list(runs["best_size"]) == [200 - 10 * a + b for a, b in runs[["flag_a", "flag_b"]].to_numpy()]
    written = json.loads(Path("runs/s/study.json").read_text())
    assert written["metric"] == {"name": "val_loss", "goal": "min"}
    assert written["also"] == [{"name": "size", "goal": "max"}]
    study = load(Path("runs/s"), read_raw(Path("runs/s")))
    assert study.also == (Metric("size", "max"),)


class Watching(optuna.samplers.RandomSampler):
    """Keeps what it is told: by point, all values."""

    def __init__(self) -> None:
        super().__init__(seed=1)
        self.told: dict[tuple[int, int], Sequence[float]] = {}
        self.directions: list[str] = []

    def after_trial(self, study: Any, trial: Any, state: Any, values: Any) -> None:
        super().after_trial(study, trial, state, values)
        self.directions = [direction.name for direction in study.directions]
        self.told[trial.params["a"], trial.params["b"]] = values


def test_the_sampler_is_told_all_values_and_told_again_on_resume(script: Path) -> None:
    sampler = Watching()
    runs = tune(script, sampler=sampler, trials=4)
    expected = {(row.flag_a, row.flag_b): [row.best_val_loss, row.best_size] for row in runs.itertuples()}
    assert len(sampler.told) >= 3
    assert sampler.told.items() <= expected.items()
    assert sampler.directions == ["MINIMIZE", "MAXIMIZE"]
    again = Watching()
    tune(script, sampler=again)
    assert expected.items() <= again.told.items()


@pytest.mark.parametrize("sampler", ["grid", "random", "tpe"])
def test_resume_goes_on(sampler: str, script: Path) -> None:
    before = tune(script, sampler=sampler)
    for path in before["run_dir"][:2]:
        (Path(path) / "outcome.json").unlink()
    runs = resume("s", quiet=True)
    done = runs[runs["status"] == "completed"]
    assert sorted(map(tuple, done[["flag_a", "flag_b"]].to_numpy())) == [
        (a, b) for a in (1, 2, 3) for b in (1, 2)
    ]


def test_repeats_of_several_metrics(script: Path) -> None:
    sampler = Watching()
    assert len(tune(script, sampler=sampler, repeats=2)) == 12
    assert all(list(values) == [a / 2, 200 - 10 * a + b] for (a, b), values in sampler.told.items())


@pytest.mark.parametrize("sampler", ["grid", "tpe"])
def test_a_run_without_a_finite_value_of_each_teaches_nothing(sampler: str, script: Path) -> None:
    with pytest.raises(GridrunsError, match="no finite gap at the best epoch of val_loss"):
        tune(script, sampler=sampler, metric=["val_loss", "gap"], keep_going=True)
    assert not list(Path("runs").glob("*/*/error.json"))


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"pruner": "median"}, "a pruner goes by one metric, but got 2"),
        ({"sampler": "cmaes"}, "cmaes"),
        ({"sampler": "keras-tuner:random"}, "'keras-tuner:random' optimizes one metric, but got 2"),
        ({"sampler": "keras-tuner:bayesian"}, "'keras-tuner:bayesian' optimizes one metric, but got 2"),
        ({"metric": ["val_loss", "val_loss:max"]}, "metrics must be different, but got val_loss, val_loss"),
        ({"metric": "val_loss:big"}, "the goal behind the last colon must be 'min' or 'max', but got 'big'"),
        ({"metric": None}, "metric must be a name or a list of names, but got None"),
        ({"metric": ["val_loss", 3]}, "metric must be a name or a list of names, but got .'val_loss', 3."),
        ({"metric": []}, "metric must name at least one metric, but got none"),
        ({"metric": ["val_loss", ""]}, "metric must be the name of a logged metric"),
        ({"goal": "max"}, "each has its own goal"),
        ({"metric": "size:max", "goal": "min"}, "has a goal of its own"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_one_line(asked: dict[str, Any], message: str, script: Path) -> None:
    with pytest.raises(GridrunsError, match=message) as caught:
        tune(script, **asked)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2
    assert not Path("runs").exists()


def test_other_metrics_are_another_study(script: Path) -> None:
    tune(script)
    with pytest.raises(StudyError, match="further metrics size max -> none"):
        tune(script, metric="val_loss")
    with pytest.raises(StudyError, match="further metrics size max -> size min"):
        tune(script, metric=["val_loss:min", "size:min"])
    assert len(tune(script, metric=["val_loss:min", "size:min"], extend=True)) == 6


def test_the_end_of_a_search_shows_all_its_metrics(script: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["tune", str(script), "--set", "a=1,2", "--metric", "val_loss", "--metric", "size:max"]
    assert main([*command, "--executor", "inline"]) == 0
    printed = capsys.readouterr().out
    assert "The Pareto front: 1 of 2 runs:" in printed
    headings = [line.split() for line in printed.splitlines() if line.startswith("rank")]
    assert len(headings) == 2  # of the front, and of the best runs
    for heading in headings:
        known = [word for word in heading if word.startswith("best_")]
        assert known[:2] == ["best_val_loss", "best_size"]


@pytest.mark.slow
@pytest.mark.parametrize("sampler", ["grid", "random", "tpe"])
def test_keras_epochs_are_timed_where_a_study_asks(sampler: str, script: Path, write: Write) -> None:
    keras = write(KERAS, "net.py")
    space = {"nodes": [2, 3]}
    both = ["val_loss:min", "epoch_seconds:min"]
    runs = tune(keras, space, metric=both, sampler=sampler, executor="local", workers=1)
    assert (runs["best_epoch_seconds"] > 0).all()
    assert all(
        "epoch_seconds" in epoch.metrics for path in runs["run_dir"] for epoch in read_run(Path(path)).epochs
    )
    assert len(resume("s", quiet=True)) == 2
    alone = tune(keras, space, metric="val_loss", study="alone", executor="local", workers=1)
    assert "best_epoch_seconds" not in alone.columns or alone["best_epoch_seconds"].isna().all()
