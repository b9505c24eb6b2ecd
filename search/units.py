"""Durations and amounts of memory as a user writes them."""

import math
import re

from gridruns import GridrunsError

SECONDS = {"": 1, "s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}
BYTES = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


def seconds(name: str, value: float | str | None) -> float | None:
    """A duration in seconds from a number of them or a text such as "90", "30m", "1.5h", "2d".

    Raises:
        GridrunsError: It is neither, or not more than 0; the message begins with `name`.
    """
    return _amount(name, value, SECONDS, "a number of seconds or a text such as '30m' or '1.5h'")


def count_bytes(name: str, value: float | str | None) -> int | None:
    """An amount of memory in bytes from a number of them or a text such as "512M" or "2G" (powers of 1024).

    Raises:
        GridrunsError: It is neither, or not more than 0; the message begins with `name`.
    """
    amount = _amount(name, value, BYTES, "a number of bytes or a text such as '512M' or '2G'")
    return None if amount is None else math.ceil(amount)


def _amount(name: str, value: float | str | None, units: dict[str, int], law: str) -> float | None:
    if value is None:
        return None
    found = None
    if isinstance(value, str):
        match = re.fullmatch(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)\s*([a-z]*)", value.strip().lower())
        unit = match[2].removesuffix("ib") if match else ""
        if match and (unit in units or unit.removesuffix("b") in units):
            factor = units.get(unit) or units[unit.removesuffix("b")]
            found = float(match[1]) * factor
    elif not isinstance(value, bool) and isinstance(value, (int, float)) and math.isfinite(value):
        found = value
    if found is None:
        raise GridrunsError(f"{name} must be {law}, but got {value!r}")
    if found <= 0:
        raise GridrunsError(f"{name} must be more than 0, but got {value!r}")
    return found
