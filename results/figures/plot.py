"""What all figures share: colours, the plotly figure itself, and columns of a leaderboard as lists."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from results.ranking import Objective

BLUE = "#4c78d8"
RED = "#e0457b"
GREY = "rgba(128, 128, 128, 0.35)"
WORST_TO_BEST = [[0.0, "#a9adb8"], [0.5, BLUE], [1.0, RED]]

_LABEL = 24  # characters of a tick label


def figure(traces: Sequence[dict[str, Any]], x: str = "", y: str = "", **layout: Any) -> Any:
    """A plotly figure without colours of its own for text and background: the page gives them.

    Args:
        traces: As plotly takes them.
        x: The title of the horizontal axis, as plotly's markup.
        y: That of the vertical axis; both are drawn only where there is an `x`.
        layout: What else plotly's layout takes.
    """
    import plotly.graph_objects as go

    common = {"template": "none", "paper_bgcolor": "rgba(0,0,0,0)", "plot_bgcolor": "rgba(0,0,0,0)"}
    bar = {"bgcolor": "rgba(0,0,0,0)", "color": GREY, "activecolor": BLUE}
    axes = {"xaxis": {"title": {"text": x}}, "yaxis": {"title": {"text": y}}} if x else {}
    return go.Figure(
        data=list(traces), layout={**common, "modebar": bar, "margin": {"t": 40, "r": 20}, **axes, **layout}
    )


def short(texts: Sequence[str]) -> list[str]:
    """Tick labels: a long text is cut, and its place in the list keeps it apart from others so cut."""
    return [
        text if len(text) <= _LABEL else f"{text[:_LABEL]}… ({place})" for place, text in enumerate(texts)
    ]


def names(board: pd.DataFrame) -> list[str]:
    """The name of each run of a leaderboard."""
    return [str(path).rsplit("/", 1)[-1] for path in board["run_dir"]]


def values_of(board: pd.DataFrame, objective: Objective) -> list[Any]:
    """The metric of each run at its best epoch, or NA."""
    name = f"best_{objective.metric}"
    return board[name].tolist() if name in board else [pd.NA] * len(board)
