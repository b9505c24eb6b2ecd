"""The four kinds of flag: which types they hold and how text writes their values."""

import math
import re
from enum import Enum

from .values import Value

_INTEGER = re.compile(r"[+-]?[0-9]+")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_BOOLEANS = {"true": True, "false": False}


class FlagKind(Enum):
    """What type of value a flag holds."""

    NUMERIC = "numeric"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    STRING = "string"


TYPES: dict[FlagKind, tuple[type, ...]] = {
    FlagKind.NUMERIC: (int, float),
    FlagKind.INTEGER: (int,),
    FlagKind.BOOLEAN: (bool,),
    FlagKind.STRING: (str,),
}
"""The exact types of the values, None apart."""

LAWS = {
    FlagKind.NUMERIC: "a finite number",
    FlagKind.INTEGER: "an integer",
    FlagKind.BOOLEAN: "true or false",
    FlagKind.STRING: "a string",
}
"""What a value must be, for a message."""


def read_text(kind: FlagKind, text: str) -> Value:
    """The value of this kind that `text` writes; None if it writes none.

    Numbers are written in ASCII digits, without spaces or underscores; one with neither point
    nor exponent is an int.
    """
    if kind is FlagKind.STRING:
        return text
    if kind is FlagKind.BOOLEAN:
        return _BOOLEANS.get(text)
    number = _number(text)
    return None if kind is FlagKind.INTEGER and not isinstance(number, int) else number


def _number(text: str) -> int | float | None:
    try:
        if _INTEGER.fullmatch(text):
            return int(text)
    except ValueError:  # thousands of digits: Python's limit for reading integers
        return None
    number = float(text) if _NUMBER.fullmatch(text) else math.inf
    return number if math.isfinite(number) else None
