"""Points that are run several times, with paired seeds, and points that a sampler may propose again."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import optuna
import pandas as pd
import pytest

from gridruns import GridrunsError
from search import resume, tuning_run
from search.study import StudyError
from search.study_file import load, read_raw
from tests.search.support import Write

SCRIPT = """
    import os, random
    from results import log_metrics
    from spaces import flag_integer, flags
    FLAGS = flags(flag_integer("a", 1), flag_integer("b", 1))
    log_metrics(1, val_loss=FLAGS.a + FLAGS.b / 10 + random.random() / 100)
    if os.path.exists("broken") and FLAGS.a == 2:
        raise ValueError("broken")
"""
GRID = {"a": [1, 2], "b": [1, 2, 3]}


@pytest.fixture
def script(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return write(SCRIPT)


def tune(script: Path, flags: Any = None, **asked: Any) -> pd.DataFrame:
    options = {"study": "s", "quiet": True, "executor": "inline", "seed": 5, "repeats": 3, **asked}
    return tuning_run(script, GRID if flags is None else flags, **options)


def records(runs: pd.DataFrame) -> list[dict[str, Any]]:
    """run.json of the runs that completed, in the order of their numbers."""
    done = runs[runs["status"] == "completed"].sort_values("number")
    return [json.loads((Path(path) / "run.json").read_text()) for path in done["run_dir"]]


def seeds(runs: pd.DataFrame) -> dict[tuple[int, int], dict[int, int]]:
    """The seed of each repeat of each point; each repeat once."""
    found: dict[tuple[int, int], dict[int, int]] = {}
    for record in records(runs):
        of_point = found.setdefault((record["flags"]["a"], record["flags"]["b"]), {})
        assert record["repeat"] not in of_point
        of_point[record["repeat"]] = record["seed"]
    return found


def cut_off(runs: pd.DataFrame, numbers: list[int]) -> None:
    """Take the outcome from runs, as if the search had been killed while they ran."""
    for path in runs[runs["number"].isin(numbers)]["run_dir"]:
        (Path(path) / "outcome.json").unlink()


@pytest.mark.parametrize("executor", ["inline", "local"])
@pytest.mark.parametrize("sampler", ["grid", "random", "tpe"])
def test_each_point_is_run_so_often_with_paired_seeds(sampler: str, executor: str, script: Path) -> None:
    runs = tune(script, sampler=sampler, executor=executor)
    found = seeds(runs)
    assert len(runs) == 18
    assert set(found) == {(a, b) for a in (1, 2) for b in (1, 2, 3)}
    study = load(Path("runs/s"), read_raw(Path("runs/s")))
    assert study.planned == 18 and study.points == 6 and study.repeats == 3
    paired = {repeat: study.trial_seed(0, repeat) for repeat in range(3)}
    assert len(set(paired.values())) == 3
    assert all(of_point == paired for of_point in found.values())
    assert runs["number"].is_unique
    assert sorted(runs["number"]) == list(range(18))


class Watching(optuna.samplers.RandomSampler):
    """Keeps what the sampler is told."""

    def __init__(self) -> None:
        super().__init__(seed=1)
        self.told: list[float] = []

    def after_trial(self, study: Any, trial: Any, state: Any, values: Any) -> None:
        super().after_trial(study, trial, state, values)
        self.told += list(values or ())


def assert_told(told: list[float], runs: pd.DataFrame) -> None:
    """The means of all points but perhaps the last, after which the sampler isn't asked again."""
    means = list(runs.groupby(["flag_a", "flag_b"])["best_val_loss"].mean())
    assert len(told) >= len(means) - 1
    for value in told:
        assert any(value == pytest.approx(mean, rel=1e-12) for mean in means)


def test_the_sampler_is_told_the_mean(script: Path) -> None:
    sampler = Watching()
    runs = tune(script, sampler=sampler, trials=4)
    assert_told(sampler.told, runs)


def test_the_mean_is_of_the_runs_that_ended_well(script: Path, write: Write) -> None:
    write(SCRIPT + "    if random.random() < 0.5: raise ValueError('bad luck')\n")
    sampler = Watching()
    runs = tune(script, sampler=sampler, keep_going=True)
    assert_told(sampler.told, runs[runs["status"] == "completed"])
    assert len(resume("s", sampler=Watching(), quiet=True)) == 18


@pytest.mark.parametrize("sampler", ["grid", "random", "tpe"])
@pytest.mark.parametrize("cut", [[0], [4], [3, 4, 5], [2, 3], [17], [0, 7, 11], list(range(18))])
def test_resume_completes_exactly_so_many_of_each_point(cut: list[int], sampler: str, script: Path) -> None:
    before = tune(script, sampler=sampler)
    cut_off(before, cut)
    runs = resume("s", quiet=True)
    assert Counter(runs["status"]) == {"completed": 18, "interrupted": len(cut)}
    assert seeds(runs) == seeds_of_all(before)
    assert len(resume("s", quiet=True)) == len(runs)


def seeds_of_all(runs: pd.DataFrame) -> dict[tuple[int, int], dict[int, int]]:
    return seeds(runs.assign(status="completed"))


@pytest.mark.parametrize("sampler", ["grid", "random"])
def test_a_search_that_is_cut_off_early_and_one_that_is_not_run_the_same(sampler: str, script: Path) -> None:
    whole = tune(script, study="whole", sampler=sampler, trials=5)
    before = tune(script, sampler=sampler, trials=3)
    cut_off(before, [7, 8])
    runs = tune(script, sampler=sampler, trials=5)
    assert seeds(runs) == seeds(whole)
    assert len(records(runs)) == 15
    numbers = {(r["flags"]["a"], r["flags"]["b"], r["repeat"]): r["number"] for r in records(runs)}
    assert len(set(numbers.values())) == 15


def test_growth_in_points(script: Path) -> None:
    before = tune(script, trials=2)
    runs = tune(script, sample=1.0)
    assert set(before["run_dir"]) < set(runs["run_dir"])
    assert all(sorted(of_point) == [0, 1, 2] for of_point in seeds(runs).values())
    assert len(runs) == 18


def test_more_repeats_are_another_study_unless_it_is_extended(script: Path) -> None:
    before = tune(script, repeats=2)
    with pytest.raises(StudyError, match="repeats 2 -> 3"):
        tune(script, repeats=3)
    runs = tune(script, repeats=3, extend=True)
    assert set(before["run_dir"]) < set(runs["run_dir"])
    assert len(runs) == 18
    assert all(sorted(of_point) == [0, 1, 2] for of_point in seeds(runs).values())


def test_a_repeat_that_failed_is_run_again_where_that_is_asked_for(script: Path) -> None:
    Path("broken").touch()
    tune(script, keep_going=True)
    Path("broken").unlink()
    runs = resume("s", rerun="failed", quiet=True)
    assert Counter(runs["status"]) == {"completed": 18, "failed": 9}
    assert all(sorted(of_point) == [0, 1, 2] for of_point in seeds(runs).values())


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"repeats": 0}, "repeats must be at least 1, but got 0"),
        ({"repeats": 1.5}, "repeats must be a whole number of at least 1, but got 1.5"),
        ({"repeats": True}, "repeats must be a whole number of at least 1, but got True"),
        ({"pruner": "median"}, "repeats must be 1 beside it, but got 3"),
        ({"allow_duplicates": True, "sampler": "random"}, "repeats or allow_duplicates, not both"),
        ({"allow_duplicates": True, "repeats": 1}, "the sampler 'grid' gives out every point once"),
    ],
)
def test_what_cannot_be_repeated_is_one_line(asked: dict[str, Any], message: str, script: Path) -> None:
    with pytest.raises(GridrunsError, match=message) as caught:
        tune(script, **asked)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2
    assert not Path("runs").exists()


@pytest.mark.parametrize(
    "sampler", ["random", "tpe", pytest.param("keras-tuner:random", marks=pytest.mark.slow)]
)
def test_duplicates_run_as_often_as_they_are_proposed(sampler: str, script: Path) -> None:
    runs = tune(script, repeats=1, sampler=sampler, allow_duplicates=True, trials=20)
    assert len(runs) == 20  # of 6 points
    assert runs["seed"].is_unique and runs["number"].is_unique
    assert len(resume("s", quiet=True)) == 20


@pytest.mark.parametrize("cut", [[0], [19], [3, 4, 12], list(range(10, 20))])
def test_duplicates_are_resumed_to_as_many_runs(cut: list[int], script: Path) -> None:
    before = tune(script, repeats=1, sampler="random", allow_duplicates=True, trials=20)
    cut_off(before, cut)
    runs = resume("s", quiet=True)
    assert Counter(runs["status"]) == {"completed": 20, "interrupted": len(cut)}
    points = ["flag_a", "flag_b"]
    assert Counter(map(tuple, runs[runs["status"] == "completed"][points].to_numpy())) == Counter(
        map(tuple, before[points].to_numpy())
    )
    assert len(tune(script, repeats=1, sampler="random", allow_duplicates=True, trials=25)) == 25 + len(cut)
