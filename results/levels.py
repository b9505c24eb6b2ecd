"""Flags as categories: which few values, or ranges of values, stand for a flag in a comparison."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from results.errors import ResultsError
from results.wording import NOT_SET, labels, missing, printable

MOST = 12  # a flag with at most so many different values is compared value by value
PARTS = 5  # a number with more is cut into so many ranges


@dataclass(frozen=True)
class Levels:
    """A flag's values as categories.

    Attributes:
        flag: Its name.
        names: The categories: numbers in their order, then texts, what isn't set last.
        codes: For each row of the table its category, in [0, len(names)).
        gap: Whether the last category is of the rows without a value.
    """

    flag: str
    names: tuple[str, ...]
    codes: npt.NDArray[np.intp]
    gap: bool = False


def levels(board: pd.DataFrame, column: str) -> Levels:
    """A flag's values as categories.

    At most `MOST` different values are a category each. More different numbers are cut into at most
    `PARTS` ranges that hold as nearly equally many runs as equal values allow; a range is named by the
    smallest and the largest value in it, where that tells the ranges apart with four digits.

    Args:
        board: A table of runs, at least one.
        column: A column `flag_*`.

    Raises:
        ResultsError: The flag has more than `MOST` different values that aren't all finite numbers.
    """
    flag = column.removeprefix("flag_")
    texts = labels(board[column])
    known = dict(sorted(zip(texts, board[column].tolist(), strict=True), key=_order))
    if len(known) > MOST:
        finite = [value for value in known.values() if value is not pd.NA]
        if not all(map(_is_number, finite)):
            raise ResultsError(
                f"flag {printable(flag)!r} has {len(known)} different values that aren't all finite numbers;"
                f" at most {MOST} can be compared"
            )
        texts = _ranges(board[column].tolist())
        ordered = sorted(zip(board[column].tolist(), texts, strict=True), key=lambda pair: _key(pair[0]))
        known = dict.fromkeys(text for _, text in ordered)
    place = {text: code for code, text in enumerate(known)}
    codes = np.array([place[text] for text in texts], dtype=np.intp)
    return Levels(flag, tuple(place), codes, gap=any(missing(board[column])))


def comparable(board: pd.DataFrame, columns: Iterable[str]) -> tuple[list[Levels], list[str]]:
    """The flags that can be compared by category, and for each other one a line that says why not."""
    found, reasons = [], []
    for column in columns:
        try:
            found.append(levels(board, column))
        except ResultsError as error:
            reasons.append(str(error))
    return found, reasons


def _ranges(values: list[Any]) -> list[str]:
    known = sorted({value for value in values if value is not pd.NA})
    counts = {value: 0 for value in known}
    for value in values:
        if value is not pd.NA:
            counts[value] += 1
    total, below = sum(counts.values()), 0
    parts: dict[int, list[Any]] = {}
    for value, count in counts.items():
        parts.setdefault(int(PARTS * (below + count / 2) / total), []).append(value)
        below += count
    named = dict(_named(list(parts.values())))
    return [NOT_SET if value is pd.NA else named[value] for value in values]


def _named(parts: list[list[Any]]) -> Iterator[tuple[Any, str]]:
    for digits in (_four_digits, repr):
        texts = [" to ".join(dict.fromkeys(map(digits, (part[0], part[-1])))) for part in parts]
        if len(set(texts)) == len(texts):
            break
    for part, text in zip(parts, texts, strict=True):
        yield from ((value, text) for value in part)


def _four_digits(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _order(pair: tuple[str, Any]) -> tuple[int, float, str]:
    return (*_key(pair[1]), pair[0])


def _key(value: Any) -> tuple[int, float]:
    if value is pd.NA:
        return 2, 0.0
    return (0, float(value)) if _is_number(value) else (1, 0.0)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
