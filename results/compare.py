"""Runs side by side, as plain data: what differs, what is equal, metrics, curves, source."""

import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from results.chosen import named, one_run
from results.curves import VALIDATION, all_curves
from results.errors import ResultsError
from results.notes import read_notes
from results.ranking import Judge, Objective, study_objective
from results.run import Run, read_run
from results.sources import SourceDifference, model_differences, source_differences
from results.versions import versions_of

if TYPE_CHECKING:
    from results.chosen import RunDirs

# Metrics whose goal is no matter of taste; of others no run is marked as the best.
_LESS = ("loss", "mse", "mae", "mape", "msle", "rmse", "mean_squared_error", "mean_absolute_error",
         "root_mean_squared_error")  # fmt: skip
_MORE = ("accuracy", "acc", "auc", "precision", "recall", "f1_score", "r2_score")


class Kind(StrEnum):
    """What a row of a comparison tells of; in the order in which they are shown."""

    FLAG = "flag"
    PROPERTY = "property"
    RUN = "run"
    VERSION = "version"
    COST = "cost"


class At(StrEnum):
    """When a metric was measured."""

    BEST = "best epoch"
    LAST = "last epoch"
    EVALUATION = "evaluation"


@dataclass(frozen=True)
class Comparison:
    """Runs side by side. All tables have a column a run, named as in `runs` and in its order.

    Attributes:
        runs: By the name under which they are shown: "trial 3", or the directory's name, or its path.
        differences: What isn't the same in all runs, indexed by kind (`Kind`) and name; NA where a run
            has none.
        equal: What is.
        metrics: Numbers, indexed by `at` (`At`) and metric; NA where none was logged. The best epoch is that
            of the run's study or of the metric asked for.
        goals: "min" or "max" of each metric whose goal is known.
        curves: See `results.curves.all_curves`.
        sources: Files of the archived source that differ, for each pair of different sources.
        models: The same for the models' summaries.
    """

    runs: Mapping[str, Run]
    differences: pd.DataFrame
    equal: pd.DataFrame
    metrics: pd.DataFrame
    goals: Mapping[str, str]
    curves: pd.DataFrame
    sources: tuple[SourceDifference, ...]
    models: tuple[SourceDifference, ...]

    def ranked_metrics(self) -> Iterator[tuple[str, str, dict[str, Any], list[str]]]:
        """The rows of `metrics`, each with the runs that are best in it.

        Yields:
            When it was measured, the metric, its value by run, and the best runs: all equals, and none where
            its goal isn't known or fewer than two runs have a number.
        """
        for key, row in zip(self.metrics.index.tolist(), self.metrics.to_numpy().tolist(), strict=True):
            at, metric = key
            values = dict(zip(self.runs, row, strict=True))
            yield at, metric, values, self._best(metric, values)

    def _best(self, metric: str, values: Mapping[str, Any]) -> list[str]:
        known = {run: value for run, value in values.items() if value is not pd.NA and not math.isnan(value)}
        if metric not in self.goals or len(known) < 2:
            return []
        top = min(known.values()) if self.goals[metric] == "min" else max(known.values())
        return [run for run, value in known.items() if value == top]


def compare_runs(
    *runs: "RunDirs",
    metric: str | None = None,
    goal: str | None = None,
    runs_dir: str | os.PathLike[str] = "runs",
) -> Comparison:
    """Compare two runs or more.

    Args:
        *runs: Paths or names of runs, or tables of runs such as `leaderboard("runs/my-study").head(3)`.
        metric: What the best epoch goes by; by default each study's own, for single runs `val_loss`, else
            `loss`.
        goal: "min" or "max"; by default the study's, and for a loss "min".
        runs_dir: Where a name is looked for.

    Raises:
        ResultsError: There is no such run or metric, a run is named twice, or there are fewer than two.
    """
    paths = [one_run(name, runs_dir) for run in runs for name in named(run)]
    if len(paths) < 2:
        raise ResultsError(f"a comparison needs at least two runs, but got {len(paths)}")
    twice = [path for place, path in enumerate(paths) if path.resolve() in map(Path.resolve, paths[:place])]
    if twice:
        raise ResultsError(f"each run can be compared once, but {str(twice[0])!r} is named twice")
    read = [read_run(path) for path in paths]
    found = dict(zip(_labels(read), read, strict=True))
    judge = Judge(read, metric, goal)
    rows = {name: _facts(run) for name, run in found.items()}
    order = list(Kind)
    keys = sorted(
        {key: None for found in rows.values() for key in found}, key=lambda key: order.index(key[0])
    )
    table = {key: [facts.get(key, pd.NA) for facts in rows.values()] for key in keys}
    same = {key: len(set(map(repr, values))) == 1 for key, values in table.items()}
    names = list(found)
    metrics = _metrics(found, judge)
    asked = [judge.common()] if metric else [study_objective(run.path.parent) for run in read]
    return Comparison(
        runs=found,
        differences=_table({key: table[key] for key in keys if not same[key]}, names, "kind"),
        equal=_table({key: table[key] for key in keys if same[key]}, names, "kind"),
        metrics=_table(metrics, names, "at"),
        goals=_goals(dict.fromkeys(name for _, name in metrics), asked),
        curves=all_curves(found),
        sources=source_differences(found),
        models=model_differences(found),
    )


def _labels(runs: Sequence[Run]) -> list[str]:
    """Short names that tell the runs apart."""
    numbers = [run.record.get("number") for run in runs]
    one_study = len({run.path.parent for run in runs}) == 1 and all(run.record.get("study") for run in runs)
    if one_study and len(set(numbers)) == len(runs) and all(isinstance(number, int) for number in numbers):
        return [f"trial {number}" for number in numbers]
    names = [run.id for run in runs]
    return names if len(set(names)) == len(runs) else [run.path.as_posix() for run in runs]


def _facts(run: Run) -> dict[tuple[Kind, str], Any]:
    """What can be compared of a run, by kind and name, without metrics and the model's summary."""
    said = read_notes(run.path)
    recorded = ("study", "script", "script_sha256", "seed", "threads", "host")
    known = {"status": run.status.value, "reason": run.reason}
    known |= {name: run.record.get(name) for name in recorded}
    known |= {"tags": ", ".join(said.tags), "note": said.note}
    begin, end = run.start, run.end
    cost = {
        "seconds": (end - begin).total_seconds() if begin and end else None,
        "cpu_seconds": run.outcome.get("cpu_seconds"),
        "peak_memory_bytes": run.outcome.get("peak_memory_bytes"),
    }
    properties = {name: value for name, value in run.properties.items() if name != "model"}
    return {
        **{(Kind.FLAG, name): value for name, value in run.applied.items()},
        **{(Kind.PROPERTY, name): value for name, value in properties.items()},
        **{(Kind.RUN, name): value for name, value in known.items() if value not in (None, "")},
        **{(Kind.VERSION, name): value for name, value in versions_of(run).items()},
        **{(Kind.COST, name): value for name, value in cost.items() if value is not None},
    }


def _metrics(runs: Mapping[str, Run], judge: Judge) -> dict[tuple[At, str], list[Any]]:
    best = judge.best_epochs()
    found: dict[At, list[Mapping[str, float]]] = {
        At.BEST: [epoch.metrics if (epoch := best.get(run.path)) else {} for run in runs.values()],
        At.LAST: [run.last_metrics for run in runs.values()],
        At.EVALUATION: [run.evaluation for run in runs.values()],
    }
    return {
        (at, name): [values.get(name, pd.NA) for values in columns]
        for at, columns in found.items()
        for name in dict.fromkeys(name for values in columns for name in values)
    }


def _goals(metrics: Iterable[str], asked: Iterable[Objective | None]) -> dict[str, str]:
    """The goal of each metric: as asked for or as the studies have it, else the usual one, if any."""
    said: dict[str, set[str]] = {}
    for objective in asked:
        if objective is not None:
            said.setdefault(objective.metric, set()).add(objective.goal)
    goals = {name: said.get(name, _usual_goals(name)) for name in metrics}
    return {name: next(iter(found)) for name, found in goals.items() if len(found) == 1}


def _usual_goals(metric: str) -> set[str]:
    name = metric.removeprefix(VALIDATION)
    known = {"min": _LESS, "max": _MORE}
    return {goal for goal, words in known.items() if any(f"_{name}".endswith(f"_{word}") for word in words)}


def _table(rows: Mapping[tuple[Any, str], Sequence[Any]], runs: Sequence[str], first: str) -> pd.DataFrame:
    """A table of values of any types, a column a run."""
    keys = [(str(kind), name) for kind, name in rows]
    index = pd.MultiIndex.from_arrays(
        [[key[0] for key in keys], [key[1] for key in keys]], names=[first, "name"]
    )
    values = {run: [row[place] for row in rows.values()] for place, run in enumerate(runs)}
    return pd.DataFrame({run: pd.Series(values[run], index=index, dtype=object) for run in runs})
