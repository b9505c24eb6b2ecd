"""Flags and metric as parallel coordinates: a line a ranked run."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from results.figures.plot import WORST_TO_BEST, figure, names, short, values_of
from results.frame import TEXT
from results.ranking import Objective
from results.wording import NOT_SET, flag_columns, labels, markup, varying

_TICKS = 8  # the most values of a numeric flag that each get a tick of their own
_BELOW = 6  # a missing number lies by a sixth of the axis below the smallest
_LOG_RATIO = 1000.0  # from this ratio of the largest to the smallest value on, an axis is logarithmic


def parallel(board: pd.DataFrame, objective: Objective) -> pd.DataFrame:
    """The flags that vary, beside what they led to.

    Args:
        board: A leaderboard by `objective`.
        objective: The metric and its goal.

    Returns:
        A row a ranked run, the best first: run (its name), rank, value (the metric at the best epoch) and
        the columns `flag_*` that differ between these runs, typed as in the leaderboard.
    """
    ranked = board[board["rank"].notna()].reset_index(drop=True)
    first = {
        "run": pd.array(names(ranked), dtype=TEXT),
        "rank": ranked["rank"].array,
        "value": pd.array(values_of(ranked, objective), dtype="Float64"),
    }
    flags, _ = varying(ranked, flag_columns(ranked))
    return pd.concat([pd.DataFrame(first), ranked[flags]], axis=1)


def dimension(name: str, column: "pd.Series[Any]") -> dict[str, Any]:
    """One axis of parallel coordinates, as plotly's `parcoords` takes it.

    Numbers are placed by value, or by log10 where all are positive and the largest is a thousand times the
    smallest, and a missing one below them all; anything else, also a number that isn't finite, gets a code
    0, 1, ... in the order of its label. Ticks say the value in each case.
    """
    present = column.dropna()
    if column.dtype not in ("Int64", "Float64") or present.empty or not all(map(math.isfinite, present)):
        return _coded(name, labels(column))
    known = dict(sorted(zip(map(float, present), labels(present), strict=True)))
    low, high = min(known), max(known)
    logarithmic = low > 0 and low * _LOG_RATIO <= high
    ticked = len(known) <= _TICKS or logarithmic or len(present) < len(column)
    if len(known) > _TICKS and logarithmic:
        known = {10.0**power: f"1e{power}" for power in range(_ceil_log(low), _floor_log(high) + 1)}
    elif len(known) > _TICKS:
        known = {value: f"{value:.4g}" for value in np.linspace(low, high, 5).tolist()}
    place = math.log10 if logarithmic else float
    ticks = {place(value): text for value, text in known.items()}
    below = place(low) - ((place(high) - place(low)) / _BELOW or 1.0)
    if len(present) < len(column):
        ticks = {below: NOT_SET, **ticks}
    values = [below if value is pd.NA else place(value) for value in column]
    axis: dict[str, Any] = {"label": markup(name), "values": values}
    return {**axis, "tickvals": list(ticks), "ticktext": list(ticks.values())} if ticked else axis


def parallel_figure(data: pd.DataFrame, objective: Objective) -> Any:
    """A plotly figure of `parallel`: a line a run across the flags to the metric, which gives its colour."""
    data = data[::-1]  # the best are drawn last, on top
    axes = [dimension(name.removeprefix("flag_"), data[name]) for name in flag_columns(data)]
    values = data["value"].tolist()
    metric = markup(objective.metric)
    line = {
        "color": values, "colorscale": WORST_TO_BEST, "reversescale": objective.goal == "min",
        "showscale": True, "colorbar": {"title": {"text": metric}},
    }  # fmt: skip
    trace = {"type": "parcoords", "dimensions": [*axes, {"label": metric, "values": values}], "line": line}
    return figure([trace], margin={"t": 70, "b": 30, "l": 90, "r": 60})


def _coded(name: str, texts: Sequence[str]) -> dict[str, Any]:
    known = sorted(set(texts))
    codes = {text: code for code, text in enumerate(known)}
    values = [codes[text] for text in texts]
    return {
        "label": markup(name),
        "values": values,
        "tickvals": list(codes.values()),
        "ticktext": short(known),
    }


def _ceil_log(value: float) -> int:
    return math.ceil(math.log10(value))


def _floor_log(value: float) -> int:
    return math.floor(math.log10(value))
