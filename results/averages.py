"""The points of a study: runs with the same flags, whatever their seeds, as one row each."""

from typing import Any

import numpy as np
import pandas as pd

from results.errors import ResultsError
from results.index import read_summaries
from results.paired import mean_interval, standard_error
from results.ranking import Judge, Objective
from results.status import Status
from results.table import RunsDir, leaderboard


def points(runs_dir: RunsDir = "runs", metric: str | None = None, goal: str | None = None) -> pd.DataFrame:
    """The points of a study, the best mean first.

    Only completed runs count: of one that was pruned the rest of its curve isn't known.

    Args:
        runs_dir: A study's directory, or a runs directory with one study.
        metric: What is compared, at each run's best epoch; by default the study's metric.
        goal: "min" or "max"; by default the study's, and for a loss "min".

    Returns:
        A row for each point with a completed run that logged the metric: `rank`; `runs`, how many; of the
        metric, and of what `evaluate()` found (`mean_eval_*`), the mean `mean_*`, its standard error `se_*`
        and its 95% interval `low_*` to `high_*` (Student's t), NaN for one run; `seeds` and `values`,
        tuples of the same length; `flag_*`.

    Raises:
        ResultsError: There is no such directory or metric, its studies have different metrics, or no run
            has completed with a value of it.
    """
    objective = objective_of(runs_dir, metric, goal)
    board = leaderboard(runs_dir, metric, goal)
    board = board[(board["status"] == Status.COMPLETED) & board["rank"].notna()]
    if board.empty:
        raise ResultsError(f"no run in {str(runs_dir)!r} has completed with a value of {objective.metric}")
    rows = [_point(runs, objective.metric) for _, runs in board.groupby(flags_key(board), sort=False)]
    sign = 1 if objective.goal == "min" else -1
    rows.sort(key=lambda row: sign * row[f"mean_{objective.metric}"])
    table = pd.DataFrame(rows)
    table.insert(0, "rank", range(1, len(rows) + 1))
    return table


def objective_of(runs_dir: RunsDir, metric: str | None = None, goal: str | None = None) -> Objective:
    """What the runs of a directory are compared by.

    Raises:
        ResultsError: Nothing was logged, or the studies have different metrics.
    """
    found = Judge(read_summaries(runs_dir), metric, goal).common()
    if found is None:
        raise ResultsError(f"no run in {str(runs_dir)!r} has logged anything")
    return found


def flags_key(runs: pd.DataFrame) -> "pd.Series[str]":
    """For each row of a table of runs a text that is equal for equal flags, types and all."""
    names = sorted(name for name in runs.columns if name.startswith("flag_"))
    texts = [[f"{name}={_typed(value)}" for value in runs[name]] for name in names]
    keys = ["\n".join(row) for row in zip(*texts, strict=True)] if names else [""] * len(runs)
    return pd.Series(keys, index=runs.index, dtype=object)


def _typed(value: Any) -> str:
    """A value with its type, so that 1, True and "1" differ."""
    value = value.item() if hasattr(value, "item") else value
    return f"{type(value).__name__} {value!r}"


def _point(runs: pd.DataFrame, metric: str) -> dict[str, Any]:
    """One row: the runs of one point, summed up."""
    runs = runs.sort_values("seed")
    row: dict[str, Any] = {"runs": len(runs)}
    for column in (f"best_{metric}", *(name for name in runs.columns if name.startswith("eval_"))):
        values = runs[column].dropna().to_numpy(dtype=np.float64)
        name = column.removeprefix("best_")
        row[f"mean_{name}"] = float(values.mean()) if len(values) else np.nan
        row[f"se_{name}"] = standard_error(list(values))
        row[f"low_{name}"], row[f"high_{name}"] = mean_interval(list(values))
    row["seeds"] = tuple(int(seed) for seed in runs["seed"])
    row["values"] = tuple(float(value) for value in runs[f"best_{metric}"])
    return row | {name: runs[name].iloc[0] for name in runs.columns if name.startswith("flag_")}
