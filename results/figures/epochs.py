"""Learning curves: the metric epoch by epoch, the best runs against the rest."""

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

from results.figures.plot import GREY, figure, names
from results.frame import TEXT
from results.ranking import Objective
from results.run import Run
from results.wording import markup

TOP = 10  # learning curves in colour


def curves(runs: Sequence[Run], board: pd.DataFrame, objective: Objective, top: int = TOP) -> pd.DataFrame:
    """The metric, epoch by epoch.

    Args:
        runs: The runs with their epochs.
        board: A leaderboard of these runs by `objective`.
        objective: The metric and its goal.
        top: How many of the best are marked, at least 0.

    Returns:
        A row for each run and each step that logged the metric, in the order of the leaderboard, then of
        the steps: run (its name), number, rank, status, step, value (as it was logged, NaN and infinities
        too) and top (whether the run is one of the best).
    """
    epochs = {run.path.as_posix(): run.epochs for run in runs}
    rows = [
        (name, number, rank, status, epoch.step, epoch.metrics[objective.metric])
        for name, path, number, rank, status in zip(
            names(board), board["run_dir"], board["number"], board["rank"], board["status"], strict=True
        )
        for epoch in epochs[path]
        if objective.metric in epoch.metrics
    ]
    kinds: dict[str, Any] = {"run": TEXT, "number": "Int64", "rank": "Int64", "status": TEXT, "step": "Int64"}
    table = pd.DataFrame(rows, columns=[*kinds, "value"]).astype({**kinds, "value": "float64"})
    table["top"] = table["rank"].le(top).fillna(False).astype(bool)
    return table


def curves_figure(data: pd.DataFrame, objective: Objective) -> Any:
    """A plotly figure of `curves`: the best in colours, in the order of their ranks, the others in grey.

    A value that isn't finite is a gap.
    """
    best, others = data[data["top"]], data[~data["top"]]
    x: list[Any] = []
    y: list[Any] = []
    for _, part in others.groupby("run", sort=False):
        x += [*part["step"].tolist(), None]
        y += [*map(_number, part["value"]), None]
    rest = {"name": "others", "x": x, "y": y, "line": {"color": GREY, "width": 1}, "hoverinfo": "skip"}
    traces = [rest] if x else []
    for (rank, name, number), part in best.groupby(["rank", "run", "number"], dropna=False):
        title = markup(f"{rank}. trial {number}" if isinstance(number, int) else f"{rank}. {name}")
        steps, values = part["step"].tolist(), list(map(_number, part["value"]))
        traces.append({"name": title, "x": steps, "y": values, "line": {"width": 2}})
    plain = {"type": "scatter", "mode": "lines+markers", "marker": {"size": 4}}
    return figure([{**plain, **trace} for trace in traces], "epoch", markup(objective.metric))


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
