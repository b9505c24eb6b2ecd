"""What marks runs on a leaderboard beside their ranks: the Pareto front, and what a confirmation found."""

import json
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import pandas as pd

from results import layout
from results.columns import KEPT
from results.index import read_summaries
from results.pareto import on_front
from results.ranking import Judge, Judged, Objective
from results.run import Run
from results.status import Status
from results.summary import Summary, summarize

SUFFIX = "-confirm"
"""What the name of a confirmation has behind that of its search."""


def confirmation_folder(study: Path) -> Path:
    """Where the confirmation of a study is."""
    return study.parent / f"{study.name}{SUFFIX}"


def confirmed_by(folder: Path) -> Path | None:
    """The search that a study confirms, or None where it is no confirmation."""
    search = folder.parent / folder.name.removesuffix(SUFFIX)
    return search if search.name != folder.name and (search / layout.STUDY).is_file() else None


def mark_front(table: pd.DataFrame, runs: Sequence[Judged], judge: Judge) -> None:
    """Insert the column `pareto` behind `rank`, where studies of several metrics are among the runs.

    It says of each completed run whether no other of its study beats it in all of the study's metrics, at the
    best epoch of the first; false for runs without finite values of all, missing in studies of one metric.

    Args:
        table: Of the runs; changed.
        runs: In the table's order.
        judge: Of the same runs.
    """
    if not judge.several:
        return
    known: dict[str, bool] = {}
    for folder, objectives in judge.several.items():
        inside = [run for run in runs if os.path.dirname(run.path) == folder]
        known |= _front(inside, objectives)
    front = [known.get(os.fspath(run.path)) for run in runs]
    _insert(table, "rank", "pareto", front, "boolean")


def _front(runs: Sequence[Judged], objectives: Sequence[Objective]) -> dict[str, bool]:
    values = {}
    for run in runs:
        best = run.best_epoch(objectives[0].metric, objectives[0].goal)
        if best is not None and run.status is Status.COMPLETED:
            row = [best.metrics.get(objective.metric, math.nan) for objective in objectives]
            if all(map(math.isfinite, row)):
                values[os.fspath(run.path)] = row
    table = np.array(list(values.values())).reshape(len(values), len(objectives))
    best_of = on_front(table, [objective.goal for objective in objectives])
    return {os.fspath(run.path): False for run in runs} | dict(zip(values, map(bool, best_of), strict=True))


def mark_confirmed(table: pd.DataFrame, runs: Sequence[Run | Summary], objective: Objective | None) -> None:
    """Insert `confirmed_<metric>` beside `best_<metric>`, where the study of a run has been confirmed.

    It is the mean over the new seeds, for the points that have a completed run with each; else missing.

    Args:
        table: Of the runs; changed.
        runs: In the table's order.
        objective: What the runs are ranked by.
    """
    if objective is None or f"best_{objective.metric}" not in table:
        return
    folders = {os.path.dirname(run.path) for run in runs}
    means = {folder: _means(confirmation_folder(Path(folder)), objective) for folder in folders}
    if not any(means.values()):
        return
    found = [means[os.path.dirname(run.path)].get(_point(run)) for run in runs]
    _insert(table, f"best_{objective.metric}", f"confirmed_{objective.metric}", found, "Float64")


def _insert(table: pd.DataFrame, behind: str, name: str, values: Sequence[Any], dtype: Any) -> None:
    place = list(table.columns).index(behind) + 1
    table.insert(place, name, pd.Series(values, dtype=dtype, index=table.index))


def _means(beside: Path, objective: Objective) -> Mapping[str, float]:
    """What a confirmation found of each point that it is through with; nothing where there is none."""
    if not (beside / layout.STUDY).is_file():
        return {}
    runs = read_summaries(beside)
    seeds = {_seed(run) for run in runs}
    values: dict[str, dict[object, float]] = {}
    for run in runs:
        best = run.best_epoch(objective.metric, objective.goal)
        if best is not None and run.status is Status.COMPLETED:
            values.setdefault(_point(run), {})[_seed(run)] = best.metrics[objective.metric]
    return {point: fmean(known.values()) for point, known in values.items() if known.keys() == seeds}


def _seed(run: Summary) -> object:
    return run.kept[KEPT.index("seed")]


def _point(run: Run | Summary) -> str:
    """A text that is equal for runs of one point: the flags that apply, types and all."""
    summary = summarize(run) if isinstance(run, Run) else run
    flags = zip(summary.flags.names, summary.flags.values, strict=True)
    return json.dumps({name: value for name, value in flags if name not in summary.inactive}, sort_keys=True)
