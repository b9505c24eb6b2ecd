"""Decimal steps between two floats, in exact arithmetic.

A float stands for the shortest decimal that reads back as it (its repr): 0.1 is a tenth.
Fractions of such decimals are exact, and each step is the float nearest to its decimal.
"""

import math
from dataclasses import dataclass
from fractions import Fraction

from .errors import SpaceError


@dataclass(frozen=True)
class Steps:
    """The decimals low, low + step, ..., of which there are `size`."""

    low: Fraction
    step: Fraction
    size: int

    @classmethod
    def between(cls, low: float, high: float, step: float) -> "Steps":
        """The steps from low to high, both included.

        Raises:
            SpaceError: step isn't above 0, doesn't divide high - low, or is too small for
                floats of this magnitude to tell its multiples apart.
        """
        if step <= 0:
            raise SpaceError(f"step must be above 0, but got {step}")
        count = (decimal(high) - decimal(low)) / decimal(step)
        if count.denominator != 1:
            raise SpaceError(f"step must divide high - low, but got low {low}, high {high}, step {step}")
        finest = 2 * math.ulp(max(abs(low), abs(high)))
        if step < finest:
            raise SpaceError(f"step must be at least {finest} for floats up to {high}, but got {step}")
        return cls(decimal(low), decimal(step), count.numerator + 1)

    def value(self, i: int) -> float:
        """The float nearest to low + i * step."""
        return float(self.low + i * self.step)

    def holds(self, value: float) -> bool:
        """Whether `value`, between the ends, is one of the steps."""
        return self.value(round((decimal(value) - self.low) / self.step)) == value


def decimal(value: float) -> Fraction:
    """The shortest decimal that reads back as `value`, exactly."""
    return Fraction(repr(value))
