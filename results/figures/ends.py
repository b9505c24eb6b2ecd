"""Why runs failed."""

from typing import Any

import pandas as pd

from results.figures.plot import names
from results.frame import TEXT
from results.status import Status

NO_REASON = "(no reason recorded)"


def failures(board: pd.DataFrame) -> pd.DataFrame:
    """The runs that ended without a result, by status and reason.

    Args:
        board: A leaderboard.

    Returns:
        A row for each status that is neither running, completed nor pruned and each reason, the most
        frequent first: status, reason (the one line that the run recorded, or `NO_REASON`), runs (Int64),
        first (the name of the run among them that started first).
    """
    ended = {status.value for status in Status if status.ended and not status.ranked}
    found = pd.DataFrame(
        {"status": board["status"], "reason": board["reason"].fillna(NO_REASON), "first": names(board)}
    )[board["status"].isin(ended)]
    grouped = found.groupby(["status", "reason"], as_index=False).agg(
        runs=("first", "size"), first=("first", "min")
    )
    table = grouped.sort_values(
        ["runs", "status", "reason"], ascending=[False, True, True], ignore_index=True
    )
    kinds: dict[str, Any] = {"status": TEXT, "reason": TEXT, "runs": "Int64", "first": TEXT}
    return table[list(kinds)].astype(kinds)
