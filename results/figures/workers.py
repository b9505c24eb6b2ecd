"""When each run ran, and beside which others."""

from datetime import UTC, datetime
from typing import Any

import pandas as pd

from results.figures.plot import BLUE, figure, names
from results.frame import TEXT
from results.status import Status
from results.wording import markup

COLOURS = {
    Status.COMPLETED: BLUE, Status.PRUNED: "#8fb0f0", Status.RUNNING: "#3aa675", Status.FAILED: "#e0457b",
    Status.DIVERGED: "#b05cc6", Status.TIMEOUT: "#e58a2b", Status.OOM: "#a8442a", Status.KILLED: "#7a6a5f",
    Status.INTERRUPTED: "#98a0ac",
}  # fmt: skip


def timeline(board: pd.DataFrame, now: datetime | None = None) -> pd.DataFrame:
    """When each run ran, in lanes.

    Which worker ran a run isn't recorded. A run takes the first lane that is free at its start, so there
    are as many lanes as runs at once at most, and a lane is a worker's only where each started its next run
    at once.

    Args:
        board: A leaderboard.
        now: Until when runs without an end are drawn; by default the time of the call.

    Returns:
        A row a run with a known start, in the order of the starts: number (Int64), run (its name), status,
        lane (from 1), start, end (missing while it runs), until (`end`, or else `now`), all in UTC.
    """
    moment = pd.Timestamp(datetime.now(UTC) if now is None else now).tz_convert("UTC")
    known = board[board["start"].notna()].sort_values(["start", "run_dir"], kind="stable")
    until = known["end"].fillna(moment)
    free: list[pd.Timestamp] = []
    lanes = []
    for start, end in zip(known["start"], known["end"], strict=True):
        lane = next((place for place, since in enumerate(free) if since <= start), len(free))
        # A run without an end holds its lane for ever.
        free[lane : lane + 1] = [pd.Timestamp.max.tz_localize("UTC") if end is pd.NaT else max(start, end)]
        lanes.append(lane + 1)
    return pd.DataFrame(
        {
            "number": known["number"].array,
            "run": pd.array(names(known), dtype=TEXT),
            "status": known["status"].array,
            "lane": pd.array(lanes, dtype="Int64"),
            "start": known["start"].array,
            "end": known["end"].array,
            "until": until.array,
        }
    )


def timeline_figure(data: pd.DataFrame) -> Any:
    """A plotly figure of `timeline`: a bar a run, in its lane, coloured by its status."""
    traces = []
    for status, colour in COLOURS.items():
        part = data[data["status"] == status.value]
        if part.empty:
            continue
        spans = (part["until"] - part["start"]).dt.total_seconds()
        details = [
            [markup(run) if number is pd.NA else f"trial {number}", f"{span:.3g} s"]
            for run, number, span in zip(part["run"], part["number"], spans, strict=True)
        ]
        traces.append(
            {
                "type": "bar", "orientation": "h", "name": status.value, "y": part["lane"].tolist(),
                "base": [time.isoformat() for time in part["start"].dt.tz_localize(None)],
                "x": (spans * 1000).tolist(), "customdata": details, "width": 0.8,
                "marker": {"color": colour, "line": {"color": "rgba(128, 128, 128, 0.6)", "width": 0.5}},
                "hovertemplate": "%{customdata[0]}: %{customdata[1]}<br>" + status.value + "<extra></extra>",
            }
        )  # fmt: skip
    lanes = int(data["lane"].max()) if len(data) else 0
    vertical = {"title": {"text": "lane"}, "autorange": "reversed", "tick0": 1, "dtick": max(1, lanes // 8)}
    return figure(
        traces, barmode="overlay", xaxis={"type": "date", "title": {"text": "UTC"}}, yaxis=vertical,
        height=180 + 26 * min(lanes, 20), showlegend=True,
    )  # fmt: skip
