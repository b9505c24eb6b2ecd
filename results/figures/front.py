"""The Pareto front: the runs of a study of several metrics, by the first two of these."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from results.figures.plot import BLUE, RED, figure, names
from results.ranking import Objective
from results.wording import markup


def front(board: pd.DataFrame, objectives: Sequence[Objective]) -> pd.DataFrame:
    """The completed runs by two metrics.

    Args:
        board: A leaderboard by the first metric, with the column `pareto`.
        objectives: The study's metrics and their goals, at least two.

    Returns:
        A row a completed run that has both, by the first metric: run (its name), first, second (Float64: the
        metrics at the best epoch of the first), pareto (boolean).
    """
    columns = {"first": f"best_{objectives[0].metric}", "second": f"best_{objectives[1].metric}"}
    done = board[board["completed"].fillna(False)]
    data = pd.DataFrame({"run": names(done)})
    for name, column in columns.items():
        data[name] = done[column].array if column in done else pd.array([pd.NA] * len(done), dtype="Float64")
    data["pareto"] = done["pareto"].array
    known = data[data["first"].notna() & data["second"].notna()]
    return known.sort_values(["first", "second"], kind="stable", ignore_index=True)


def front_figure(data: pd.DataFrame, objectives: Sequence[Objective]) -> Any:
    """A plotly figure of `front`: a point a run; those of the front in a colour, joined by a line."""
    on = data["pareto"].fillna(False).astype(bool)
    traces = []
    for name, part, colour, mode in (
        ("the front", data[on], RED, "lines+markers"),
        ("others", data[~on], BLUE, "markers"),
    ):
        traces.append(
            {
                "type": "scatter", "mode": mode, "name": name, "x": part["first"].tolist(),
                "y": part["second"].tolist(), "customdata": [markup(run) for run in part["run"]],
                "marker": {"color": colour}, "line": {"color": colour},
                "hovertemplate": "%{x}, %{y}<br>%{customdata}<extra></extra>",
            }
        )  # fmt: skip
    first, second = (f"{objective.metric} ({objective.goal})" for objective in objectives[:2])
    return figure(traces, markup(first), markup(second))
