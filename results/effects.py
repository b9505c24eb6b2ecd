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

A flag need not apply to every run. Its effects sum to zero over its values, so they compare the runs that
have one; the runs without one are compared with the average of those, where other flags don't tell the
same runs apart. Where they do ("nodes3 only where layers >= 3") the difference is the other flag's effect.
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
    design, contrasts = _design(flags, len(values))
    left, sizes, right = np.linalg.svd(design, full_matrices=False)
    rank = int((sizes > sizes[0] * max(design.shape) * np.finfo(np.float64).eps).sum())
    left, sizes, rows = left[:, :rank], sizes[:rank], right[:rank]
    coordinates = left.T @ scaled
    free = len(values) - rank
    error = np.sqrt(((scaled - left @ coordinates) ** 2).sum() / free) if free else np.nan
    quantile = stdtrit(free, (1 + CONFIDENCE) / 2) if free else np.nan
    found = []
    for contrast in contrasts:
        inside = contrast @ rows.T
        # Estimable is what lies in the row space of the design.
        lost = np.isnan(contrast).any(axis=1) | (np.linalg.norm(contrast - inside @ rows, axis=1) > 1e-8)
        estimate = inside / sizes @ coordinates * scale
        half = quantile * error * np.linalg.norm(inside / sizes, axis=1) * scale
        found.append(Effects(np.where(lost, np.nan, estimate), np.where(lost, np.nan, half)))
    return found


def _design(flags: Sequence[Levels], runs: int) -> tuple[Floats, list[Floats]]:
    """The columns of the model, and for each flag what makes its effects of their coefficients.

    Returns:
        The design, shape (runs, columns): a constant, for each flag its values in sum coding, and for each
        flag with gaps who has none, unless the columns before it say so already. Then for each flag a
        matrix of shape (categories, columns), with a row of NaN for what can't be told.
    """
    codings = [_coding(item) for item in flags]
    coded = [coding[item.codes] for item, coding in zip(flags, codings, strict=True)]
    starts = np.cumsum([1, *(part.shape[1] for part in coded)])
    design = np.hstack([np.ones((runs, 1)), *coded])
    without: dict[int, int] = {}  # of a flag's place: the column of the runs that have no value of it
    for place, item in enumerate(flags):
        gap = (item.codes == len(item.names) - 1)[:, np.newaxis].astype(np.float64)
        wider = np.hstack([design, gap])
        if item.gap and np.linalg.matrix_rank(wider) > np.linalg.matrix_rank(design):
            without[place], design = design.shape[1], wider
    contrasts = []
    for place, (item, coding) in enumerate(zip(flags, codings, strict=True)):
        contrast = np.zeros((len(item.names), design.shape[1]))
        contrast[:, starts[place] : starts[place + 1]] = coding
        if item.gap:
            contrast[-1, without.get(place, 0)] = 1 if place in without else np.nan
        if not coding.shape[1]:
            contrast[0] = np.nan  # the one value has nothing to differ from
        contrasts.append(contrast)
    return design, contrasts


def _coding(item: Levels) -> Floats:
    """Sum coding of a flag's values, shape (categories, values - 1); zeros for the runs without one."""
    size = len(item.names) - item.gap
    return np.vstack([np.eye(size - 1), -np.ones((1, size - 1)), np.zeros((int(item.gap), size - 1))])


def _spread(values: Floats) -> tuple[float, ...]:
    quartiles = np.quantile(values, [0, 0.25, 0.5, 0.75, 1]).tolist()
    return len(values), float(values.mean()), *quartiles
