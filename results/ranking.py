"""Which metric runs are judged by, and which place each takes."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from gridruns import unknown
from results import layout
from results.errors import ResultsError
from results.files import read_json
from results.run import Epoch
from results.status import Status

PathLike = str | os.PathLike[str]

GOALS = ("min", "max")


@dataclass(frozen=True)
class Objective:
    """What runs are judged by.

    Attributes:
        metric: A metric's name.
        goal: "min" or "max".
    """

    metric: str
    goal: str


class Judged(Protocol):
    """What is judged: a `Run` or a `Summary` of one."""

    @property
    def path(self) -> PathLike:
        """Its directory."""

    @property
    def status(self) -> Status:
        """How it stands or ended."""

    @property
    def metric_names(self) -> tuple[str, ...]:
        """Every metric that was logged."""

    def best_epoch(self, metric: str, goal: str) -> Epoch | None:
        """The first epoch where `metric` was best, by "min" or "max", or None."""


class Judge:
    """Finds each run's objective and best epoch, and ranks the runs.

    Args:
        runs: All runs that are looked at.
        metric: What to judge by; None for that of each run's study, without one `val_loss`, else `loss`.
        goal: "min" or "max"; None for the study's, and for a loss "min".

    Attributes:
        several: The objectives of each directory whose study has several.

    Raises:
        ResultsError: No run logged `metric`, or its goal isn't known.
    """

    def __init__(self, runs: Sequence[Judged], metric: str | None = None, goal: str | None = None) -> None:
        if goal is not None and goal not in GOALS:
            raise ResultsError(unknown("goal", goal, GOALS))
        self.runs = runs
        groups = dict.fromkeys(run.metric_names for run in runs)
        self.logged = list(dict.fromkeys(name for names in groups for name in names))
        self._folders = [os.path.dirname(run.path) for run in runs]
        studies = {folder: study_objectives(Path(folder)) for folder in set(self._folders)}
        self._of_study = {folder: found[0] for folder, found in studies.items() if found}
        self.several = {folder: found for folder, found in studies.items() if len(found) > 1}
        self._known: dict[Objective, dict[PathLike, Epoch | None]] = {}
        self._goal = goal
        self._asked = None if metric is None else self._check(metric, goal)

    def _check(self, metric: str, goal: str | None) -> Objective:
        if self.runs and metric not in self.logged:
            raise ResultsError(unknown("metric", metric, self.logged))
        goals = {found.goal for found in self._of_study.values() if found.metric == metric}
        if goal is None and (metric == "loss" or metric.endswith("_loss")):
            goals = goals or {"min"}
        if goal is None and len(goals) != 1:
            raise ResultsError(f"give goal 'min' or 'max' for the metric {metric!r}")
        return Objective(metric, goal or goals.pop())

    def common(self) -> Objective | None:
        """The one objective of all runs, or None where nothing has been logged yet.

        Raises:
            ResultsError: The studies have different ones, or no run logged it although others were logged.
        """
        if self._asked is not None:
            return self._asked
        found = sorted({(item.metric, self._goal or item.goal) for item in self._of_study.values()})
        if len(found) > 1:
            known = ", ".join(f"{name} ({goal})" for name, goal in found)
            raise ResultsError(f"the studies have different metrics: {known}; choose one with metric=")
        if not found:
            return self._default(self.logged)
        if self.logged and found[0][0] not in self.logged:
            raise ResultsError(unknown("metric", found[0][0], self.logged))
        return Objective(*found[0])

    def best_epochs(self) -> dict[PathLike, Epoch | None]:
        """The best epoch of each run, by the objective asked for or else by that of its own study."""
        best: dict[PathLike, Epoch | None] = {}
        for folder, runs in self._by_folder().items():
            objective = self._asked or self._of_study.get(folder)
            if objective is not None:
                best |= self._best(runs, Objective(objective.metric, self._goal or objective.goal))
                continue
            for run in runs:
                default = self._default(run.metric_names)
                best |= {} if default is None else self._best([run], default)
        return best

    def _by_folder(self) -> dict[str, list[Judged]]:
        found: dict[str, list[Judged]] = {}
        for folder, run in zip(self._folders, self.runs, strict=True):
            found.setdefault(folder, []).append(run)
        return found

    def ranks(self) -> dict[PathLike, int]:
        """Places from 1, the best first, of the completed and pruned runs that logged the objective.

        Of equals the one that started first comes first. Empty where the runs have no objective in common.
        """
        objective = self.common()
        if objective is None:
            return {}
        sign = 1 if objective.goal == "min" else -1
        ended = [run for run in self.runs if run.status.ranked]
        values = [
            (sign * epoch.metrics[objective.metric], os.path.basename(path), path)
            for path, epoch in self._best(ended, objective).items()
            if epoch is not None
        ]
        return {path: place for place, (_, _, path) in enumerate(sorted(values), 1)}

    def _best(self, runs: Sequence[Judged], objective: Objective) -> dict[PathLike, Epoch | None]:
        """The best epoch of each of these runs; each is looked for once."""
        known = self._known.setdefault(objective, {})
        for run in runs:
            if run.path not in known:
                known[run.path] = run.best_epoch(objective.metric, objective.goal)
        return {run.path: known[run.path] for run in runs}

    def _default(self, names: Iterable[str]) -> Objective | None:
        known = [name for name in ("val_loss", "loss") if name in names]
        return Objective(known[0], self._goal or "min") if known else None


def study_objective(folder: Path) -> Objective | None:
    """The metric and goal that a study's study.json names first, or None."""
    return next(iter(study_objectives(folder)), None)


def study_objectives(folder: Path) -> tuple[Objective, ...]:
    """All metrics and goals that a study's study.json names, up to the first that can't be read."""
    return objectives_of(read_json(folder / layout.STUDY) or {})


def objectives_of(record: Mapping[str, Any]) -> tuple[Objective, ...]:
    """The same of what a study.json holds."""
    also = record.get("also")
    found: list[Objective] = []
    for metric in [record.get("metric"), *(also if isinstance(also, list) else [])]:
        if not isinstance(metric, Mapping):
            return tuple(found)
        name, goal = metric.get("name"), metric.get("goal")
        if not isinstance(name, str) or goal not in GOALS:
            return tuple(found)
        found.append(Objective(name, goal))
    return tuple(found)
