"""Leaderboards made by hand, for what needs no run on the disk."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from results.ranking import Objective

LOSS = Objective("val_loss", "min")


def board(
    values: Sequence[float | None],
    flags: Mapping[str, Sequence[Any]] | None = None,
    statuses: Sequence[str] | None = None,
    **columns: Any,
) -> pd.DataFrame:
    """A leaderboard of runs r000, r001, ... , not sorted: each with a value is ranked, in that order."""
    count = len(values)
    places = iter(range(1, count + 1))
    table = pd.DataFrame(
        {
            "run_dir": pd.array([f"runs/s/r{number:03}" for number in range(count)], dtype="string"),
            "rank": pd.array([pd.NA if value is None else next(places) for value in values], dtype="Int64"),
            "status": pd.array(statuses or ["completed"] * count, dtype="string"),
            "best_val_loss": pd.array(list(values), dtype="Float64"),
            "number": pd.array(range(count), dtype="Int64"),
            **columns,
        }
    )
    for name, known in (flags or {}).items():
        table[f"flag_{name}"] = _typed(known)
    return table


def _typed(values: Sequence[Any]) -> Any:
    kinds = {type(value) for value in values if value is not pd.NA}
    if len(kinds) != 1:
        return pd.Series(list(values), dtype=object)
    kind = {bool: "boolean", int: "Int64", float: "Float64", str: "string"}[kinds.pop()]
    return pd.array(list(values), dtype=kind)  # type: ignore[call-overload]
