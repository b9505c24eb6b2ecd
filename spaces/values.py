"""What a flag can hold, and when two of them are the same.

Values are typed: 1, 1.0 and True are three values, although Python calls them equal.
Floats are finite. A NumPy scalar stands for the builtin that it equals exactly.
"""

import math
import sys
from typing import TypeAlias, TypeGuard

Value: TypeAlias = bool | int | float | str | None
Token: TypeAlias = tuple[type, Value]

LAW = "a bool, an int, a finite float, a str or None"

_SHOWN_LENGTH = 120


def plain(value: object) -> object:
    """The builtin that a NumPy scalar equals; anything else as it is.

    Times, long doubles and arrays stay what they are: no builtin equals them.
    """
    numpy = sys.modules.get("numpy")
    if numpy is None or not isinstance(value, numpy.generic) or isinstance(value, numpy.timedelta64):
        return value
    if isinstance(value, numpy.bool_ | numpy.integer | numpy.floating | numpy.str_):
        return value.item()
    return value


def is_value(value: object) -> TypeGuard[Value]:
    """Whether a flag could hold `value`: a builtin scalar (no subclass of one), finite if a float."""
    if isinstance(value, float):
        return type(value) is float and math.isfinite(value)
    return value is None or type(value) in (bool, int, str)


def token(value: Value) -> Token:
    """What is equal, and hashes equal, exactly where type and value are equal."""
    return type(value), value


def shown(value: object) -> str:
    """`value` as one line of an error says it."""
    text = " ".join(repr(value).splitlines())
    return text if len(text) <= _SHOWN_LENGTH else f"{text[:_SHOWN_LENGTH]}..."
