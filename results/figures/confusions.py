"""Which classes are taken for which: a bubble for each pair, its area the number of mistakes."""

from typing import Any

import pandas as pd

from results.figures.plot import RED, figure

_LARGEST = 46  # pixels across
_EVERY = 30  # up to so many classes each has a tick


def confusions_figure(confusions: pd.DataFrame, classes: int) -> Any:
    """A plotly figure of `results.confusion.confusions`: reference classes across, predicted ones down."""
    counts = confusions["count"].tolist()
    trace = {
        "type": "scatter",
        "mode": "markers+text",
        "cliponaxis": False,
        "x": confusions["reference"].tolist(),
        "y": confusions["predicted"].tolist(),
        "text": [str(count) for count in counts],
        "customdata": confusions["share"].tolist(),
        "hovertemplate": "%{x} taken for %{y}: %{text}, %{customdata:.2%} of class %{x}<extra></extra>",
        "marker": {
            "size": counts,
            "sizemode": "area",
            "sizeref": 2 * max(counts, default=1) / _LARGEST**2,
            "sizemin": 3,
            "color": RED,
            "opacity": 0.55,
            "line": {"width": 0},
        },
    }
    ticks = {"dtick": 1} if classes <= _EVERY else {}
    first, last = -0.7, classes - 0.3
    drawn = figure([trace], "reference", "predicted", height=560, showlegend=False)
    drawn.update_xaxes(range=[first, last], zeroline=False, **ticks)
    drawn.update_yaxes(range=[last, first], zeroline=False, **ticks)
    return drawn
