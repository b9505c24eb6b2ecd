"""What a table of runs needs of a run, and no more: small, plain, and cheap to keep in an index."""

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from results import layout
from results.columns import KEPT, LAST, value_of
from results.files import read_json
from results.run import Epoch, Run
from results.status import Status

_CHOOSE: Mapping[str, tuple[Any, float]] = {"min": (min, math.inf), "max": (max, -math.inf)}
_BEGIN = datetime(1970, 1, 1, tzinfo=UTC)


class Named(NamedTuple):
    """Values by name, as two tuples of the same length: runs of one study share their names.

    Attributes:
        names: In the order in which they were recorded.
        values: One for each name.
    """

    names: tuple[str, ...]
    values: Sequence[Any]

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> "Named":
        """A mapping in this form."""
        return cls(tuple(values), tuple(values.values()))


class Summary(NamedTuple):
    """A run without its curves, its output and its own metadata.

    Attributes:
        path: The run's directory, with slashes.
        status: See `Run.status`.
        kept: A value for each of `columns.KEPT`, None where it is missing; times are microseconds since 1970.
        flags: By name, all of them.
        inactive: The names of those that don't apply to the run.
        evaluation: By metric.
        last: The last value of each metric, in the order of their first appearance.
        steps: Of the epochs those where some metric was best, for one goal or the other, in their order.
        candidates: For each of `steps`, one after the other, a value for each name in `last`, None where it
            wasn't logged.
        has_metrics: Whether anything was logged.
        has_source: Whether there is a directory of the script's source.
    """

    path: str
    status: Status
    kept: Sequence[Any]
    flags: Named
    inactive: Sequence[str]
    evaluation: Named
    last: Named
    steps: Sequence[int]
    candidates: Sequence[float | None]
    has_metrics: bool
    has_source: bool

    @property
    def metric_names(self) -> tuple[str, ...]:
        """Every metric that was logged, in the order of its first appearance."""
        return self.last.names

    def best_epoch(self, metric: str, goal: str) -> Epoch | None:
        """The epoch where `metric` was best; see `Run.best_epoch`."""
        choose, worst = _CHOOSE[goal]
        names = self.last.names
        if metric not in names:
            return None
        width = len(names)
        logged = self.candidates[names.index(metric) :: width]
        known = [worst if value is None or not math.isfinite(value) else value for value in logged]
        best = choose(known, default=worst)
        if best == worst:
            return None
        place = known.index(best)
        values = zip(names, self.candidates[place * width : (place + 1) * width], strict=True)
        return Epoch(self.steps[place], {name: value for name, value in values if value is not None})


def summarize(run: Run) -> Summary:
    """The summary of a run that has been read."""
    found = {"context": "local", "type": "training", **_only(LAST, run.properties)}
    found |= _only(("script", "context", "type", "study", "number", "seed", "threads"), run.record)
    found |= _only(("exit_code", "signal", "cpu_seconds", "peak_memory_bytes"), run.outcome)
    found |= {
        "epochs_completed": run.epochs_completed,
        "start": _microseconds(run.start),
        "end": _microseconds(run.end),
        "completed": run.status is Status.COMPLETED,
        "reason": run.reason,
        "error": run.error,
        "problems": "; ".join(run.problems) or None,
        **_said(run.path),
    }
    names = run.metric_names
    last = run.last_metrics
    candidates = _candidates(run.epochs, names)
    return Summary(
        path=run.path.as_posix(),
        status=run.status,
        kept=tuple([value_of(LAST[name], found.get(name)) for name in KEPT]),
        flags=Named.of(run.flags),
        inactive=tuple(sorted(run.inactive)),
        evaluation=Named.of(run.evaluation),
        last=Named(names, tuple([last[name] for name in names])),
        steps=tuple([epoch.step for epoch in candidates]),
        candidates=tuple([epoch.metrics.get(name) for epoch in candidates for name in names]),
        has_metrics=bool(run.epochs),
        has_source=os.path.isdir(run.path / layout.SOURCE),
    )


def _said(path: Path) -> dict[str, str | None]:
    """What a person says of the run; tags, which have no commas, with commas between them."""
    said = read_json(path / layout.NOTES) or {}
    tags = said.get("tags")
    known = [tag for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else []
    return {"tags": ", ".join(known) or None, "note": said.get("note") or None}


def _candidates(epochs: Sequence[Epoch], names: Sequence[str]) -> list[Epoch]:
    """The epochs that `best_epoch` may answer with: of equals the first, so a subset finds the same one."""
    places: set[int] = set()
    for name in names:
        values = [(epoch.metrics.get(name, math.nan), place) for place, epoch in enumerate(epochs)]
        known = [(value, place) for value, place in values if math.isfinite(value)]
        if known:
            places.add(min(known)[1])
            places.add(min(known, key=lambda item: (-item[0], item[1]))[1])
    return [epochs[place] for place in sorted(places)]


def _only(names: Iterable[str], found: Mapping[str, Any]) -> dict[str, Any]:
    return {name: found[name] for name in names if name in found}


def _microseconds(time: datetime | None) -> int | None:
    return None if time is None else (time - _BEGIN) // timedelta(microseconds=1)
