"""One run's learning curves: a tidy table, and its plot."""

import os
from typing import TYPE_CHECKING, Any

import pandas as pd

from results.chosen import one_run
from results.curves import all_curves, metric_figure
from results.frame import TEXT
from results.run import read_run

if TYPE_CHECKING:
    from results.chosen import RunDirs

_GAP = 30  # pixels between two plots


def run_history(run: "RunDirs", runs_dir: str | os.PathLike[str] = "runs") -> pd.DataFrame:
    """Every metric of a run at every epoch, one value a row.

    Args:
        run: Its path or name, or a row of a table of runs.
        runs_dir: Where a name is looked for.

    Returns:
        epoch, value (as it was logged, NaN and infinities too), metric (without "val_"), data ("training" or
        "validation": the samples that it was measured on), by metric, then data, then epoch.

    Raises:
        ResultsError: There is no such run.
    """
    return _tidy(_curves(run, runs_dir))


def plot_history(run: "RunDirs", runs_dir: str | os.PathLike[str] = "runs") -> Any:
    """A plotly figure of `run_history`: the metrics below each other, training dotted under validation.

    A value that isn't finite is a gap. Arguments and errors are those of `run_history`.
    """
    from plotly.subplots import make_subplots

    data = _curves(run, runs_dir)
    metrics = list(dict.fromkeys(data["metric"]))
    height = 120 + 220 * max(1, len(metrics))
    drawn = make_subplots(
        rows=max(1, len(metrics)), cols=1, shared_xaxes=True, vertical_spacing=_GAP / height
    )
    for row, metric in enumerate(metrics, start=1):
        one = metric_figure(data, metric)
        for trace in one.data:
            drawn.add_trace(trace, row=row, col=1)
        drawn.update_yaxes(
            title_text=one.layout.yaxis.title.text, range=one.layout.yaxis.range, row=row, col=1
        )
    drawn.update_xaxes(title_text="epoch", row=len(metrics) or 1, col=1)
    drawn.update_layout(template="none", height=height, margin={"t": 40, "r": 20})
    return drawn


def _curves(run: "RunDirs", runs_dir: str | os.PathLike[str]) -> pd.DataFrame:
    read = read_run(one_run(run, runs_dir))
    return all_curves({read.id: read})


def _tidy(curves: pd.DataFrame) -> pd.DataFrame:
    data = curves["validation"].map({False: "training", True: "validation"})
    table = pd.DataFrame(
        {"epoch": curves["step"], "value": curves["value"], "metric": curves["metric"], "data": data}
    )
    return table.astype({"data": TEXT}).sort_values(
        ["metric", "data", "epoch"], kind="stable", ignore_index=True
    )
