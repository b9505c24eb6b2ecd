"""How long the rest of a search takes: an estimate from the trials that have ended, with an interval.

Trials are taken as draws from one distribution: sums of many are roughly normal, and of few the mean itself
is uncertain. No pandas and no SciPy: it is asked about once a second.
"""

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

# Two-sided 80% quantiles of Student's t by degrees of freedom; beyond the last the normal one's (any table).
_T90 = (3.078, 1.886, 1.638, 1.533, 1.476, 1.440, 1.415, 1.397, 1.383, 1.372)
_Z90 = 1.282


@dataclass(frozen=True)
class TimeLeft:
    """Seconds that the rest of a search takes.

    Attributes:
        expected: The estimate.
        low: 10% of searches like this one take less.
        high: 10% take more; infinite with a single trial to go by.
    """

    expected: float
    low: float
    high: float


class Pace:
    """The durations of the trials that have ended, summed up: a search may have run a hundred thousand."""

    def __init__(self, seconds: Iterable[float] = ()) -> None:
        """Begin with trials that took so long."""
        self._count = 0
        self._mean = 0.0
        self._squares = 0.0  # of the deviations from the mean
        for each in seconds:
            self.ended(each)

    def ended(self, seconds: float) -> None:
        """A trial has taken so long (Welford's update of mean and variance)."""
        self._count += 1
        deviation = seconds - self._mean
        self._mean += deviation / self._count
        self._squares += deviation * (seconds - self._mean)

    def left(self, to_start: int, running: Collection[float], slots: int) -> TimeLeft | None:
        """The time until all trials have ended, or None before the first one has.

        Args:
            to_start: Trials that haven't begun.
            running: For how many seconds each that runs has run.
            slots: Trials that run at once.
        """
        if not self._count:
            return None
        mean = self._mean
        begun = sum(max(0.0, mean - since) for since in running)
        count = to_start + len(running)
        expected = (to_start * mean + begun) / max(1, min(slots, count))
        spread = self._spread(count) / max(1, min(slots, count))
        return TimeLeft(expected, max(0.0, expected - spread), expected + spread)

    def fits(self, seconds: float) -> bool:
        """Whether one more trial most likely ends within so many seconds; before the first one ends, yes."""
        if not self._count:
            return seconds > 0
        return self._mean + (self._spread(1) if self._count > 1 else 0.0) <= seconds

    def _spread(self, count: int) -> float:
        """Half the 80% interval of the summed durations of `count` more trials.

        s * sqrt(count + count^2 / n): the trials' own spread, and that of the mean they are predicted by (the
        prediction interval of a sum; any textbook on regression).
        """
        n = self._count
        if n < 2:
            return math.inf
        deviation = math.sqrt(self._squares / (n - 1))
        return _quantile(n - 1) * deviation * math.sqrt(count + count**2 / n)


def _quantile(degrees: int, table: Sequence[float] = _T90) -> float:
    return table[degrees - 1] if degrees <= len(table) else _Z90
