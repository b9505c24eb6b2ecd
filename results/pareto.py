"""The Pareto front: of several metrics, the runs that no other run beats in all."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def on_front(values: NDArray[np.float64], goals: Sequence[str]) -> NDArray[np.bool_]:
    """Which rows no other row dominates: none is at least as good in every metric and better in one.

    Equal rows are on the front together.

    Args:
        values: Shape (runs, metrics), finite.
        goals: "min" or "max" for each metric.

    Returns:
        Shape (runs,).
    """
    signs = np.array([1.0 if goal == "min" else -1.0 for goal in goals])
    signed = values * signs
    found = np.zeros(len(values), dtype=bool)
    # In lexical order whatever dominates a row comes before it, and so does a row of the front that does.
    front = np.empty((0, len(goals)))
    for place in np.lexsort(signed.T[::-1]):
        row = signed[place]
        beaten = (front <= row).all(axis=1) & (front < row).any(axis=1)
        if not beaten.any():
            found[place] = True
            front = np.vstack([front, row])
    return found
