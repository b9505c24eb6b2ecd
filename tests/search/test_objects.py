"""Searches with an Optuna sampler, a keras-tuner oracle or an Optuna pruner that Python gives."""

import json
from pathlib import Path
from typing import Any

import optuna
import pandas as pd
import pytest

from gridruns import GridrunsError
from search import resume, tuning_run
from search.cli import main
from search.samplers import SAMPLERS
from search.study import StudyError
from tests.search.support import Write

SCRIPT = """
    from results import log_metrics
    from spaces import flag_integer, flags
    FLAGS = flags(flag_integer("a", 1))
    for step in range(1, 6):
        log_metrics(step, val_loss=FLAGS.a * (6 - step))
"""
GRID = {"a": [1, 2, 3, 4, 5, 6]}


@pytest.fixture
def script(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return write(SCRIPT)


def tune(script: Path, **asked: Any) -> pd.DataFrame:
    options = {"study": "s", "quiet": True, "executor": "inline", "seed": 5, **asked}
    return tuning_run(script, GRID, **options)


def oracle() -> Any:
    import keras_tuner

    return keras_tuner.oracles.RandomSearchOracle(seed=3)


class Broken(optuna.samplers.RandomSampler):
    def sample_independent(self, *asked: Any) -> Any:
        raise ZeroDivisionError("of the user's")


def test_a_sampler_object_that_fails_is_one_line(script: Path) -> None:
    with pytest.raises(GridrunsError, match=r"^the sampler Broken raised ZeroDivisionError: of the user's$"):
        tune(script, sampler=Broken())


class Own(optuna.samplers.GPSampler):
    pass


@pytest.mark.parametrize(
    ("sampler", "package", "extra"),
    [
        (optuna.samplers.GPSampler(seed=1), "torch", "gp"),
        (Own(seed=1), "torch", "gp"),
        (optuna.samplers.CmaEsSampler(seed=1), "cmaes", "cmaes"),
    ],
)
def test_an_object_that_needs_another_package_says_so_before_it_starts(
    sampler: Any, package: str, extra: str, script: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("search.samplers.find_spec", lambda name: None)
    name = type(sampler).__name__
    with pytest.raises(GridrunsError, match=f"'{name}' needs the package {package}, .*gridruns.{extra}."):
        tune(script, sampler=sampler)
    assert not Path("runs").exists()


@pytest.mark.parametrize("kind", ["optuna", "oracle"])
def test_a_sampler_object_searches_and_goes_on_with_an_equal_one(kind: str, script: Path) -> None:
    def make() -> Any:
        return optuna.samplers.TPESampler(seed=1, n_startup_trials=2) if kind == "optuna" else oracle()

    before = tune(script, sampler=make(), trials=4)
    name = type(make()).__name__
    assert json.loads(Path("runs/s/study.json").read_text())["sampler"]["name"] == name
    (Path(before["run_dir"].iloc[0]) / "outcome.json").unlink()
    with pytest.raises(GridrunsError, match=f"the sampler was a {name} object, .*resume from Python"):
        resume("s", quiet=True)
    with pytest.raises(GridrunsError, match=f"must be '{name}' as before, but got 'RandomSampler'"):
        resume("s", sampler=optuna.samplers.RandomSampler(), quiet=True)
    runs = resume("s", sampler=make(), quiet=True)
    assert sorted(runs["status"]) == ["completed"] * 4 + ["interrupted"]
    runs = tune(script, sampler=make())
    assert sorted(runs[runs["status"] == "completed"]["flag_a"]) == GRID["a"]
    with pytest.raises(StudyError, match=f"sampler {name} random -> grid random"):
        tune(script)


def test_a_pruner_object_prunes_and_goes_on_with_an_equal_one(script: Path) -> None:
    def make() -> Any:
        return optuna.pruners.ThresholdPruner(upper=12.0)

    before = tune(script, pruner=make(), order="grid", trials=4)
    assert dict(zip(before["flag_a"], before["status"], strict=True)) == {
        1: "completed", 2: "completed", 3: "pruned", 4: "pruned",
    }  # fmt: skip
    for path in before["run_dir"]:
        (Path(path) / "outcome.json").unlink()
    with pytest.raises(GridrunsError, match=r"the pruner was a ThresholdPruner object.*from Python"):
        resume("s", quiet=True)
    with pytest.raises(StudyError, match="pruner"):
        resume("s", pruner=optuna.pruners.NopPruner(), quiet=True)
    runs = resume("s", pruner=make(), quiet=True)
    assert sorted(runs["status"]) == ["completed"] * 2 + ["interrupted"] * 4 + ["pruned"] * 2


def test_the_command_line_says_what_to_do(script: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = tune(script, sampler=optuna.samplers.RandomSampler(seed=1), trials=3)
    (Path(before["run_dir"].iloc[0]) / "outcome.json").unlink()
    capsys.readouterr()
    assert main(["resume", "s"]) == 2
    shown = capsys.readouterr().err.strip().splitlines()
    assert len(shown) == 1 and "resume from Python and give it again" in shown[0]


def test_resume_without_a_name_finds_a_study_whose_objects_must_be_given(script: Path) -> None:
    before = tune(script, pruner=optuna.pruners.ThresholdPruner(upper=12.0), trials=3)
    (Path(before["run_dir"].iloc[0]) / "outcome.json").unlink()
    runs = resume(pruner=optuna.pruners.ThresholdPruner(upper=12.0), quiet=True)
    assert list(runs["status"]).count("interrupted") == 1


@pytest.mark.parametrize("name", [name for name, entry in SAMPLERS.items() if entry.needs])
def test_a_missing_package_is_one_line(name: str, script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("search.samplers.find_spec", lambda package: None)
    with pytest.raises(
        GridrunsError, match=rf"needs the package .*pip install 'gridruns\[{name}\]'"
    ) as caught:
        tune(script, sampler=name)
    assert "\n" not in str(caught.value)
    assert not Path("runs").exists()


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"sampler": 7}, "sampler must be a name, an Optuna BaseSampler object or a keras-tuner Oracle"),
        ({"sampler": optuna.samplers.RandomSampler}, "sampler must be a name"),
        ({"pruner": optuna.samplers.RandomSampler()}, "pruner must be a name or an Optuna pruner"),
        ({"pruner": optuna.pruners.MedianPruner}, "pruner must be a name or an Optuna pruner"),
    ],
)  # fmt: skip
def test_what_is_no_object_of_either_is_one_line(asked: dict[str, Any], message: str, script: Path) -> None:
    with pytest.raises(GridrunsError, match=message) as caught:
        tune(script, **asked)
    assert "\n" not in str(caught.value)
    assert not Path("runs").exists()
