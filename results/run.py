"""One run as its directory tells it, in any state: running, torn by a power failure, or half deleted."""

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from results import layout
from results.files import number, read_json, scan_lines
from results.owner import gone
from results.status import Status


@dataclass(frozen=True)
class Epoch:
    """What was logged at one step.

    Attributes:
        step: At least 0; the epochs of `fit()` are 1, 2, ...
        metrics: By name; NaN and infinities as they were logged.
    """

    step: int
    metrics: Mapping[str, float]


@dataclass(frozen=True)
class Run:
    """Everything known of a run; None where nothing is.

    Attributes:
        path: Its directory.
        status: Without a readable outcome.json `running`; `interrupted` where its search is known to be gone.
        record: run.json: id, number, study, script, flags, seed, start, host, pid ...
        outcome: outcome.json: status, end, reason, error, exit_code, signal, peak_memory_bytes, cpu_seconds.
        epochs: One for each step, in the order of the steps; of what was logged twice the last counts.
        properties: properties.json: samples, batch_size, epochs, model ...
        evaluation: What `evaluate()` found, by metric.
        failure: error.json: type, message and traceback of the exception that ended the script.
        lost: Why a run without an outcome counts as interrupted.
        problems: One line for each thing that is wrong with the directory.
    """

    path: Path
    status: Status = Status.RUNNING
    record: Mapping[str, Any] = field(default_factory=dict)
    outcome: Mapping[str, Any] = field(default_factory=dict)
    epochs: tuple[Epoch, ...] = ()
    properties: Mapping[str, Any] = field(default_factory=dict)
    evaluation: Mapping[str, float] = field(default_factory=dict)
    failure: Mapping[str, Any] = field(default_factory=dict)
    lost: str | None = None
    problems: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """The name of the directory."""
        return self.path.name

    @property
    def flags(self) -> Mapping[str, Any]:
        """The value of every flag, as the script got it."""
        flags = self.record.get("flags")
        return flags if isinstance(flags, dict) else {}

    @property
    def inactive(self) -> frozenset[str]:
        """The flags that don't apply at this point of the space; the script got a value all the same."""
        said = self.record.get("inactive")
        return frozenset(filter(_text, said)) if isinstance(said, list) else frozenset()

    @property
    def applied(self) -> Mapping[str, Any]:
        """The flags that apply, which are all but the inactive."""
        return {name: value for name, value in self.flags.items() if name not in self.inactive}

    @property
    def start(self) -> datetime | None:
        """When the run began; from the directory's name where run.json doesn't say."""
        return _start(self.record, self.path)

    @property
    def end(self) -> datetime | None:
        """When the run ended."""
        return _time(self.outcome.get("end"))

    @property
    def reason(self) -> str | None:
        """Why the run ended as it did, in one line."""
        return _text(self.outcome.get("reason")) or self.lost

    @property
    def error(self) -> str | None:
        """The traceback of the exception that ended the script."""
        return _text(self.failure.get("traceback")) or _text(self.outcome.get("error"))

    @property
    def error_summary(self) -> str | None:
        """Type and message of that exception, in one line."""
        kind = _text(self.failure.get("type"))
        if kind is None:
            return None
        lines = (_text(self.failure.get("message")) or "").splitlines()
        return f"{kind}: {lines[0]}" if lines else kind

    @property
    def epochs_completed(self) -> int:
        """How many epochs were trained; as many as were logged where `fit()` didn't live to say."""
        said = self.properties.get("epochs_completed")
        return said if isinstance(said, int) and not isinstance(said, bool) else len(self.epochs)

    @property
    def metric_names(self) -> tuple[str, ...]:
        """Every metric that was logged, in the order of its first appearance."""
        return tuple(dict.fromkeys(name for epoch in self.epochs for name in epoch.metrics))

    def best_epoch(self, metric: str, goal: str) -> Epoch | None:
        """The epoch where `metric` was best, the first of equals; only finite values can be.

        Args:
            metric: Its name.
            goal: "min" or "max".
        """
        sign = {"min": 1, "max": -1}[goal]
        known = [epoch for epoch in self.epochs if math.isfinite(epoch.metrics.get(metric, math.nan))]
        return min(known, key=lambda epoch: sign * epoch.metrics[metric], default=None)

    def best_value(self, metric: str, goal: str) -> float | None:
        """The value of `metric` at its best epoch, or None where no finite one was logged."""
        best = self.best_epoch(metric, goal)
        return None if best is None else best.metrics[metric]

    def last_value(self, metric: str) -> float | None:
        """The value of `metric` that was logged at the highest step, finite or not."""
        return self.last_metrics.get(metric)

    @property
    def last_metrics(self) -> Mapping[str, float]:
        """For every metric the value that was logged at the highest step."""
        return {name: value for epoch in self.epochs for name, value in epoch.metrics.items()}


def read_run(path: str | os.PathLike[str]) -> Run:
    """Read a run's directory. Never raises for what is in it: see `Run.problems`."""
    path = Path(path)
    problems: list[str] = []
    try:
        names = set(os.listdir(path))
    except OSError as error:
        return Run(path, problems=(f"the directory can't be read: {error.strerror}",))

    def load(name: str) -> dict[str, Any]:
        found = read_json(path / name) if name in names else {}
        if found is None:
            problems.append(f"{name} isn't a readable JSON object")
        return found or {}

    if layout.RUN not in names:
        problems.append(f"{layout.RUN} is missing")
    record, outcome = load(layout.RUN), load(layout.OUTCOME)
    epochs = _epochs(path, problems) if layout.METRICS in names else ()
    evaluation = load(layout.EVALUATION).get("metrics", {})
    status = _status(outcome, problems)
    lost = gone(record, _start(record, path)) if status is Status.RUNNING else None
    return Run(
        path=path,
        status=status if lost is None else Status.INTERRUPTED,
        record=record,
        outcome=outcome,
        epochs=epochs,
        properties=load(layout.PROPERTIES),
        evaluation=_numbers(evaluation, layout.EVALUATION, problems),
        failure=load(layout.ERROR),
        lost=lost,
        problems=tuple(problems),
    )


def _status(outcome: Mapping[str, Any], problems: list[str]) -> Status:
    if not outcome:
        return Status.RUNNING
    said = outcome.get("status")
    if said in list(Status):
        return Status(said)
    problems.append(f"{layout.OUTCOME} has the unknown status {said!r:.50}")
    return Status.RUNNING


def _epochs(path: Path, problems: list[str]) -> tuple[Epoch, ...]:
    lines, bad = scan_lines(path / layout.METRICS)
    found: dict[int, dict[str, float]] = {}
    for line in lines:
        step = line.get("step")
        if not isinstance(step, int) or isinstance(step, bool) or step < 0:
            bad += 1
            continue
        found.setdefault(step, {}).update(_numbers(line.get("metrics"), layout.METRICS, problems))
    if bad:
        problems.append(f"{layout.METRICS} has unreadable lines: {bad}")
    return tuple(Epoch(step, found[step]) for step in sorted(found))


def _numbers(found: Any, name: str, problems: list[str]) -> dict[str, float]:
    if not isinstance(found, dict):
        problems.append(f"{name} has metrics that are no object")
        return {}
    numbers = {metric: value for metric, raw in found.items() if (value := number(raw)) is not None}
    if len(numbers) < len(found):
        problems.append(f"{name} has metrics that are no numbers")
    return numbers


def _start(record: Mapping[str, Any], path: Path) -> datetime | None:
    return _time(record.get("start")) or _named_time(path.name)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _time(value: Any) -> datetime | None:
    try:
        time = datetime.fromisoformat(value)
        return time.astimezone(UTC) if time.tzinfo is not None else None
    except (TypeError, ValueError, OverflowError):
        return None


def _named_time(name: str) -> datetime | None:
    try:
        return datetime.strptime(name.replace("Z", "+0000"), layout.RUN_NAME_FORMAT.replace("Z", "%z"))
    except ValueError:
        return None
