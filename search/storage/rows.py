"""A trial as the database is to have it: Optuna's part, what a reader sees, what other searches read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from optuna.trial import FrozenTrial, create_trial

from results.run import Run
from results.status import Status
from search.objective import settled_values
from search.storage.marks import RUN, STATUS, TOLD, Mark
from search.storage.twins import marks_of
from search.study import Study


@dataclass
class Claim:
    """A point that this search runs.

    Attributes:
        key: Its content.
        trial_id: Its trial in the database.
        row: That trial as it was claimed, or as it has ended.
        runs: The names of its runs so far.
        told: How those of its runs have ended that have, by repeat, where it has several (`told`).
        sent: What the pruner has made of it that the database knows of.
    """

    key: str
    trial_id: int
    row: FrozenTrial
    runs: list[str] = field(default_factory=list)
    told: dict[str, dict[str, Any]] = field(default_factory=dict)
    sent: set[str] = field(default_factory=set)


def new_row(
    trial: FrozenTrial, seen: Mapping[str, Any], marks: Mapping[str, Any], curves: bool
) -> FrozenTrial:
    """A trial as the database is to have it.

    Args:
        trial: The same trial in memory.
        seen: What is said of it to whoever looks.
        marks: What is said of it to other searches.
        curves: Whether to write intermediate values.
    """
    return create_trial(
        state=trial.state,
        values=trial.values,
        params=trial.params,
        distributions=trial.distributions,
        user_attrs=dict(seen),
        system_attrs={**marks, **(marks_of(trial) if curves else {})},
        intermediate_values=trial.intermediate_values if curves else {},
    )


def row_of_runs(
    study: Study, trial: FrozenTrial, runs: Sequence[Run], mark: Mark, curves: bool
) -> FrozenTrial:
    """The same for a point that run directories know to be done, with the times of its runs."""
    seen = {
        "number": one_or_all(list(mark.numbers.values()), study),
        "seed": one_or_all([run.record.get("seed") for run in runs], study),
        "host": runs[-1].record.get("host"),
        RUN: one_or_all([run.path.name for run in runs], study),
        STATUS: runs[-1].status.value,
        **told_attributes(told_of(runs, study)),
    }
    row = new_row(trial, seen, mark.attributes(), curves)
    row.datetime_start = _on_the_wall(runs[0].start) or row.datetime_start
    row.datetime_complete = _on_the_wall(runs[-1].end) or row.datetime_complete
    return row


def told(status: Status, values: Sequence[float] | None) -> dict[str, Any]:
    """How a run has ended, as a trial says it of each where its point has several; None for no values."""
    return {"status": status.value, "values": None if values is None else list(values)}


def told_of(runs: Sequence[Run], study: Study) -> dict[str, dict[str, Any]]:
    """The same of a point's runs, by repeat; nothing where each point has one."""
    if study.repeats == 1:
        return {}
    return {
        str(run.record.get("repeat", 0)): told(run.status, settled_values(run, study.metric, study.also))
        for run in runs
    }


def told_attributes(found: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """The user attribute of a trial that says it."""
    return {TOLD: dict(found)} if found else {}


def one_or_all(values: list[Any], study: Study) -> Any:
    """What is said of a point's runs: of the one run itself, or a list where each point has several."""
    return values if study.repeats > 1 else values[-1] if values else None


def _on_the_wall(moment: datetime | None) -> datetime | None:
    """A time as Optuna has it: without a zone, the clock on the wall."""
    return None if moment is None else moment.astimezone().replace(tzinfo=None)
