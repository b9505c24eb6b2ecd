import math
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from results import best_run, compare_runs, latest_run, layout, leaderboard, ls_runs, run_info
from results.compare import Kind
from results.errors import ResultsError
from results.recorder import Recorder
from results.run import read_run
from results.status import Status

MakeRun = Callable[..., Path]
Names = Callable[[Any], Sequence[str]]


def test_columns_come_in_tfruns_order_then_ours(make_run: MakeRun) -> None:
    run_dir = make_run({"loss": 1.0}, flags={"lr": 0.1})
    Recorder(run_dir).evaluated({"loss": 0.5})
    columns = list(ls_runs(output=True).columns)
    assert columns[:8] == [
        "run_dir", "rank", "status", "best_epoch", "best_loss", "eval_loss", "metric_loss", "flag_lr",
    ]  # fmt: skip
    assert columns[8:26] == [
        "samples", "validation_samples", "batch_size", "epochs", "epochs_completed", "metrics", "model",
        "loss_function", "optimizer", "learning_rate", "script", "start", "end", "completed", "output",
        "source_code", "context", "type",
    ]  # fmt: skip
    assert list(run_info(run_dir).columns) == list(leaderboard(output=True).columns) == columns
    assert list(ls_runs().columns) == [name for name in columns if name != "output"]


def test_every_value_has_its_type(make_run: MakeRun) -> None:
    run_dir = make_run({"loss": 1.0}, script="train.py", seed=7, number=3, study="s")
    (run_dir / layout.OUTPUT).write_bytes(b"hello \xff\n")
    (run_dir / layout.SOURCE).mkdir()
    Recorder(run_dir).properties(samples=60000, learning_rate=0.001, optimizer="Adam")
    row = ls_runs(output=True)
    kinds = {name: str(row[name].dtype) for name in row}
    assert {kinds[name] for name in ("rank", "best_epoch", "samples", "epochs", "seed")} == {"Int64"}
    assert {kinds[name] for name in ("best_loss", "metric_loss", "learning_rate", "cpu_seconds")} == {
        "Float64"
    }
    assert {kinds[name] for name in ("run_dir", "status", "optimizer", "output", "error")} == {"string"}
    assert kinds["completed"] == "boolean"
    assert kinds["start"] == kinds["end"] == "datetime64[us, UTC]"
    values = row.iloc[0]
    assert values["run_dir"] == f"runs/s/{run_dir.name}"
    assert values["metrics"] == f"runs/s/{run_dir.name}/metrics.jsonl"
    assert values["source_code"] == f"runs/s/{run_dir.name}/source"
    assert values["output"] == "hello \ufffd\n"
    assert (values["samples"], values["optimizer"], values["number"], values["study"]) == (
        60000,
        "Adam",
        3,
        "s",
    )
    assert (values["context"], values["type"], values["completed"]) == ("local", "training", True)
    assert values["epochs"] is pd.NA


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, 2], "Int64"),
        ([1, 2.5], "Float64"),
        ([True, False], "boolean"),
        (["a", "007"], "string"),
        ([None, 3], "object"),
        ([1, "1"], "object"),
        ([True, 1], "object"),
    ],
)
def test_a_flag_column_has_the_type_of_its_values(make_run: MakeRun, values: list[Any], kind: str) -> None:
    for value in values:
        make_run(flags={"x": value})
    make_run(flags={})
    column = ls_runs(order="start", decreasing=False)["flag_x"]
    assert column.dtype == kind
    assert list(column[:2]) == values
    assert column[2] is pd.NA


@pytest.mark.parametrize("values", [[2**63, 1], [2**53 + 1, 0.5]])
def test_a_flag_that_no_type_of_column_holds_keeps_its_digits(make_run: MakeRun, values: list[Any]) -> None:
    for value in values:
        make_run(flags={"x": value})
    assert list(ls_runs(decreasing=False)["flag_x"]) == values


def runs_of_every_kind(make_run: MakeRun) -> pd.DataFrame:
    make_run({"loss": 0.1 + 0.2, "auc": math.nan}, flags={"n": 2**62 + 1, "word": "007", "on": True}, seed=3)
    make_run({"loss": math.inf}, flags={"n": 3, "word": 'a,"b"\n', "on": False}, status=Status.DIVERGED)
    make_run(flags={"n": 4, "word": "NA", "on": True}, status=None)
    return ls_runs(output=True)


def test_a_flag_that_does_not_apply_is_missing_and_the_run_keeps_it(make_run: MakeRun) -> None:
    flags = {"layers": 1, "nodes3": 64, "word": "x"}
    paths = [make_run({"loss": 1.0}, flags=flags, inactive=["nodes3", "unknown"])]
    paths.append(make_run({"loss": 2.0}, flags={**flags, "layers": 3}))
    make_run({"loss": 3.0}, flags=flags, inactive="damaged")
    table = leaderboard()
    assert list(table.filter(like="flag_")) == ["flag_layers", "flag_nodes3", "flag_word"]
    assert table["flag_nodes3"].tolist() == [pd.NA, 64, 64]
    assert table["flag_nodes3"].dtype == "Int64"
    run = read_run(paths[0])
    assert run.flags == flags
    assert run.applied == {"layers": 1, "word": "x"}
    assert run_info(paths[0])["flag_nodes3"].tolist() == [pd.NA]
    found = compare_runs(*paths)
    assert found.differences.loc[(Kind.FLAG, "nodes3")].tolist() == [pd.NA, 64]


def test_a_table_is_the_same_after_parquet(make_run: MakeRun) -> None:
    pytest.importorskip("pyarrow", reason="needs PyArrow, which is in the extra test")
    table = runs_of_every_kind(make_run)
    table.to_parquet("runs.parquet")
    with pd.option_context("future.distinguish_nan_and_na", True):
        read = pd.read_parquet("runs.parquet")
    pd.testing.assert_frame_equal(read, table)
    assert read["metric_auc"].isna().tolist() == [True, True, False]


def test_a_table_without_nan_is_the_same_after_csv(make_run: MakeRun) -> None:
    table = runs_of_every_kind(make_run).drop(columns=["best_auc", "metric_auc"])
    table.to_csv("runs.csv", index=False)
    times = ["start", "end"]
    kinds = table.drop(columns=times).dtypes.to_dict()
    read = pd.read_csv("runs.csv", dtype=kinds, parse_dates=times, keep_default_na=False, na_values=[""])
    pd.testing.assert_frame_equal(read.astype({name: table[name].dtype for name in times}), table)


def test_nan_is_not_a_missing_value(make_run: MakeRun) -> None:
    make_run({"loss": math.nan}, status=Status.DIVERGED)
    make_run()
    column = ls_runs(order="start", decreasing=False)["metric_loss"]
    assert math.isnan(column[0])
    assert column[1] is pd.NA


def test_the_newest_run_comes_first(make_run: MakeRun, names: Names) -> None:
    made = [make_run({"loss": 1.0}, study=study).name for study in (None, "a", "b", None)]
    assert names(ls_runs()) == made[::-1]
    assert names(ls_runs(decreasing=False)) == made


def test_order_sorts_by_any_columns_missing_values_last(make_run: MakeRun, names: Names) -> None:
    for loss, flag in ((3.0, "b"), (1.0, "a"), (2.0, "b")):
        make_run({"loss": loss}, flags={"x": flag})
    make_run(flags={"x": 3})
    assert list(ls_runs(order="best_loss")["best_loss"])[:3] == [1.0, 2.0, 3.0]
    assert list(ls_runs(order="best_loss", decreasing=True)["best_loss"])[:3] == [3.0, 2.0, 1.0]
    assert ls_runs(order="best_loss")["best_loss"].isna().tolist() == [False, False, False, True]
    assert list(ls_runs(order=["-best_loss"])["best_loss"])[:3] == [3.0, 2.0, 1.0]
    assert list(ls_runs(order=["flag_x", "-best_loss"])["best_loss"])[1:] == [1.0, 3.0, 2.0]
    ordered = ls_runs(order=["flag_x", "best_loss"])
    assert list(ordered["flag_x"]) == [3, "a", "b", "b"]
    assert list(ordered["best_loss"])[1:] == [1.0, 2.0, 3.0]


@pytest.mark.parametrize("decreasing", [False, True])
def test_nan_sorts_last_either_way(make_run: MakeRun, decreasing: bool) -> None:
    for loss in (1.0, math.nan, 2.0):
        make_run({"loss": loss})
    make_run()
    ordered = [str(value) for value in ls_runs(order="metric_loss", decreasing=decreasing)["metric_loss"]]
    assert ordered[:2] == (["2.0", "1.0"] if decreasing else ["1.0", "2.0"])
    assert set(ordered[2:]) == {"nan", "<NA>"}


def test_a_metric_called_epoch_does_not_pass_for_the_best_epoch(make_run: MakeRun) -> None:
    make_run({"loss": 1.0, "epoch": 77.0})
    assert list(ls_runs()["best_epoch"]) == [1]
    assert list(ls_runs()["metric_epoch"]) == [77.0]


@pytest.mark.parametrize(
    ("subset", "count"),
    [
        ("metric_loss < 2.5", 2),
        ("metric_loss < 2.5 and flag_optimizer == 'adam'", 1),
        ("not (metric_loss < 2.5)", 2),
        ("flag_units > 3", 1),
        ("status == 'failed'", 1),
        ("flag_optimizer == 'nobody'", 0),
        (lambda runs: runs["metric_loss"] > 2.5, 1),
    ],
)
def test_subset_keeps_the_runs_that_answer_yes(make_run: MakeRun, subset: Any, count: int) -> None:
    make_run({"loss": 1.0}, flags={"optimizer": "adam", "units": None})
    make_run({"loss": 2.0}, flags={"optimizer": "sgd", "units": 5})
    make_run({"loss": 3.0}, flags={"optimizer": None})
    make_run({"loss": math.nan}, status=Status.FAILED)
    assert len(ls_runs(subset)) == count
    assert len(leaderboard(subset=subset)) == count


@pytest.mark.parametrize(
    ("subset", "message"),
    [
        ("metric_lss < 1", "unknown column 'metric_lss'; did you mean 'metric_loss'? (known: run_dir"),
        ("metric_loss <", "subset 'metric_loss <' can't be answered: invalid syntax"),
        ("status < 3", "subset 'status < 3' can't be answered: "),
        ("@x > 3", "unknown column 'x'"),
        ("metric_loss + 1", "subset must be true or false for every run, but 'metric_loss + 1' isn't"),
        ("metric_loss.nothing", "subset 'metric_loss.nothing' can't be answered: "),
    ],
)
def test_a_bad_query_is_an_error_of_one_line(make_run: MakeRun, subset: str, message: str) -> None:
    make_run({"loss": 1.0})
    with pytest.raises(ResultsError, match=r"^" + re.escape(message)) as caught:
        ls_runs(subset)
    assert "\n" not in str(caught.value)


def test_an_unknown_column_to_order_by_is_an_error(make_run: MakeRun) -> None:
    make_run({"loss": 1.0})
    with pytest.raises(ResultsError, match=r"^unknown column 'best_los'; did you mean 'best_loss'"):
        ls_runs(order="best_los")


def test_without_runs_there_is_an_empty_table_with_the_fixed_columns(runs_dir: Path) -> None:
    for table in (
        ls_runs(),
        leaderboard(),
        leaderboard(metric="val_loss"),
        ls_runs("epochs > 3", order="start"),
    ):
        assert len(table) == 0
        assert {"run_dir", "rank", "status", "best_epoch", "samples", "type", "seed"} <= set(table.columns)
        assert str(table["start"].dtype) == "datetime64[us, UTC]"
    with pytest.raises(ResultsError, match=r"^no runs in 'runs'$"):
        latest_run()
    with pytest.raises(ResultsError, match=r"^no run in 'runs' that completed and logged the metric$"):
        best_run()


def test_a_missing_runs_directory_is_an_error_of_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for look in (ls_runs, leaderboard, best_run, latest_run):
        with pytest.raises(ResultsError, match=r"^no directory of runs at 'runs'$"):
            look()


def test_latest_run_and_run_info_give_one_row(make_run: MakeRun) -> None:
    first, last = make_run({"loss": 1.0}), make_run({"loss": 2.0}, study="s")
    assert list(latest_run()["run_dir"]) == [last.as_posix()]
    table = ls_runs()
    for same in (first, str(first), table[1:], table.iloc[1]):
        row = run_info(same)
        assert list(row["run_dir"]) == [first.as_posix()]
        assert list(row["best_loss"]) == [1.0]
    with pytest.raises(ResultsError, match=r"^run_info takes one run, but got a table of 2$"):
        run_info(table)
    with pytest.raises(ResultsError, match=r"^no run at 'runs/nothing'$"):
        run_info("runs/nothing")


def test_a_run_in_any_state_is_listed_with_what_is_known(make_run: MakeRun, runs_dir: Path) -> None:
    make_run({"loss": 1.0}, status=None)
    torn = make_run({"loss": 1.0}, flags={"x": 1})
    (torn / layout.RUN).write_text('{"flags":')
    (runs_dir / "2026-01-02T03-04-05.000006Z").mkdir()
    runs = ls_runs()
    assert list(runs["status"]) == ["completed", "running", "running"]
    assert list(runs["problems"].fillna("")) == [
        "run.json isn't a readable JSON object", "", "run.json is missing",
    ]  # fmt: skip
    assert runs["start"].notna().all()
