"""Importances, pairs, the timeline and failures: the data to the value, and what figures make of it."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from results import figures
from results.errors import ResultsError
from tests.results.boards import LOSS, board

START = datetime(2026, 1, 1, tzinfo=UTC)
NASTY = "</script><b>\"'&🎉"


def plain(figure: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(figure.to_json())
    return found


@pytest.mark.parametrize("method", ["mean-decrease", "fanova"])
def test_importances_go_to_the_flags_that_matter(method: str, capsys: pytest.CaptureFixture[str]) -> None:
    # The columns aren't in the order of their names, where Optuna would mix the shares up.
    generator = np.random.default_rng(3)
    z, b, a = (
        generator.integers(3, size=60),
        generator.integers(3, size=60),
        10 ** generator.uniform(-5, -1, 60),
    )
    flags = {"z": z.tolist(), "lr": a.tolist(), "b": [f"v{value}" for value in b]}
    values = (10 * z + 2 * b + generator.normal(size=60) / 10).tolist()
    data = figures.importances(board(values, flags), LOSS, method)
    assert data["flag"].tolist() == ["z", "b", "lr"]
    assert data["importance"].sum() == pytest.approx(1)
    assert data["importance"].iloc[0] > 0.8
    assert data["importance"].tolist() == figures.importances(board(values, flags), LOSS, method)[
        "importance"].tolist()  # fmt: skip
    assert plain(figures.importances_figure(data))["data"][0]["x"] == data["importance"].tolist()[::-1]
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("values", "flag", "said"),
    [
        ([1.0, 2.0, 3.0], [1, 2, 3], "importances need at least 4 ranked runs, but there are 3"),
        ([1.0] * 4, [1, 2, 3, 4], "importances need a metric that varies, but val_loss is always 1.0"),
        ([1.0, 2.0, 3.0, 4.0], [1] * 4,
         "importances need a flag that varies between the ranked runs, but none does"),
    ],
)  # fmt: skip
def test_importances_that_cannot_be_say_why(values: list[float | None], flag: list[int], said: str) -> None:
    with pytest.raises(ResultsError, match=f"^{said}$"):
        figures.importances(board([*values, None], {"f": [*flag, 9]}), LOSS)


def test_an_unknown_method_is_an_error() -> None:
    with pytest.raises(ResultsError, match=r"^unknown method 'fanov'; did you mean 'fanova'\?"):
        figures.importances(board([1.0]), LOSS, "fanov")


def test_importances_take_gaps_and_values_of_any_type() -> None:
    flags = {
        "m": [1, "1", True, None, 1.5],
        "n": [1, 2, pd.NA, 1, 2],
        "x": [1.0, float("inf"), 2.0, 3.0, 4.0],
    }
    data = figures.importances(board([1.0, 2.0, 3.0, 4.0, 5.0], flags), LOSS)
    assert sorted(data["flag"]) == ["m", "n", "x"]


def test_importances_of_a_number_with_gaps_go_by_its_ranges() -> None:
    rates = [pd.NA if place % 3 == 0 else place / 40 for place in range(40)]
    data = figures.importances(
        board([float(place) for place in range(40)], {"lr": rates, "b": [1, 2] * 20}), LOSS
    )
    assert data["flag"].tolist() == ["lr", "b"]


def test_pairs_have_every_cell_with_mean_and_count() -> None:
    table = board([1.0, 3.0, 5.0, None], {"a": [1, 1, 2, 2], "b": ["x", "x", "y", "x"], "c": [1, 2, 3, 4]})
    data = figures.pairs(table, LOSS, ["a", "b"])
    assert data.to_numpy().tolist() == [
        ["a", "b", "1", "x", 2, 2.0], ["a", "b", "1", "y", 0, pd.NA],
        ["a", "b", "2", "x", 0, pd.NA], ["a", "b", "2", "y", 1, 5.0],
    ]  # fmt: skip
    assert len(figures.pairs(table, LOSS).groupby(["first", "second"])) == 3
    (heat,) = plain(figures.pair_figure(data, LOSS, "a", "b"))["data"]
    assert heat["z"] == [[2, None], [None, 5]]
    assert heat["text"] == [["2<br>2 runs", ""], ["", "5<br>1 run"]]
    with pytest.raises(ResultsError, match=r"^unknown flag 'd' \(known: a, b, c\)$"):
        figures.pairs(table, LOSS, ["d"])


def test_effects_are_drawn_where_they_are_known() -> None:
    table = board([1.0, 2.0, 3.0, 5.0], {"a": ["x", NASTY] * 2, "b": [1, 1, 2, 2]})
    drawn = plain(figures.effects_figure(figures.effects(table, LOSS), LOSS))
    boxes, dots, *_ = drawn["data"]
    assert boxes["median"] == [3.5, 2.0]  # NASTY sorts first
    assert dots["y"] == pytest.approx([2.75 + 0.75, 2.75 - 0.75])
    assert drawn["layout"]["xaxis"]["ticktext"] == ["&lt;/script&gt;&lt;b&gt;\"'&amp;🎉", "x"]
    aliased = board([1.0, 2.0], {"a": [1, 2], "b": [1, 2]})
    assert plain(figures.effects_figure(figures.effects(aliased, LOSS), LOSS))["data"][1]["y"] == []


def test_the_label_of_the_last_range_isnt_left_out() -> None:
    table = board([float(place) for place in range(40)], {"lr": [place / 40 for place in range(40)]})
    axis = figures.effects_figure(figures.effects(table, LOSS), LOSS).to_plotly_json()["layout"]["xaxis"]
    assert axis["ticklabeloverflow"] == "allow"
    assert len(axis["ticktext"]) == 5
    assert all("<br>to " in label for label in axis["ticktext"])


def test_lanes_are_as_few_as_runs_at_once() -> None:
    spans: list[tuple[int, int | None]] = [(0, 10), (1, 5), (5, 9), (6, 7), (10, None), (12, 13)]
    start = pd.DatetimeIndex([START + timedelta(seconds=low) for low, _ in spans])
    end = pd.DatetimeIndex([pd.NaT if high is None else START + timedelta(seconds=high) for _, high in spans])
    statuses = ["completed", "failed", "completed", "pruned", "running", "oom"]
    table = board([1.0] * 6, statuses=statuses, start=start, end=end)
    data = figures.timeline(table[::-1], now=START + timedelta(seconds=20))
    assert data["number"].tolist() == [0, 1, 2, 3, 4, 5]
    assert data["lane"].tolist() == [1, 2, 2, 3, 1, 2]
    assert data["until"].iloc[4] == pd.Timestamp(START + timedelta(seconds=20))
    assert data["end"].isna().sum() == 1
    drawn = {trace["name"]: trace for trace in plain(figures.timeline_figure(data))["data"]}
    assert set(drawn) == {"completed", "failed", "pruned", "running", "oom"}
    assert drawn["running"]["x"] == [10_000]
    assert drawn["running"]["base"] == ["2026-01-01T00:00:10"]
    assert figures.timeline(table[:0]).empty


def test_failures_are_counted_by_reason() -> None:
    statuses = ["failed", "oom", "failed", "completed", "running", "failed", "killed"]
    reasons = ["ValueError: no", "out of memory", "ValueError: no", "odd", "odd", "KeyError: x", pd.NA]
    table = board([1.0] * 7, statuses=statuses, reason=pd.array(reasons, dtype="string"))
    assert figures.failures(table).to_numpy().tolist() == [
        ["failed", "ValueError: no", 2, "r000"], ["failed", "KeyError: x", 1, "r005"],
        ["killed", "(no reason recorded)", 1, "r006"], ["oom", "out of memory", 1, "r001"],
    ]  # fmt: skip
    assert figures.failures(table[3:5]).empty
