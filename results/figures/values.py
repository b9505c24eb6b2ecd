"""What each value of a flag led to: the metric as found, and the effect adjusted for the other flags."""

import math
from typing import Any

import pandas as pd

from results.figures.plot import BLUE, RED, figure, short
from results.ranking import Objective
from results.wording import markup

COLUMNS = 3  # panels beside each other
ROW = 260  # pixels of a row of panels


def effects_figure(data: pd.DataFrame, objective: Objective) -> Any:
    """A plotly figure of `effects`: a panel a flag, a box a value, and beside it the adjusted effect.

    A box spans the quartiles, its whiskers all runs. The dot is the mean over all runs plus the value's
    effect, its bar the 95% interval.
    """
    flags = list(dict.fromkeys(data["flag"]))
    rows = math.ceil(len(flags) / COLUMNS)
    layout: dict[str, Any] = {"height": ROW * rows + 60, "showlegend": False, "margin": {"t": 40, "r": 20}}
    traces: list[dict[str, Any]] = []
    titles = []
    for place, flag in enumerate(flags):
        part = data[data["flag"] == flag]
        panel = str(place + 1) if place else ""
        row, column = divmod(place, COLUMNS)
        width, height = 1 / COLUMNS, 1 / rows
        left, right = column * width + 0.02, (column + 1) * width - 0.02
        top = 1 - row * height
        low, high = top - height * 0.78, top - height * 0.1
        title = {"text": markup(objective.metric)} if column == 0 else {"text": ""}
        # A range takes two lines, else plotly slants the labels and leaves out the last.
        ticks = [markup(text).replace(" to ", "<br>to ") for text in short(part["value"].tolist())]
        layout[f"xaxis{panel}"] = {
            "domain": [left, right], "anchor": f"y{panel}", "tickvals": list(range(len(part))),
            "ticktext": ticks, "range": [-0.6, len(part) - 0.4], "ticklabeloverflow": "allow",
        }  # fmt: skip
        layout[f"yaxis{panel}"] = {"domain": [low, high], "anchor": f"x{panel}", "title": title}
        if place:
            layout[f"yaxis{panel}"]["matches"] = "y"
        titles.append(
            {"text": f"<b>{markup(flag)}</b>", "x": (left + right) / 2, "y": high, "xref": "paper",
             "yref": "paper", "xanchor": "center", "yanchor": "bottom", "showarrow": False}
        )  # fmt: skip
        traces += _panel(part, panel)
    return figure(traces, annotations=titles, **layout)


def _panel(part: pd.DataFrame, panel: str) -> list[dict[str, Any]]:
    places = list(range(len(part)))
    axes = {"xaxis": f"x{panel}", "yaxis": f"y{panel}"}
    boxes = {
        "type": "box", "x": [place - 0.12 for place in places], "q1": part["lower_quartile"].tolist(),
        "median": part["median"].tolist(), "q3": part["upper_quartile"].tolist(),
        "lowerfence": part["minimum"].tolist(), "upperfence": part["maximum"].tolist(), "width": 0.4,
        "line": {"color": BLUE, "width": 1.5}, "name": "as found", **axes,
    }  # fmt: skip
    overall = (part["mean"] * part["runs"]).sum() / part["runs"].sum()
    known = part["effect"].notna()
    dots = {
        "type": "scatter", "mode": "markers", "name": "adjusted", **axes,
        "x": [place + 0.25 for place, there in zip(places, known, strict=True) if there],
        "y": (overall + part["effect"][known]).tolist(),
        "customdata": [
            [runs, effect, low, high] for runs, effect, low, high in part[known][
                ["runs", "effect", "effect_low", "effect_high"]].astype(object).where(
                    part[known]["effect_low"].notna(), None).itertuples(index=False)
        ],
        "error_y": {"type": "data", "array": (part["effect_high"] - part["effect"])[known].fillna(0).tolist(),
                    "width": 3},
        "marker": {"color": RED, "symbol": "diamond", "size": 8},
        "hovertemplate": "effect %{customdata[1]:.4g}<br>95% interval %{customdata[2]:.4g} to "
                         "%{customdata[3]:.4g}<br>%{customdata[0]} runs<extra></extra>",
    }  # fmt: skip
    return [boxes, dots]
