"""Statistics of points trained with common seeds: intervals, who is best, who can't be told apart.

Every table here has one row a point and one column a seed; the values of a column were trained with
one seed, so that what a seed gives to all points cancels in their differences (common random numbers).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

DRAWS = 10_000
LEVEL = 0.95

Table = NDArray[np.float64]


def mean_interval(values: Sequence[float], level: float = LEVEL) -> tuple[float, float]:
    """The interval of Student's t for the mean of independent, roughly normal values.

    mean -+ t(1 - (1 - level) / 2, n - 1) * s / sqrt(n), as in any textbook (Student, 1908).

    Args:
        values: n numbers.
        level: The confidence level, in (0, 1).

    Returns:
        Both ends; NaN where n is less than 2.
    """
    from scipy.special import stdtrit

    n = len(values)
    if n < 2:
        return (np.nan, np.nan)
    half = float(stdtrit(n - 1, (1 + level) / 2)) * standard_error(values)
    mean = float(np.mean(values))
    return (mean - half, mean + half)


def standard_error(values: Sequence[float]) -> float:
    """The standard error of the mean of n values, s / sqrt(n) (s with n - 1); NaN where n is less than 2."""
    n = len(values)
    return float(np.std(values, ddof=1) / np.sqrt(n)) if n > 1 else np.nan


def probability_best(table: Table, goal: str, draws: int = DRAWS, seed: int = 0) -> NDArray[np.float64]:
    """For each point the share of bootstrap samples in which its mean is the best.

    The seeds are drawn with replacement, the same ones for all points (a bootstrap over pairs: Efron and
    Tibshirani, An Introduction to the Bootstrap, 1993, ch. 8); of equal means each gets its part. With few
    seeds these shares are too sure of themselves: five seeds know no more than 126 different samples.

    Args:
        table: Values, shape (points, seeds), both at least 1, finite.
        goal: "min" or "max".
        draws: How many samples.
        seed: Of the draws.

    Returns:
        Shape (points,), in [0, 1], summing to 1.
    """
    signed = table if goal == "min" else -table
    seeds = table.shape[1]
    chosen = np.random.default_rng(seed).integers(0, seeds, size=(draws, seeds))
    means = signed[:, chosen].mean(axis=2)
    best = means <= means.min(axis=0)
    return np.asarray((best / best.sum(axis=0)).mean(axis=1), dtype=np.float64)


def against_first(table: Table) -> NDArray[np.float64]:
    """How surely each point differs from the first: p-values of paired t-tests, corrected by Holm.

    Two-sided tests of the differences of the pairs; Holm's step-down correction (Scandinavian Journal of
    Statistics 6, 1979) keeps the chance of one false difference among all at the level that they are held to.

    Args:
        table: Values, shape (points, seeds), finite; the first row is compared with every other.

    Returns:
        Shape (points - 1,), in [0, 1]; 1 where all pairs are equal, NaN with less than two seeds.
    """
    if table.shape[1] < 2:
        return np.full(len(table) - 1, np.nan)
    raw = np.array([_paired_p(row - table[0]) for row in table[1:]])
    order = np.argsort(raw, kind="stable")
    corrected = np.empty_like(raw)
    highest = 0.0
    for place, index in enumerate(order):
        highest = max(highest, min(1.0, (len(raw) - place) * raw[index]))
        corrected[index] = highest
    return corrected


def _paired_p(differences: NDArray[np.float64]) -> float:
    """The two-sided p-value of a t-test that the mean difference is 0."""
    from scipy.special import stdtr

    if np.ptp(differences) == 0:  # no spread to measure the difference against
        return 1.0 if differences[0] == 0 else 0.0
    t = float(np.mean(differences)) / standard_error(list(differences))
    return float(2 * stdtr(len(differences) - 1, -abs(t)))
