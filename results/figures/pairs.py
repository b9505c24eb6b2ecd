"""Pairs of flags: the mean of the metric for each two of their values."""

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from gridruns import unknown
from results.effects import compared
from results.errors import ResultsError
from results.figures.plot import WORST_TO_BEST, figure, short
from results.frame import TEXT
from results.ranking import Objective
from results.wording import markup


def pairs(board: pd.DataFrame, objective: Objective, flags: Sequence[str] | None = None) -> pd.DataFrame:
    """The mean of the metric for every combination of values of every two flags.

    Args:
        board: A leaderboard by `objective`.
        objective: The metric and its goal.
        flags: Names of flags, without "flag_"; by default all that vary and can be compared
            (`results.levels`).

    Returns:
        A row for each pair of flags, in the order of `flags`, and each combination of their values: first,
        second (the flags), first_value, second_value (as text), runs (Int64, 0 where none had both), mean
        (Float64, of the ranked runs; missing where there is none).

    Raises:
        ResultsError: A name isn't one of a flag that varies and can be compared.
    """
    found, values = compared(board, objective)
    by_name = {item.flag: item for item in found}
    for flag in flags or ():
        if flag not in by_name:
            raise ResultsError(unknown("flag", flag, by_name))
    chosen = list(by_name) if flags is None else list(dict.fromkeys(flags))
    rows: list[tuple[Any, ...]] = []
    for first, second in combinations((by_name[flag] for flag in chosen), 2):
        shape = (len(first.names), len(second.names))
        cells = np.ravel_multi_index((first.codes, second.codes), shape)
        counts = np.bincount(cells, minlength=shape[0] * shape[1])
        sums = np.bincount(cells, weights=values, minlength=len(counts))
        for cell, (count, total) in enumerate(zip(counts.tolist(), sums.tolist(), strict=True)):
            one, two = divmod(cell, shape[1])
            mean = total / count if count else None
            rows.append((first.flag, second.flag, first.names[one], second.names[two], count, mean))
    kinds: dict[str, Any] = dict.fromkeys(("first", "second", "first_value", "second_value"), TEXT)
    kinds |= {"runs": "Int64", "mean": "Float64"}
    return pd.DataFrame(rows, columns=list(kinds)).astype(kinds)


def pair_figure(data: pd.DataFrame, objective: Objective, first: str, second: str) -> Any:
    """A plotly heat map of one pair of `pairs`: in each cell the mean, and of how many runs."""
    part = data[(data["first"] == first) & (data["second"] == second)]
    across, up = (list(dict.fromkeys(part[name])) for name in ("first_value", "second_value"))
    grid = [part[part["second_value"] == value] for value in up]
    means = [[None if mean is pd.NA else mean for mean in row["mean"].tolist()] for row in grid]
    texts = [
        [f"{mean:.4g}<br>{runs} run{'s' * (runs != 1)}" if runs else "" for mean, runs in
         zip(row["mean"].tolist(), row["runs"].tolist(), strict=True)]
        for row in grid
    ]  # fmt: skip
    trace = {
        "type": "heatmap", "z": means, "text": texts, "texttemplate": "%{text}", "hoverinfo": "text",
        "x": list(range(len(across))), "y": list(range(len(up))), "xgap": 2, "ygap": 2,
        "colorscale": WORST_TO_BEST, "reversescale": objective.goal == "min",
        "colorbar": {"title": {"text": markup(f"mean {objective.metric}")}},
    }  # fmt: skip
    axes = [
        {"title": {"text": markup(flag)}, "tickvals": list(range(len(values))), "showgrid": False,
         "automargin": True, "zeroline": False, "ticktext": [markup(text) for text in short(values)]}
        for flag, values in ((first, across), (second, up))
    ]  # fmt: skip
    return figure([trace], xaxis=axes[0], yaxis=axes[1], height=140 + 56 * max(3, len(up)))
