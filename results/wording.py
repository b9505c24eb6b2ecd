"""How a report words what it shows: which columns to show, and values as text on a page and in plotly."""

import html
import re
from collections.abc import Iterable
from typing import Any

import pandas as pd

NOT_SET = "(not set)"  # a flag that a run doesn't have

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

    Texts stand as they are, but in quotes where other things are in the column too; numbers have all their
    digits; control characters are escaped. A run without the flag has `NOT_SET`.
    """
    quoted = column.dtype == object or bool(column.isna().any())
    return [
        NOT_SET if value is pd.NA else repr(value) if quoted else printable(str(value))
        for value in column.tolist()
    ]


def printable(text: str) -> str:
    """`text` with its control characters and lone surrogates as Python writes them (newlines too)."""
    return _UNPRINTABLE.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def markup(text: str) -> str:
    """`text` as plotly shows it to the letter; it decodes &amp;, &lt; and &gt; but not &quot;."""
    return html.escape(printable(text), quote=False)
