"""Points: runs with the same flags as one row."""

import math
from collections.abc import Callable
from pathlib import Path

import pytest
from scipy import stats

from results.averages import flags_key, points
from results.errors import ResultsError
from results.status import Status
from results.table import leaderboard
from tests.results.conftest import MakeRun


@pytest.fixture
def study(make_study: Callable[..., Path], make_run: MakeRun) -> Path:
    folder = make_study("s")
    for seed in (3, 1, 2):
        for a in (1, 2):
            make_run({"val_loss": 9.0}, {"val_loss": a + seed / 10}, study="s", flags={"a": a}, seed=seed)
    return folder


def test_a_point_is_summed_up_over_its_seeds(study: Path) -> None:
    table = points(study)
    assert list(table["flag_a"]) == [1, 2]
    assert list(table["rank"]) == [1, 2]
    first = table.iloc[0]
    assert first["runs"] == 3
    assert first["seeds"] == (1, 2, 3)
    assert first["values"] == (1.1, 1.2, 1.3)
    assert first["mean_val_loss"] == pytest.approx(1.2)
    assert first["se_val_loss"] == pytest.approx(stats.sem([1.1, 1.2, 1.3]))
    low, high = stats.t.interval(0.95, 2, loc=1.2, scale=first["se_val_loss"])
    assert (first["low_val_loss"], first["high_val_loss"]) == pytest.approx((low, high))


def test_the_goal_turns_the_order(make_study: Callable[..., Path], make_run: MakeRun) -> None:
    study = make_study("s", metric="acc", goal="max")
    for a in (1, 2):
        make_run({"acc": a / 10}, study="s", flags={"a": a}, seed=0)
    assert list(points(study)["flag_a"]) == [2, 1]


def test_only_completed_runs_count(study: Path, make_run: MakeRun) -> None:
    make_run({"val_loss": 0.0}, study="s", flags={"a": 2}, seed=9, status=Status.PRUNED)
    make_run({"val_loss": 0.0}, study="s", flags={"a": 7}, seed=9, status=Status.FAILED)
    assert list(points(study)["runs"]) == [3, 3]


def test_one_run_has_no_standard_error(make_study: Callable[..., Path], make_run: MakeRun) -> None:
    study = make_study("s")
    make_run({"val_loss": 0.5}, study="s", flags={"a": 1}, seed=0)
    row = points(study).iloc[0]
    assert row["mean_val_loss"] == 0.5
    assert math.isnan(row["se_val_loss"]) and math.isnan(row["low_val_loss"])


def test_types_tell_points_apart(make_study: Callable[..., Path], make_run: MakeRun) -> None:
    study = make_study("s")
    for value in (1, True, "1", None):
        make_run({"val_loss": 0.5}, study="s", flags={"a": value}, seed=0)
    assert len(points(study)) == 4
    assert flags_key(leaderboard(study)).nunique() == 4


def test_nothing_logged_is_an_error(make_study: Callable[..., Path], make_run: MakeRun) -> None:
    make_study("s")
    make_run(study="s", flags={"a": 1}, seed=0)
    with pytest.raises(ResultsError):
        points("runs/s")
