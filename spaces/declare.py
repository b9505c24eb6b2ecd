"""How a script declares its flags: the four kinds, in tfruns' words."""

from collections.abc import Sequence
from typing import Any

from .domains import Choice, Domain, Int
from .errors import FlagError, SpaceError
from .flag import Flag
from .grammar import number_range
from .kinds import FlagKind
from .values import Value


def flag_numeric(
    name: str,
    default: float | None,
    description: str = "",
    *,
    choices: Sequence[float | None] | None = None,
    low: float | None = None,
    high: float | None = None,
    step: float | None = None,
    log: bool = False,
) -> Flag:
    """A flag that holds an int or a float, and keeps which of the two it is given.

    Args:
        name: how the script reads it and the command line gives it.
        default: the value where nobody gives another.
        description: what `--help` says of it.
        choices: every value it may take; excludes a range.
        low: the least value of a range, with `high`. The range is of integers if the default,
            low, high and step are, else of floats.
        high: the greatest value of the range.
        step: the distance of two values; it divides high - low.
        log: whether samplers draw on a logarithmic scale; then low > 0 and there is no step.

    Raises:
        FlagError: the arguments make no flag, or the default isn't among the values.
    """
    return _declare(name, FlagKind.NUMERIC, default, description, choices, (low, high, step, log))


def flag_integer(
    name: str,
    default: int | None,
    description: str = "",
    *,
    choices: Sequence[int | None] | None = None,
    low: int | None = None,
    high: int | None = None,
    step: int | None = None,
    log: bool = False,
) -> Flag:
    """A flag that holds an int; 64.0, "64" and True are errors. The arguments are `flag_numeric`'s.

    Raises:
        FlagError: the arguments make no flag, or the default isn't among the values.
    """
    return _declare(name, FlagKind.INTEGER, default, description, choices, (low, high, step, log))


def flag_boolean(
    name: str, default: bool | None, description: str = "", *, choices: Sequence[bool | None] | None = None
) -> Flag:
    """A flag that holds True or False, on the command line `true` or `false`.

    Raises:
        FlagError: the arguments make no flag, or the default isn't among the choices.
    """
    return _declare(name, FlagKind.BOOLEAN, default, description, choices)


def flag_string(
    name: str, default: str | None, description: str = "", *, choices: Sequence[str | None] | None = None
) -> Flag:
    """A flag that holds a str, kept as it is written: "007" and "no" stay.

    Raises:
        FlagError: the arguments make no flag, or the default isn't among the choices.
    """
    return _declare(name, FlagKind.STRING, default, description, choices)


def _declare(
    name: str,
    kind: FlagKind,
    default: Value,
    description: str,
    choices: Sequence[Any] | None,
    ends: tuple[Any, Any, Any, Any] = (None, None, None, False),
) -> Flag:
    try:
        domain = _domain(kind, default, choices, *ends)
    except SpaceError as error:
        raise FlagError(f"flag {name}: {error}") from None
    return Flag(name, kind, default, domain, description)


def _domain(
    kind: FlagKind, default: Value, choices: Sequence[Any] | None, low: Any, high: Any, step: Any, log: Any
) -> Domain | None:
    ranged = any(part is not None for part in (low, high, step)) or log is not False
    if choices is not None:
        if ranged:
            raise SpaceError("choices exclude low, high, step and log")
        return Choice(choices)
    if not ranged:
        return None
    if kind is FlagKind.INTEGER and low is not None and high is not None:
        return Int(low, high, 1 if step is None else step, log)
    return number_range(low, high, step, log, like=default)
