"""How much of the metric's variation each flag explains, by Optuna's evaluators."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pandas as pd

from gridruns import unknown
from results.errors import ResultsError
from results.figures.plot import BLUE, figure, short
from results.figures.plot import values_of as metric_of
from results.frame import TEXT
from results.levels import MOST, levels
from results.ranking import Objective
from results.wording import flag_columns, labels, markup, missing, varying

METHODS = ("mean-decrease", "fanova")
LEAST = 4  # runs
_LOG_RATIO = (
    1000.0  # from this ratio of the largest to the smallest value on, a number counts by its logarithm
)


def importances(board: pd.DataFrame, objective: Objective, method: str = "mean-decrease") -> pd.DataFrame:
    """How important each flag is for the metric.

    A random forest learns the metric of the ranked runs from their flags, with the seed 0; Optuna reads the
    importances off it. `mean-decrease` adds up how much splits by a flag reduce the variance (L. Breiman,
    Random Forests, 2001); it takes under a second for 1,000 runs. `fanova` splits the forest's variance
    over all of the space into the shares of single flags (F. Hutter, H. Hoos, K. Leyton-Brown, An Efficient
    Approach for Assessing Hyperparameter Importance, 2014); what flags explain only together is no flag's.
    It takes some 15 s for 1,000 runs.

    Args:
        board: A leaderboard by `objective`.
        objective: The metric and its goal.
        method: One of `METHODS`.

    Returns:
        A row a flag that varies between the ranked runs, the most important first: flag, importance (in [0,
        1], together 1).

    Raises:
        ResultsError: The method isn't known, fewer than `LEAST` runs have a rank, the metric is the same in
            all, or no flag varies.
    """
    if method not in METHODS:
        raise ResultsError(unknown("method", method, METHODS))
    ranked = board[board["rank"].notna()]
    values = metric_of(ranked, objective)
    flags, _ = varying(ranked, flag_columns(ranked))
    if len(ranked) < LEAST:
        raise ResultsError(f"importances need at least {LEAST} ranked runs, but there are {len(ranked)}")
    if len(set(values)) == 1:
        raise ResultsError(
            f"importances need a metric that varies, but {objective.metric} is always {values[0]!r}"
        )
    if not flags:
        raise ResultsError("importances need a flag that varies between the ranked runs, but none does")
    found = _evaluate({name.removeprefix("flag_"): ranked[name] for name in flags}, values, method)
    ordered = sorted(found.items(), key=lambda pair: -pair[1])
    return pd.DataFrame(ordered, columns=["flag", "importance"]).astype(
        {"flag": TEXT, "importance": "Float64"}
    )


def importances_figure(data: pd.DataFrame) -> Any:
    """A plotly figure of `importances`: a bar a flag, the most important on top."""
    data = data[::-1]
    places = list(range(len(data)))
    bars = {
        "type": "bar", "orientation": "h", "y": places, "x": data["importance"].tolist(),
        "marker": {"color": BLUE}, "hovertemplate": "%{x:.3f}<extra></extra>",
    }  # fmt: skip
    ticks = [markup(text) for text in short(data["flag"].tolist())]
    axis = {"tickvals": places, "ticktext": ticks, "automargin": True}
    height = 90 + 24 * len(data)
    return figure([bars], xaxis={"title": {"text": "share of the importance"}}, yaxis=axis, height=height)


def _evaluate(columns: "dict[str, pd.Series[Any]]", values: list[float], method: str) -> dict[str, float]:
    import optuna
    from optuna.importance import FanovaImportanceEvaluator, MeanDecreaseImpurityImportanceEvaluator

    spread = {name: _distribution(column) for name, column in columns.items()}
    distributions = {name: distribution for name, (distribution, _) in spread.items()}
    parameters = zip(*(known for _, known in spread.values()), strict=True)
    # Variances of values near the ends of the floats' range would overflow; a share doesn't know the scale.
    scale = max(map(abs, values))
    trials = [
        optuna.trial.create_trial(
            params=dict(zip(spread, row, strict=True)), distributions=distributions, value=value / scale
        )
        for row, value in zip(parameters, values, strict=True)
    ]
    evaluator = {
        "fanova": FanovaImportanceEvaluator, "mean-decrease": MeanDecreaseImpurityImportanceEvaluator
    }[method](seed=0)  # fmt: skip
    with _quiet():
        study = optuna.create_study()
        study.add_trials(trials)
        # Without params=: Optuna 5.0 gives shares to the wrong flags where those aren't in sorted order.
        found = optuna.importance.get_param_importances(study, evaluator=evaluator)
    return {name: float(share) for name, share in found.items()}


def _distribution(column: "pd.Series[Any]") -> tuple[Any, list[Any]]:
    """What Optuna takes for a flag: numbers as numbers, anything else by its label.

    Numbers with gaps are ranges of numbers, and the gap is a value of its own.
    """
    from optuna.distributions import CategoricalDistribution, FloatDistribution

    known = column.tolist()
    numeric = column.dtype in ("Int64", "Float64")
    if numeric and all(value is not pd.NA and math.isfinite(value) for value in known):
        numbers = [float(value) for value in known]
        low, high = min(numbers), max(numbers)
        return FloatDistribution(low, high, log=0 < low * _LOG_RATIO <= high), numbers
    texts = labels(column)
    if numeric and any(missing(column)) and len(set(texts)) > MOST:
        try:
            ranges = levels(column.to_frame(), str(column.name))
            texts = [ranges.names[code] for code in ranges.codes]
        except ResultsError:  # NaN or an infinity among them, which no range holds
            pass
    return CategoricalDistribution(sorted(set(texts))), texts


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the line that Optuna prints for each study."""
    import optuna

    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)
