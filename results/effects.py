"""What each value of a flag does to the metric, set apart from what the other flags happened to be.

A random sample isn't balanced: the runs with one value of a flag may have had the better values of another.
The plain means mix the two up. The additive model

    metric = constant + effect of the value of flag 1 + effect of the value of flag 2 + ... + error

is fitted to all runs at once by ordinary least squares, with effects that sum to zero over a flag's values
(sum, or deviation, coding: J. Fox, Applied Regression Analysis and Generalized Linear Models, 3rd ed. 2016,
section 8.3). An effect is then the distance from the average over the flag's values, the other flags
being equal; in a balanced design it is the value's mean less the mean of all. An interval holds an effect
in 95 of 100 samples if errors are independent, normal and of one size: the estimate plus and minus the
quantile of Student's t times its standard error. Where runs can't tell two flags apart (two values that
always came together) the effect isn't estimable (S. R. Searle, Linear Models, 1971, section 5.4), and is
missing rather than guessed. The model knows no interactions: see the heat maps of pairs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from results.levels import Levels, comparable
from results.ranking import Objective
from results.wording import flag_columns, varying

CONFIDENCE = 0.95

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Effects:
    """The effects of one flag's values.

    Attributes:
        estimate: Shape (values,), in units of the metric; NaN where not estimable.
        half: Shape (values,), half of the interval's length; NaN where not estimable, and where no run is
            left to tell the size of the errors.
    """

    estimate: Floats
    half: Floats


def effects(board: pd.DataFrame, objective: Objective) -> pd.DataFrame:
    """The metric by each value of each flag, as it was found and adjusted for the other flags.

    Args:
        board: A leaderboard by `objective`.
        objective: The metric and its goal.

    Returns:
        A row for each flag that varies between ranked runs and each of its values (`results.levels`): flag,
        value (as text), runs, mean, minimum, lower_quartile, median, upper_quartile, maximum (of the metric
        at the best epoch), effect, effect_low, effect_high (Float64; see the module for the model). Flags
        with too many values to compare are left out, and out of the model: see `results.levels.comparable`.
    """
    found, values = compared(board, objective)
    fitted = fit(values, found)
    rows = [
        (item.flag, name, *_spread(values[item.codes == code]), estimate, estimate - half, estimate + half)
        for item, of_flag in zip(found, fitted, strict=True)
        for code, (name, estimate, half) in enumerate(
            zip(item.names, of_flag.estimate.tolist(), of_flag.half.tolist(), strict=True)
        )
    ]
    return pd.DataFrame(rows, columns=list(_KINDS)).astype(_KINDS)


_KINDS: dict[str, Any] = {"flag": "string", "value": "string", "runs": "Int64"} | dict.fromkeys(
    ("mean", "minimum", "lower_quartile", "median", "upper_quartile", "maximum",
     "effect", "effect_low", "effect_high"), "Float64",
)  # fmt: skip


def compared(board: pd.DataFrame, objective: Objective) -> tuple[list[Levels], Floats]:
    """The flags that vary between ranked runs, as categories, and the metric of these runs."""
    ranked = board[board["rank"].notna()]
    flags, _ = varying(ranked, flag_columns(ranked))
    if len(ranked) < 2:
        return [], np.empty(0)
    found, _ = comparable(ranked, flags)
    return found, ranked[f"best_{objective.metric}"].to_numpy(dtype=np.float64)


def fit(values: Floats, flags: Sequence[Levels]) -> list[Effects]:
    """The additive model by ordinary least squares.

    Args:
        values: Shape (runs,), finite.
        flags: For each flag the category of each run; each category has a run.

    Returns:
        The effects of each flag.
    """
    from scipy.special import stdtrit

    if not flags:
        return []
    scale = float(np.abs(values).max()) or 1.0
    scaled = values / scale
    design = np.hstack([np.ones((len(values), 1)), *(np.eye(len(item.names))[item.codes] for item in flags)])
    # A column for every value: the design has less than full rank, and X b = y leaves some of b open.
    left, sizes, right = np.linalg.svd(design, full_matrices=False)
    rank = int((sizes > sizes[0] * max(design.shape) * np.finfo(np.float64).eps).sum())
    left, sizes, rows = left[:, :rank], sizes[:rank], right[:rank]
    coordinates = left.T @ scaled
    free = len(values) - rank
    error = np.sqrt(((scaled - left @ coordinates) ** 2).sum() / free) if free else np.nan
    quantile = stdtrit(free, (1 + CONFIDENCE) / 2) if free else np.nan
    found, start = [], 1
    for item in flags:
        size = len(item.names)
        contrast = np.zeros((size, design.shape[1]))
        contrast[:, start : start + size] = np.eye(size) - 1 / size
        start += size
        inside = contrast @ rows.T
        # Estimable is what lies in the row space of the design.
        lost = np.linalg.norm(contrast - inside @ rows, axis=1) > 1e-8
        estimate = inside / sizes @ coordinates * scale
        half = quantile * error * np.linalg.norm(inside / sizes, axis=1) * scale
        found.append(Effects(np.where(lost, np.nan, estimate), np.where(lost, np.nan, half)))
    return found


def _spread(values: Floats) -> tuple[float, ...]:
    quartiles = np.quantile(values, [0, 0.25, 0.5, 0.75, 1]).tolist()
    return len(values), float(values.mean()), *quartiles
