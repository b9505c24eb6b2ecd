"""The runs as tables: every run, the leaderboard, the best, the latest, one."""

import math
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from gridruns import unknown
from results.bulk import collector_paused
from results.errors import ResultsError
from results.frame import frame
from results.index import read_summaries
from results.marks import mark_confirmed, mark_front
from results.ranking import Judge
from results.run import read_run
from results.runs import find_runs, is_run

Subset = str | Callable[[pd.DataFrame], Any] | None
RunsDir = str | os.PathLike[str]


@collector_paused()
def ls_runs(
    subset: Subset = None,
    order: str | Sequence[str] | None = None,
    decreasing: bool | None = None,
    runs_dir: RunsDir = "runs",
    metric: str | None = None,
    goal: str | None = None,
    output: bool = False,
) -> pd.DataFrame:
    """All runs, the newest first.

    Args:
        subset: Which of them: a query such as "metric_val_loss < 0.1 and flag_optimizer == 'adam'", in which
            a missing value compares false, or a function from the table to a Boolean column.
        order: A column, or several, to sort by; missing values come last. A column with a "-" before its name
            is sorted from high to low.
        decreasing: Sort the columns without a "-" from high to low; by default only times, the newest first.
        runs_dir: A runs directory, a study's or a run's.
        metric: What the columns `best_*` and `rank` go by; by default each study's own, for single runs
            `val_loss`, else `loss`.
        goal: "min" or "max"; by default the study's, and for a loss "min".
        output: Whether to read what each run printed, all of it, into tfruns' column `output`.

    Returns:
        A row a run, also for those that run or failed: run_dir, rank, status, best_epoch, best_*, eval_*,
        metric_* (the last epoch), flag_*, then tfruns' columns in tfruns' order and ours. `rank` is missing
        where studies have different metrics. Where a study has several metrics, behind `rank` the Boolean
        column `pareto` (see `results.marks.mark_front`).

    Raises:
        ResultsError: There is no such directory, column or metric, or the query can't be answered.
    """
    runs = read_summaries(runs_dir)
    judge = Judge(runs, metric, goal)
    try:
        ranks = judge.ranks()
    except ResultsError:
        # Only a leaderboard must know who is better than whom.
        ranks = {}
    newest = runs[::-1]
    table = frame(newest, judge.best_epochs(), ranks, output=output)
    mark_front(table, newest, judge)
    table = _select(table, subset)
    if order is None:
        return table if decreasing is not False else _renumber(table[::-1])
    return sorted_by(table, [order] if isinstance(order, str) else list(order), decreasing)


@collector_paused()
def leaderboard(
    runs_dir: RunsDir = "runs",
    metric: str | None = None,
    goal: str | None = None,
    subset: Subset = None,
    output: bool = False,
) -> pd.DataFrame:
    """All runs, the best first, judged by their best epoch.

    Ranked, in one order by value, are the completed and the pruned runs that logged a finite value of the
    metric; of equals the one that started first comes first. What a pruned run had reached when it was
    stopped counts as it is, so it may have the first rank; the winner (`best_run`) is a completed run all the
    same. The others follow, in the order of their start, without a rank.

    Args:
        runs_dir: A runs directory, a study's or a run's.
        metric: What is compared; by default the metric of the study, for single runs `val_loss`, else `loss`.
        goal: "min" or "max"; by default the study's, and for a loss "min".
        subset: See `ls_runs`; ranks count all runs.
        output: See `ls_runs`.

    Returns:
        See `ls_runs`; and where the study has been confirmed (`gridruns confirm`), beside `best_<metric>`
        the mean that its point has with new seeds, `confirmed_<metric>` (Float64).

    Raises:
        ResultsError: See `ls_runs`; also where studies have different metrics and none is chosen.
    """
    runs = read_summaries(runs_dir)
    judge = Judge(runs, metric, goal)
    ranks = judge.ranks()
    ordered = sorted(runs, key=lambda run: (ranks.get(run.path, len(runs) + 1), os.path.basename(run.path)))
    table = frame(ordered, judge.best_epochs(), ranks, output=output)
    mark_front(table, ordered, judge)
    mark_confirmed(table, ordered, judge.common())
    return _select(table, subset)


def best_run(
    runs_dir: RunsDir = "runs", metric: str | None = None, goal: str | None = None, subset: Subset = None
) -> pd.DataFrame:
    """The winner: the first completed run of the leaderboard, as one row.

    A pruned run never is: nobody knows what it would have come to. Its `rank` says how many runs, which were
    pruned then, had a better epoch.

    Raises:
        ResultsError: See `leaderboard`; also where no completed run has a rank.
    """
    best = winner(leaderboard(runs_dir, metric, goal, subset))
    if best.empty:
        raise ResultsError(f"no run in {str(runs_dir)!r} that completed and logged the metric")
    return best


def winner(board: pd.DataFrame) -> pd.DataFrame:
    """The first completed run with a rank of a leaderboard, as a table of one row or, without such, none."""
    return _renumber(board[board["rank"].notna() & board["completed"].fillna(False)][:1])


def latest_run(runs_dir: RunsDir = "runs") -> pd.DataFrame:
    """The run that started last, as one row.

    Raises:
        ResultsError: There is none.
    """
    found = find_runs(runs_dir)
    if not found:
        raise ResultsError(f"no runs in {str(runs_dir)!r}")
    return run_info(found[-1])


def run_info(run_dir: "RunsDir | pd.DataFrame | pd.Series[Any]") -> pd.DataFrame:
    """What is known of a run.

    Args:
        run_dir: Its directory, or a row of a table of runs.

    Returns:
        One row as in `ls_runs`, with `output`; `rank` is missing.

    Raises:
        ResultsError: It is no run's directory, or a table of more or less than one row.
    """
    path = Path(_one_dir(run_dir))
    if not os.path.isdir(path) or not is_run(path):
        raise ResultsError(f"no run at {str(path)!r}")
    run = read_run(path)
    return frame([run], Judge([run]).best_epochs(), {}, output=True)


def _one_dir(run_dir: "RunsDir | pd.DataFrame | pd.Series[Any]") -> RunsDir:
    if isinstance(run_dir, pd.DataFrame):
        if len(run_dir) != 1:
            raise ResultsError(f"run_info takes one run, but got a table of {len(run_dir)}")
        run_dir = run_dir.iloc[0]
    return str(run_dir["run_dir"]) if isinstance(run_dir, pd.Series) else run_dir


def _select(table: pd.DataFrame, subset: Subset) -> pd.DataFrame:
    if subset is None:
        return table
    mask = _answer(table, subset) if isinstance(subset, str) else subset(table)
    if not isinstance(mask, pd.Series) or not pd.api.types.is_bool_dtype(mask.dtype):
        raise ResultsError(f"subset must be true or false for every run, but {subset!r} isn't")
    return _renumber(table[mask.fillna(False).astype(bool)])


def _answer(table: pd.DataFrame, query: str) -> Any:
    try:
        # No name but a column means anything: "@name" would reach into the caller's variables.
        return table.eval(query, engine="python", local_dict={}, global_dict={})
    except pd.errors.UndefinedVariableError as error:
        named = re.search(r"'(.*)'", str(error))
        name = named[1] if named else query
        raise ResultsError(unknown("column", name, map(str, table.columns))) from None
    except (SyntaxError, ValueError, TypeError, KeyError, AttributeError, NotImplementedError) as error:
        reason = " ".join(str(error).split())
        raise ResultsError(f"subset {query!r} can't be answered: {reason}") from None


def sorted_by(table: pd.DataFrame, order: Sequence[str], decreasing: bool | None = None) -> pd.DataFrame:
    """A table of runs sorted by columns; for the arguments see `ls_runs`.

    Raises:
        ResultsError: There is no such column.
    """
    keys = []
    for name in order:
        column = name.removeprefix("-")
        if column not in table.columns:
            raise ResultsError(unknown("column", column, map(str, table.columns)))
        usual = column in ("start", "end") if decreasing is None else decreasing
        keys.append((column, usual or column != name))
    # A stable sort by one column after the other, so that each may hold values of several types.
    for name, falling in reversed(keys):
        table = table.sort_values(name, ascending=not falling, kind="stable", key=_sortable)
    return _renumber(table)


def _sortable(column: "pd.Series[Any]") -> "pd.Series[Any]":
    """Values of several types sort by type, then by value; NaN sorts as a missing value, last either way."""
    if column.dtype == "Float64":
        return pd.Series(column.to_numpy(dtype=float, na_value=math.nan), index=column.index)
    if column.dtype != object:
        return column
    present = [value for value in column if not (value is None or value is pd.NA)]
    ordered = sorted(present, key=lambda value: (type(value).__name__, value))
    places = {(type(value), value): place for place, value in enumerate(ordered)}
    return column.map(lambda value: places.get((type(value), value)) if value is not pd.NA else None)


def _renumber(table: pd.DataFrame) -> pd.DataFrame:
    return table.reset_index(drop=True)
