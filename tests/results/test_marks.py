"""What a leaderboard marks: the Pareto front of a study of several metrics, and confirmed means."""

import json
from collections.abc import Callable
from pathlib import Path

from results import layout
from results.status import Status
from results.table import leaderboard, ls_runs
from tests.results.conftest import MakeRun

MakeStudy = Callable[..., Path]


def several(folder: Path) -> None:
    """Give a study a second metric."""
    path = folder / layout.STUDY
    said = json.loads(path.read_text()) | {"also": [{"name": "seconds", "goal": "min"}]}
    path.write_text(json.dumps(said))


def test_the_front_is_a_boolean_column_behind_the_rank(make_study: MakeStudy, make_run: MakeRun) -> None:
    several(make_study("s"))
    for a, (loss, seconds) in enumerate([(1.0, 9.0), (2.0, 5.0), (3.0, 6.0), (4.0, 1.0)]):
        # The values at the best epoch of the first metric count.
        make_run({"val_loss": loss + 1, "seconds": 0.0}, {"val_loss": loss, "seconds": seconds},
                 study="s", flags={"a": a})  # fmt: skip
    make_run({"val_loss": 0.0, "seconds": 0.0}, study="s", status=Status.PRUNED)
    make_run({"val_loss": 0.5, "seconds": float("nan")}, study="s")
    board = leaderboard("runs/s")
    assert list(board.columns[1:4]) == ["rank", "pareto", "status"]
    assert board["pareto"].dtype == "boolean"
    assert list(board["pareto"]) == [False, False, True, True, False, True]
    assert len(leaderboard("runs/s", subset="pareto")) == 3
    assert list(ls_runs(runs_dir="runs/s")["pareto"]) == [False, False, True, False, True, True]


def test_runs_of_a_study_with_one_metric_have_no_front(make_study: MakeStudy, make_run: MakeRun) -> None:
    several(make_study("s"))
    make_run({"val_loss": 1.0, "seconds": 1.0}, study="s")
    make_run({"val_loss": 1.0, "seconds": 1.0}, study=make_study("t").name)
    assert "pareto" not in leaderboard("runs/t")
    assert sorted(ls_runs(runs_dir="runs")["pareto"].fillna(False)) == [False, True]


def test_the_confirmed_mean_stands_beside_the_best(make_study: MakeStudy, make_run: MakeRun) -> None:
    study = make_study("s")
    for a in (1, 2, 3):
        make_run({"val_loss": a / 10, "acc": 0.5}, study="s", flags={"a": a, "b": 1}, inactive=["b"], seed=a)
    assert "confirmed_val_loss" not in leaderboard(study)
    make_study("s-confirm")
    for seed in (7, 8):
        make_run({"val_loss": 0.5 + seed, "acc": 0.1}, study="s-confirm", flags={"a": 1, "b": 2},
                 inactive=["b"], seed=seed)  # fmt: skip
    make_run({"val_loss": 0.0}, study="s-confirm", flags={"a": 2, "b": 2}, inactive=["b"], seed=7)
    board = leaderboard(study)
    names = list(board.columns)
    assert names[names.index("best_val_loss") + 1] == "confirmed_val_loss"
    assert board["confirmed_val_loss"].dtype == "Float64"
    assert list(board["confirmed_val_loss"].fillna(0)) == [8.0, 0, 0]
    assert list(leaderboard(study, "acc", "max")["confirmed_acc"].fillna(0)) == [0.1, 0, 0]
