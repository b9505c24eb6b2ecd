"""The written form of a domain, the same in Python and in YAML.

- `flag: [values]` is a choice;
- `flag: value` is fixed, a choice of one;
- `flag: {low: ..., high: ..., step: ..., log: ...}` is a range;
- `flag: {values: ..., only: "layers >= 3"}`, or a range with `only`, applies where that is true.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from gridruns import unknown

from .domains import Choice, Domain, Float, Int
from .errors import SpaceError
from .values import is_value, plain, shown

_RANGE_KEYS = ("low", "high", "step", "log")


def read_entry(entry: object) -> tuple[Domain, str | None]:
    """The domain that `entry` writes, and the text of its condition; None where it always applies.

    Raises:
        SpaceError: `entry` writes no domain.
    """
    if not isinstance(entry, Mapping):
        return domain_of(entry), None
    rest = {key: part for key, part in entry.items() if key != "only"}
    if "only" in entry and not isinstance(entry["only"], str):
        raise SpaceError(f"only must be a text such as 'layers >= 3', but got {shown(entry['only'])}")
    if "values" not in rest:
        return _range_of(rest), entry.get("only")
    others = [str(key) for key in rest if key != "values"]
    if others:
        raise SpaceError(
            f"beside 'values' there may be the condition 'only', but got {', '.join(map(repr, others))}"
        )
    return domain_of(rest["values"]), entry.get("only")


def domain_of(entry: object) -> Domain:
    """The domain that `entry` writes; a domain is itself.

    Raises:
        SpaceError: `entry` writes no domain.
    """
    entry = plain(entry)
    if isinstance(entry, Choice | Int | Float):
        return entry
    if isinstance(entry, Mapping):
        return _range_of(entry)
    if is_value(entry):
        return Choice((entry,))
    if isinstance(entry, float):
        raise SpaceError(f"a number must be finite, but got {shown(entry)}")
    if isinstance(entry, Sequence) or hasattr(entry, "tolist"):
        return Choice(entry)  # type: ignore[arg-type]  # Choice refuses what is no list of values
    raise SpaceError(f"a domain must be a value, a list of values or a range, but got {shown(entry)}")


def number_range(low: Any, high: Any, step: Any = None, log: Any = False, *, like: Any = None) -> Int | Float:
    """The range of these ends: of integers if every number given, `like` too, is one, else of floats.

    Args:
        low: the least value.
        high: the greatest value.
        step: the distance of two values; None for the finest.
        log: whether a sampler draws on a logarithmic scale.
        like: another value that the range should hold, such as a default; None for no other.

    Raises:
        SpaceError: an end is missing, or the numbers make no range.
    """
    if low is None or high is None:
        raise SpaceError(f"a range must have both low and high, but got low {low!r}, high {high!r}")
    numbers = [plain(number) for number in (low, high, step, like) if number is not None]
    if all(type(number) is int for number in numbers):
        return Int(low, high, 1 if step is None else step, log)
    return Float(low, high, step, log)


def _range_of(entry: Mapping[object, object]) -> Int | Float:
    for key in entry:
        if key not in _RANGE_KEYS:
            raise SpaceError(unknown("part of a range", str(key), (*_RANGE_KEYS, "values", "only")))
    return number_range(entry.get("low"), entry.get("high"), entry.get("step"), entry.get("log", False))
