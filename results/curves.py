"""Every metric of some runs epoch by epoch: plain data, and a figure a metric with its validation twin."""

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from results.figures.plot import figure
from results.run import Run
from results.wording import markup

VALIDATION = "val_"

_COLOURS = (
    "#4c78d8", "#e0457b", "#2a9d6f", "#e08a2c", "#8a5fd0", "#1fa3b5", "#b8863b", "#d65ad1", "#6b8e23",
    "#a0554a",
)  # fmt: skip
_SYMBOLS = ("circle", "square-open", "diamond", "x-thin-open", "triangle-up", "star-open")


def all_curves(runs: Mapping[str, Run]) -> pd.DataFrame:
    """Every metric at every step.

    Args:
        runs: By the name under which they are shown.

    Returns:
        A row for each run, metric and step: run, metric (without "val_"), validation (whether it is the
        twin of `metric`, measured on other samples), step, value (as it was logged, NaN and infinities too).
    """
    rows = [
        (run, name.removeprefix(VALIDATION), name.startswith(VALIDATION), epoch.step, epoch.metrics[name])
        for run, read in runs.items()
        for name in read.metric_names
        for epoch in read.epochs
        if name in epoch.metrics
    ]
    # A name may be a text that nothing encodes, which a column of strings may refuse.
    kinds = {"run": "object", "metric": "object", "validation": "bool", "step": "int64", "value": "float64"}
    return pd.DataFrame(rows, columns=list(kinds)).astype(kinds)


def metric_figure(data: pd.DataFrame, metric: str) -> Any:
    """A plotly figure of one metric of `all_curves`: a colour a run, its training curve dotted.

    A value that isn't finite is a gap. A metric without a twin has solid curves. Where runs are more than
    colours, the marks on the curves tell those of one colour apart.
    """
    shown = data[data["metric"] == metric]
    runs = list(dict.fromkeys(data["run"]))
    twins = bool(shown["validation"].any())
    traces = []
    for (run, validation), part in shown.groupby(["run", "validation"], sort=False):
        turn, colour = divmod(runs.index(run), len(_COLOURS))
        name = f"{VALIDATION}{metric}" if validation else metric
        traces.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": markup(name if len(runs) == 1 else f"{run}: {name}" if twins else str(run)),
                "x": part["step"].tolist(),
                "y": [value if math.isfinite(value) else None for value in part["value"]],
                "line": {
                    "color": _COLOURS[colour],
                    "width": 2,
                    "dash": "dot" if twins and not validation else "solid",
                },
                "marker": {"size": 8 if turn else 4, "symbol": _SYMBOLS[turn % len(_SYMBOLS)]},
            }
        )
    drawn = figure(traces, "epoch", markup(metric), height=340, showlegend=True)
    finite = {value for value in shown["value"] if math.isfinite(value)}
    if len(finite) == 1:  # plotly would show a unit around it, in which 0.001 looks like 0
        (value,) = finite
        drawn.update_yaxes(range=[value - abs(value) / 2 or -1, value + abs(value) / 2 or 1])
    return drawn
