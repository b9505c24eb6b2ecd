"""How a report words what it shows: which columns to show, and values as text on a page and in plotly."""

import html
import re
from collections.abc import Iterable
from typing import Any

import pandas as pd

NOT_SET = "(not set)"  # a flag that a run doesn't have, or that doesn't apply to it

_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def varying(board: pd.DataFrame, names: Iterable[str]) -> tuple[list[str], list[str]]:
    """Which columns tell the rows apart, and which are the same in all; of one row none is the same.

    Args:
        board: A table of runs.
        names: Some of its columns; 1, 1.0, True and a missing value are all different.

    Returns:
        Those of `names` that vary and those that don't, each in the order given.
    """
    names = list(names)
    same = [name for name in names if len(board) > 1 and board[name].map(repr).nunique() == 1]
    return [name for name in names if name not in same], same


def flag_columns(board: pd.DataFrame) -> list[str]:
    """The columns of flags."""
    return [name for name in board.columns if name.startswith("flag_")]


def labels(column: "pd.Series[Any]") -> list[str]:
    """A flag's values as text, different where the values are.

    Texts stand as they are, but in quotes where they could be taken for another of the column's values;
    numbers have all their digits; control characters are escaped. A run without a value has `NOT_SET`.
    """
    values = column.tolist()
    quoted = column.dtype == object or NOT_SET in column.dropna().tolist()
    return [
        NOT_SET if value is pd.NA else repr(value) if quoted else printable(str(value)) for value in values
    ]


def missing(column: "pd.Series[Any]") -> list[bool]:
    """Where a flag has no value; None is one."""
    return [value is pd.NA for value in column.tolist()]


def gaps(board: pd.DataFrame, flags: Iterable[str]) -> str:
    """What to say of the runs without a value of some flag; nothing where all have one.

    Args:
        board: A table of runs.
        flags: Names, without "flag_"; those that aren't columns don't count.
    """
    some = [flag for flag in flags if (name := f"flag_{flag}") in board and any(missing(board[name]))]
    if not some:
        return ""
    named = ", ".join(map(printable, some))
    return f" {NOT_SET} stands for runs that a flag doesn't apply to, or that don't have it: {named}."


def printable(text: str) -> str:
    """`text` with its control characters and lone surrogates as Python writes them (newlines too)."""
    return _UNPRINTABLE.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def markup(text: str) -> str:
    """`text` as plotly shows it to the letter; it decodes &amp;, &lt; and &gt; but not &quot;."""
    return html.escape(printable(text), quote=False)
