import math
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from results import best_run, leaderboard, ls_runs
from results.errors import ResultsError
from results.status import Status

MakeRun = Callable[..., Path]
MakeStudy = Callable[..., Path]
Names = Callable[[Any], Sequence[str]]


def losses(*values: float) -> list[dict[str, float]]:
    return [{"loss": value / 2, "val_loss": value} for value in values]


def test_a_run_is_judged_by_its_best_epoch(make_run: MakeRun) -> None:
    make_run(*losses(5.0, 1.0, math.nan))
    make_run(*losses(4.0, 2.0))
    table = leaderboard()
    assert list(table["rank"]) == [1, 2]
    assert list(table["best_epoch"]) == [2, 2]
    assert list(table["best_val_loss"]) == [1.0, 2.0]
    assert list(table["best_loss"]) == [0.5, 1.0]
    assert math.isnan(table["metric_val_loss"][0])


def test_only_completed_and_pruned_runs_have_a_rank(make_run: MakeRun, names: Names) -> None:
    made = {status: make_run(*losses(1.0), status=status).name for status in [None, *list(Status)[1:]]}
    table = leaderboard()
    assert names(table)[:2] == [made[Status.COMPLETED], made[Status.PRUNED]]
    assert table["rank"].isna().tolist() == [False, False] + [True] * 7
    others = [name for status, name in made.items() if status not in (Status.COMPLETED, Status.PRUNED)]
    assert names(table)[2:] == sorted(others)


def test_the_winner_is_a_completed_run(make_run: MakeRun, names: Names) -> None:
    pruned = make_run({"loss": 1.0}, status=Status.PRUNED)
    with pytest.raises(ResultsError, match=r"^no run in 'runs' that completed and logged the metric$"):
        best_run()
    completed = [make_run({"loss": value}) for value in (3.0, 2.0)]
    assert names(leaderboard()) == [pruned.name, completed[1].name, completed[0].name]
    assert names(best_run()) == [completed[1].name]
    assert best_run()["rank"].tolist() == [2], "a pruned run had a better epoch, and that is said"


def test_of_equals_the_earlier_comes_first(make_run: MakeRun, names: Names) -> None:
    made = [make_run(*losses(1.0)).name for _ in range(3)]
    table = leaderboard()
    assert names(table) == made
    assert list(table["rank"]) == [1, 2, 3]


def test_a_run_without_the_metric_comes_last_without_a_rank(make_run: MakeRun, names: Names) -> None:
    without, nothing, with_it = make_run({"loss": 0.1}).name, make_run().name, make_run(*losses(9.0)).name
    assert names(leaderboard()) == [with_it, without, nothing]
    assert names(leaderboard(metric="loss")) == [without, with_it, nothing]


def test_the_study_says_what_is_compared(make_run: MakeRun, make_study: MakeStudy) -> None:
    make_study("s", "val_accuracy", "max")
    make_run({"val_accuracy": 0.5, "val_loss": 1.0}, {"val_accuracy": 0.7, "val_loss": 9.0}, study="s")
    make_run({"val_accuracy": 0.9, "val_loss": 5.0}, study="s")
    for where in ("runs", "runs/s"):
        table = leaderboard(where)
        assert list(table["best_val_accuracy"]) == [0.9, 0.7]
        assert list(table["best_val_loss"]) == [5.0, 9.0]
    assert list(leaderboard(metric="val_loss")["best_val_loss"]) == [1.0, 5.0]
    assert list(leaderboard(goal="min")["best_val_accuracy"]) == [0.5, 0.9]
    assert list(leaderboard(metric="val_accuracy")["best_val_accuracy"]) == [0.9, 0.7]


def test_single_runs_are_compared_by_val_loss_else_by_loss(make_run: MakeRun) -> None:
    make_run({"loss": 2.0})
    make_run({"loss": 1.0})
    assert list(leaderboard()["best_loss"]) == [1.0, 2.0]
    make_run({"loss": 0.5, "val_loss": 7.0})
    assert list(leaderboard()["rank"].fillna(0)) == [1, 0, 0]


def test_studies_with_different_metrics_must_be_told_which(make_run: MakeRun, make_study: MakeStudy) -> None:
    make_study("a", "val_loss", "min")
    make_study("b", "auc", "max")
    make_run({"val_loss": 2.0}, study="a")
    make_run({"val_loss": 1.0, "auc": 0.5}, {"val_loss": 3.0, "auc": 0.9}, study="b")
    message = "the studies have different metrics: auc (max), val_loss (min); choose one with metric="
    with pytest.raises(ResultsError, match=f"^{re.escape(message)}$"):
        leaderboard()
    assert list(leaderboard(metric="val_loss")["best_val_loss"]) == [1.0, 2.0]
    listed = ls_runs(order="start")
    assert listed["rank"].isna().all()
    assert sorted(listed["best_epoch"]) == [1, 2]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (
            {"metric": "val_los"},
            "unknown metric 'val_los'; did you mean 'val_loss'? (known: loss, val_loss, auc)",
        ),
        ({"metric": "auc"}, "give goal 'min' or 'max' for the metric 'auc'"),
        ({"goal": "maximum"}, "unknown goal 'maximum'; did you mean 'max'? (known: min, max)"),
    ],
)
def test_what_cannot_be_compared_is_an_error(make_run: MakeRun, asked: dict[str, str], message: str) -> None:
    make_run({"loss": 1.0, "val_loss": 1.0, "auc": 0.5})
    for look in (leaderboard, best_run, ls_runs):
        with pytest.raises(ResultsError, match=f"^{re.escape(message)}$"):
            look(**asked)


def test_a_study_whose_metric_nobody_logs_is_an_error_once_others_are_logged(
    make_run: MakeRun, make_study: MakeStudy
) -> None:
    make_study("s", "val_f1", "max")
    make_run(study="s", status=None)
    assert list(leaderboard()["status"]) == ["running"]
    make_run({"loss": 1.0}, study="s")
    with pytest.raises(ResultsError, match=r"^unknown metric 'val_f1' \(known: loss\)$"):
        leaderboard()
    assert len(ls_runs()) == 2


def test_best_run_is_the_first_row(make_run: MakeRun, names: Names) -> None:
    make_run(*losses(2.0))
    best = make_run(*losses(1.0), flags={"x": "a"})
    make_run(*losses(0.5), status=Status.FAILED)
    assert names(best_run()) == [best.name]
    assert names(best_run(subset="flag_x == 'a'")) == [best.name]
    with pytest.raises(ResultsError, match=r"^no run in 'runs' that completed"):
        best_run(subset="flag_x == 'b'")
