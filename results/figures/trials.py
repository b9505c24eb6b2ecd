"""How a search went on: each trial's value by its number, and the best so far."""

from typing import Any

import pandas as pd

from results.figures.plot import BLUE, RED, figure, names, values_of
from results.frame import TEXT
from results.ranking import Objective
from results.status import Status
from results.wording import markup


def history(board: pd.DataFrame, objective: Objective) -> pd.DataFrame:
    """How the search went on.

    Args:
        board: A leaderboard by `objective`.
        objective: The metric and its goal.

    Returns:
        A row a run that has a number, in the order of the numbers: number (Int64), run (its name), status,
        rank (Int64), value (Float64: the metric at the best epoch, or missing) and best (Float64: the best
        value of the completed runs up to this row: a pruned run can't win).
    """
    numbered = board[board["number"].notna()].sort_values(["number", "run_dir"], kind="stable")
    values = values_of(numbered, objective)
    better = min if objective.goal == "min" else max
    so_far: list[Any] = []
    best: Any = pd.NA
    completed = numbered["rank"].notna() & (numbered["status"] == Status.COMPLETED.value)
    for value, counts in zip(values, completed, strict=True):
        if counts:
            best = value if best is pd.NA else better(best, value)
        so_far.append(best)
    return pd.DataFrame(
        {
            "number": numbered["number"].array,
            "run": pd.array(names(numbered), dtype=TEXT),
            "status": numbered["status"].array,
            "rank": numbered["rank"].array,
            "value": pd.array(values, dtype="Float64"),
            "best": pd.array(so_far, dtype="Float64"),
        }
    )


def history_figure(data: pd.DataFrame, objective: Objective) -> Any:
    """A plotly figure of `history`: a point a run with a value, and the best so far as a line."""
    shown = data[data["value"].notna()]
    traces = []
    ranked, pruned = shown["rank"].notna(), shown["status"] == Status.PRUNED.value
    for name, part, colour, symbol in (
        ("completed", shown[ranked & ~pruned], BLUE, "circle"),
        ("pruned", shown[ranked & pruned], BLUE, "circle-open"),
        ("others", shown[~ranked], "rgb(128, 128, 128)", "x"),
    ):
        if part.empty:
            continue
        details = [[markup(run), status] for run, status in zip(part["run"], part["status"], strict=True)]
        traces.append(
            {
                "type": "scatter", "mode": "markers", "name": name, "x": part["number"].tolist(),
                "y": part["value"].tolist(), "customdata": details,
                "marker": {"color": colour, "symbol": symbol},
                "hovertemplate": "trial %{x}: %{y}<br>%{customdata[1]}<br>%{customdata[0]}<extra></extra>",
            }
        )  # fmt: skip
    line = data[data["best"].notna()]
    traces.append(
        {
            "type": "scatter", "mode": "lines", "name": "best so far", "x": line["number"].tolist(),
            "y": line["best"].tolist(), "line": {"color": RED, "shape": "hv"}, "hoverinfo": "skip",
        }
    )  # fmt: skip
    return figure(traces, "trial", markup(objective.metric))
