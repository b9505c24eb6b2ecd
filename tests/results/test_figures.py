"""The data of the figures to the value, and the figures as plotly's own JSON."""

import json
import math
import pkgutil
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from results import figures, leaderboard
from results.ranking import Objective
from results.run import read_run
from results.runs import find_runs
from results.status import Status
from results.wording import labels, markup, printable, varying

MakeRun = Callable[..., Path]
MakeStudy = Callable[..., Path]

LOSS = Objective("val_loss", "min")
NASTY = "</script><b>\"'&🎉"


@pytest.fixture
def study(make_study: MakeStudy, make_run: MakeRun) -> Path:
    """Trials 0 to 5: 0.5, 0.3, pruned at 0.4, diverged after 0.1, failed with nothing, running at 0.2."""
    folder = make_study("s")
    for number, (values, status) in enumerate(
        [
            ([0.9, 0.5], Status.COMPLETED),
            ([0.3, 0.6], Status.COMPLETED),
            ([0.4], Status.PRUNED),
            ([0.1, math.nan], Status.DIVERGED),
            ([], Status.FAILED),
            ([0.2], None),
        ]
    ):
        flags = {"lr": 10.0**-number, "same": "x", "opt": ("sgd", "adam")[number % 2]}
        epochs = [{"val_loss": value} for value in values]
        make_run(*epochs, study="s", status=status, flags=flags, number=number)
    return folder


def test_every_figure_is_listed() -> None:
    modules = [
        import_module(f"results.figures.{found.name}") for found in pkgutil.iter_modules(figures.__path__)
    ]
    own = {name for module in modules for name in vars(module) if name.endswith("_figure")}
    assert own and own <= set(figures.__all__)


def test_a_large_bubble_at_the_edge_is_not_cut() -> None:
    confused = pd.DataFrame({"reference": [1], "predicted": [0], "count": [99], "share": [0.5]})
    assert figures.confusions_figure(confused, 2).data[0].cliponaxis is False


def test_history_has_each_trial_and_the_best_of_the_ranked(study: Path) -> None:
    data = figures.history(leaderboard(study), LOSS)
    assert data["number"].tolist() == [0, 1, 2, 3, 4, 5]
    assert data["status"].tolist() == ["completed", "completed", "pruned", "diverged", "failed", "running"]
    assert data["rank"].tolist() == [3, 1, 2, pd.NA, pd.NA, pd.NA]
    assert data["value"].tolist() == [0.5, 0.3, 0.4, 0.1, pd.NA, 0.2]
    assert data["best"].tolist() == [0.5, 0.3, 0.3, 0.3, 0.3, 0.3]
    assert data["run"].tolist() == [path.name for path in find_runs(study)]


def test_history_goes_up_where_more_is_better(study: Path) -> None:
    upward = Objective("val_loss", "max")
    data = figures.history(leaderboard(study, goal="max"), upward)
    assert data["value"].tolist() == [0.9, 0.6, 0.4, 0.1, pd.NA, 0.2]
    assert data["best"].tolist() == [0.9] * 6


def test_history_has_no_best_before_the_first_ranked_run(make_study: MakeStudy, make_run: MakeRun) -> None:
    folder = make_study("s")
    make_run(study="s", status=Status.FAILED, number=0)
    make_run({"val_loss": 2.0}, study="s", number=1)
    make_run({"val_loss": 1.0}, study="s")  # without a number: it has no place
    data = figures.history(leaderboard(folder), LOSS)
    assert data["number"].tolist() == [0, 1]
    assert data["best"].tolist() == [pd.NA, 2.0]


def test_parallel_has_the_ranked_runs_and_the_flags_that_vary(study: Path) -> None:
    data = figures.parallel(leaderboard(study), LOSS)
    assert list(data.columns) == ["run", "rank", "value", "flag_lr", "flag_opt"]
    assert data["rank"].tolist() == [1, 2, 3]
    assert data["value"].tolist() == [0.3, 0.4, 0.5]
    assert data["flag_lr"].tolist() == [0.1, 0.01, 1.0]
    assert data["flag_opt"].tolist() == ["adam", "sgd", "sgd"]


def test_curves_have_every_logged_value_in_the_order_of_the_board(study: Path) -> None:
    runs = [read_run(path) for path in find_runs(study)]
    data = figures.curves(runs, leaderboard(study), LOSS, top=2)
    assert data["number"].tolist() == [1, 1, 2, 0, 0, 3, 3, 5]
    assert data["step"].tolist() == [1, 2, 1, 1, 2, 1, 2, 1]
    assert data["top"].tolist() == [True] * 3 + [False] * 5
    values = data["value"].tolist()
    assert values[:6] == [0.3, 0.6, 0.4, 0.9, 0.5, 0.1]
    assert math.isnan(values[6])
    assert values[7] == 0.2


def test_data_of_runs_that_logged_nothing_is_empty_but_typed(
    make_study: MakeStudy, make_run: MakeRun
) -> None:
    folder = make_study("s")
    make_run(study="s", status=None, number=0, flags={"a": 1})
    board = leaderboard(folder)
    runs = [read_run(path) for path in find_runs(folder)]
    assert figures.history(board, LOSS)["value"].tolist() == [pd.NA]
    assert len(figures.parallel(board, LOSS)) == 0
    assert figures.curves(runs, board, LOSS).dtypes["top"].kind == "b"


def column(*values: Any, kind: str | None = None) -> "pd.Series[Any]":
    return pd.Series(list(values), dtype=kind or "object")  # type: ignore[call-overload,no-any-return]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (column("a", "007", kind="string"), ["a", "007"]),
        (column("a", "a\nb", kind="string"), ["a", r"a\nb"]),
        (column(0.1 + 0.2, 0.3, kind="Float64"), ["0.30000000000000004", "0.3"]),
        (column(1, "1", True, "True", None), ["1", "'1'", "True", "'True'", "None"]),
        (column("(not set)", pd.NA, kind="string"), ["'(not set)'", "(not set)"]),
    ],
)
def test_labels_differ_where_values_do(values: "pd.Series[Any]", expected: list[str]) -> None:
    assert labels(values) == expected


def test_what_varies_is_told_from_what_is_the_same() -> None:
    board = pd.DataFrame({"a": [1, 1], "b": column(1, True), "c": column(None, pd.NA), "d": ["x", "x"]})
    assert varying(board, ["d", "c", "b", "a"]) == (["c", "b"], ["d", "a"])
    assert varying(board[:1], ["a", "b"]) == (["a", "b"], [])


def test_texts_are_shown_to_the_letter() -> None:
    assert printable("a\tb\x00\ud800🎉") == "a\\tb\\x00\\ud800🎉"
    assert markup(NASTY) == "&lt;/script&gt;&lt;b&gt;\"'&amp;🎉"


def test_numbers_stand_where_they_are_and_texts_have_codes() -> None:
    numbers = figures.dimension("n", column(64, 256, 128, 64, kind="Int64"))
    assert numbers["values"] == [64, 256, 128, 64]
    assert (numbers["tickvals"], numbers["ticktext"]) == ([64, 128, 256], ["64", "128", "256"])
    many = figures.dimension("n", column(*range(1, 20), kind="Int64"))
    assert set(many) == {"label", "values"}
    texts = figures.dimension("<b>", column("b", "a", "b", kind="string"))
    assert texts == {
        "label": "&lt;b&gt;", "values": [1, 0, 1], "tickvals": [0, 1], "ticktext": ["a", "b"]
    }  # fmt: skip
    assert figures.dimension("f", column(True, False, kind="boolean"))["ticktext"] == ["False", "True"]
    assert figures.dimension("f", column(1.0, math.inf, kind="Float64"))["values"] == [0, 1]
    assert figures.dimension("f", column(1, pd.NA, kind="Int64"))["ticktext"] == ["(not set)", "1"]


def test_numbers_over_three_decades_stand_by_their_logarithm() -> None:
    few = figures.dimension("lr", column(1e-1, 1e-5, 1e-3, kind="Float64"))
    assert few["values"] == pytest.approx([-1, -5, -3])
    assert few["ticktext"] == ["1e-05", "0.001", "0.1"]
    many = figures.dimension("lr", column(*(1.5e-4 * 2**k for k in range(12)), kind="Float64"))
    assert many["tickvals"] == pytest.approx([-3, -2, -1])
    assert many["ticktext"] == ["1e-3", "1e-2", "1e-1"]


def test_a_missing_number_stands_below_the_others() -> None:
    axis = figures.dimension("n", column(64, pd.NA, 16, 128, kind="Int64"))
    assert axis["ticktext"] == ["(not set)", "16", "64", "128"]
    assert axis["tickvals"][0] < 0 < axis["tickvals"][1] == 16
    assert axis["values"] == [64, axis["tickvals"][0], 16, 128]
    many = figures.dimension("n", column(pd.NA, *range(1, 12), kind="Int64"))
    assert many["ticktext"] == ["(not set)", "1", "3.5", "6", "8.5", "11"]
    alone = figures.dimension("n", column(pd.NA, 5, kind="Int64"))
    assert (alone["values"], alone["ticktext"]) == ([4.0, 5.0], ["(not set)", "5"])
    none = figures.dimension("n", column(pd.NA, pd.NA, kind="Int64"))
    assert none["ticktext"] == ["(not set)"]


def test_long_tick_labels_are_shortened_and_stay_different() -> None:
    texts = ["x" * 600, "x" * 601]
    axis = figures.dimension("f", column(*texts, kind="string"))
    assert axis["ticktext"] == ["x" * 24 + "… (0)", "x" * 24 + "… (1)"]


def test_figures_hold_the_data_and_nothing_else(study: Path) -> None:
    board = leaderboard(study)
    runs = [read_run(path) for path in find_runs(study)]
    history = plain(figures.history_figure(figures.history(board, LOSS), LOSS))
    assert [trace["y"] for trace in history] == [[0.5, 0.3], [0.4], [0.1, 0.2], [0.5] + [0.3] * 5]
    (parallel,) = plain(figures.parallel_figure(figures.parallel(board, LOSS), LOSS))
    assert parallel["line"]["color"] == [0.5, 0.4, 0.3]
    assert [axis["label"] for axis in parallel["dimensions"]] == ["lr", "opt", "val_loss"]
    curves = plain(figures.curves_figure(figures.curves(runs, board, LOSS, top=2), LOSS))
    assert [trace["name"] for trace in curves] == ["others", "1. trial 1", "2. trial 2"]
    assert curves[0]["y"] == [0.9, 0.5, None, 0.1, None, None, 0.2, None]
    assert curves[1]["y"] == [0.3, 0.6]


def plain(figure: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(figure.to_json())["data"]
    return found
