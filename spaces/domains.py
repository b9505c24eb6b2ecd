"""What values a flag may take: a choice, a range of integers, a range of floats.

A domain is frozen, knows how many values it holds and gives its i-th without a list of them.
Values are typed (`spaces.values`): a range of floats doesn't hold the integer 1.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from .errors import SpaceError
from .values import LAW, Token, Value, is_value, plain, shown, token

if TYPE_CHECKING:
    from .steps import Steps

_EXACT = 2**53  # every integer up to here is a float


@dataclass(frozen=True, init=False, eq=False)
class Choice:
    """Values of any type, in the order given, each different from the others.

    Equal choices read alike: one of 0.0 and one of -0.0, the same value, are two choices.

    Args:
        values: at least one; 1, 1.0 and True are different values.

    Raises:
        SpaceError: it is empty, no sequence, holds a value twice or what no flag can hold.
    """

    values: tuple[Value, ...]
    _known: dict[Token, Value] = field(repr=False)
    _hash: int = field(repr=False)  # kept: there may be thousands of values

    def __init__(self, values: Sequence[Value]) -> None:
        object.__setattr__(self, "values", _distinct(values))
        object.__setattr__(self, "_known", {token(value): value for value in self.values})
        object.__setattr__(self, "_hash", hash(tuple(self._known)))

    @property
    def size(self) -> int:
        """How many values there are."""
        return len(self.values)

    def value(self, i: int) -> Value:
        """The i-th value, 0 <= i < size, else IndexError."""
        return self.values[in_range(i, self.size)]

    def contains(self, value: object) -> bool:
        """Whether `value` is one of the values, type and all."""
        value = plain(value)
        return is_value(value) and token(value) in self._known

    def listed(self, value: Value) -> Value:
        """`value`, which the choice contains, as it was given: 0.0 for -0.0, a builtin for a NumPy scalar."""
        return self._known[token(plain(value))]  # type: ignore[arg-type]  # a value it contains is plain

    def describe(self) -> str:
        """What is allowed, for a message: "one of 64, 128, 256"."""
        return "one of " + ", ".join(map(repr, self.values))

    def to_json(self) -> dict[str, Any]:
        """Plain JSON that `domain_from_json` reads back."""
        return {"type": "choice", "values": list(self.values)}

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Choice):
            return NotImplemented
        return repr(self.values) == repr(other.values)

    def __hash__(self) -> int:
        return self._hash

    def __reduce__(self) -> tuple[type["Choice"], tuple[tuple[Value, ...]]]:
        return Choice, (self.values,)  # made anew: each process has its own hashes of text


@dataclass(frozen=True)
class Int:
    """The integers low, low + step, ..., high.

    Args:
        low: the first, included.
        high: the last, included; low <= high.
        step: at least 1; it divides high - low.
        log: a sampler draws on a logarithmic scale; then low >= 1 and step is 1.

    Raises:
        SpaceError: one of these doesn't hold.
    """

    low: int
    high: int
    step: int = 1
    log: bool = False

    def __post_init__(self) -> None:
        for name in ("low", "high", "step"):
            given = plain(getattr(self, name))
            if type(given) is not int:
                raise SpaceError(f"{name} of an integer range must be an integer, but got {shown(given)}")
            object.__setattr__(self, name, given)
        _check_range(self.low, self.high, self.log)
        if self.step < 1:
            raise SpaceError(f"step of an integer range must be at least 1, but got {self.step}")
        if self.log and self.step != 1:
            raise SpaceError(f"a logarithmic range takes no step, but got step {self.step}")
        if (self.high - self.low) % self.step:
            raise SpaceError(
                f"step must divide high - low, but got low {self.low}, high {self.high}, step {self.step}"
            )

    @property
    def size(self) -> int:
        """How many integers there are."""
        return (self.high - self.low) // self.step + 1

    def value(self, i: int) -> int:
        """The i-th integer, 0 <= i < size, else IndexError."""
        return self.low + in_range(i, self.size) * self.step

    def contains(self, value: object) -> bool:
        """Whether `value` is one of these integers; a float or a bool isn't."""
        value = plain(value)
        if not isinstance(value, int) or type(value) is not int:
            return False
        return self.low <= value <= self.high and (value - self.low) % self.step == 0

    def describe(self) -> str:
        """What is allowed, for a message: "an integer from 0 to 10 in steps of 2"."""
        steps = f" in steps of {self.step}" if self.step != 1 else ""
        return f"an integer from {self.low} to {self.high}{steps}{' (log)' if self.log else ''}"

    def to_json(self) -> dict[str, Any]:
        """Plain JSON that `domain_from_json` reads back."""
        return {"type": "int", "low": self.low, "high": self.high, "step": self.step, "log": self.log}


@dataclass(frozen=True)
class Float:
    """The floats from low to high, or with a step the decimals low, low + step, ..., high.

    Steps are exact in decimals: Float(0.1, 0.5, 0.1) holds 0.3, not 0.30000000000000004.

    Args:
        low: the least, included; an int that a float equals will do.
        high: the greatest, included; low <= high.
        step: None for every float between; else above 0, dividing high - low, and
            large enough that floats tell the steps apart.
        log: a sampler draws on a logarithmic scale; then low > 0 and there is no step.

    Raises:
        SpaceError: one of these doesn't hold.
    """

    low: float
    high: float
    step: float | None = None
    log: bool = False

    _steps: "Steps | None" = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for name in ("low", "high", "step"):
            given = getattr(self, name)
            if given is not None or name != "step":
                object.__setattr__(self, name, _float(name, given))
        _check_range(self.low, self.high, self.log)
        if self.log and self.step is not None:
            raise SpaceError(f"a logarithmic range takes no step, but got step {self.step}")
        if self.step is not None:
            from .steps import Steps  # fractions: milliseconds that most scripts needn't pay

            object.__setattr__(self, "_steps", Steps.between(self.low, self.high, self.step))

    @property
    def size(self) -> int | None:
        """How many floats there are; None where there is no step, unless low equals high."""
        if self._steps is not None:
            return self._steps.size
        return 1 if self.low == self.high else None

    def value(self, i: int) -> float:
        """The i-th float, 0 <= i < size, else IndexError.

        Raises:
            SpaceError: there is no step, so no i-th value.
        """
        size = self.size
        if size is None:
            raise SpaceError(f"{self.describe()} has no {i}-th value: it has no step")
        in_range(i, size)
        return self.low if self._steps is None else self._steps.value(i)

    def contains(self, value: object) -> bool:
        """Whether `value` is one of these floats; an int isn't."""
        value = plain(value)
        if not isinstance(value, float) or type(value) is not float or not self.low <= value <= self.high:
            return False
        return self._steps is None or self._steps.holds(value)

    def describe(self) -> str:
        """What is allowed, for a message: "a float from 1e-05 to 0.1 (log)"."""
        steps = f" in steps of {self.step}" if self.step is not None else ""
        return f"a float from {self.low} to {self.high}{steps}{' (log)' if self.log else ''}"

    def to_json(self) -> dict[str, Any]:
        """Plain JSON that `domain_from_json` reads back."""
        return {"type": "float", "low": self.low, "high": self.high, "step": self.step, "log": self.log}


Domain: TypeAlias = Choice | Int | Float


def domain_from_json(data: object) -> Domain:
    """The domain that `to_json` wrote.

    Raises:
        SpaceError: `data` is no domain.
    """
    match data:
        case {"type": "choice", "values": list(values), **rest} if not rest:
            return Choice(values)
        case {"type": "int", "low": low, "high": high, "step": step, "log": log, **rest} if not rest:
            return Int(low, high, step, log)
        case {"type": "float", "low": low, "high": high, "step": step, "log": log, **rest} if not rest:
            return Float(low, high, step, log)
        case _:
            raise SpaceError(f"no domain of a flag: {shown(data)}")


def in_range(i: int, size: int) -> int:
    """`i` if 0 <= i < size, else IndexError: a domain has no last value at -1."""
    if not 0 <= i < size:
        raise IndexError(f"index must be in 0..{size - 1}, but got {i}")
    return i


def _distinct(values: object) -> tuple[Value, ...]:
    if hasattr(values, "tolist") and getattr(values, "ndim", None) == 1:
        values = values.tolist()
    if not isinstance(values, Sequence) or isinstance(values, str | bytes):
        raise SpaceError(f"choices must be a list, but got {shown(values)}")
    if not values:
        raise SpaceError("choices must hold at least one value, but got an empty list")
    found: dict[object, Value] = {}
    for value in map(plain, values):
        if not is_value(value):
            raise SpaceError(f"a choice must be {LAW}, but got {shown(value)}")
        if token(value) in found:
            raise SpaceError(f"choices must differ, but {shown(value)} is given twice")
        found[token(value)] = value
    return tuple(found.values())


def _float(name: str, given: object) -> float:
    given = plain(given)
    if isinstance(given, float) and math.isfinite(given):
        return given
    if isinstance(given, int) and type(given) is int and abs(given) <= _EXACT:
        return float(given)
    raise SpaceError(f"{name} of a float range must be a finite float, but got {shown(given)}")


def _check_range(low: float, high: float, log: object) -> None:
    if type(log) is not bool:
        raise SpaceError(f"log must be true or false, but got {shown(log)}")
    if low > high:
        raise SpaceError(f"low must be at most high, but got low {low}, high {high}")
    if log and low <= 0:
        raise SpaceError(f"a logarithmic range must begin above 0, but got low {low}")
