"""What a search that is gone has left: a trial in the database, and runs where its directory is shared."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from optuna.trial import FrozenTrial, TrialState

from results import layout
from results.run import Run, read_run
from results.runs import find_runs
from results.status import Status
from search.past import to_be_rerun
from search.storage.board import STATUS, Mark


def is_released(trial: FrozenTrial, rerun: Mapping[Status, datetime]) -> bool:
    """Whether the end of a trial says nothing about its point: it was left, or it is to be run again.

    Args:
        trial: It has ended.
        rerun: Ends whose points the user wants to be run again (see `Study.rerun`).
    """
    if trial.state is not TrialState.FAIL:
        return False
    status, start = trial.user_attrs.get(STATUS), trial.datetime_start
    return status == Status.INTERRUPTED or to_be_rerun(status, start and start.astimezone(), rerun)


def runs_left(folder: Path, trial: FrozenTrial, mark: Mark) -> list[Run]:
    """The runs of another search's trial in a study's directory; none where that search has another one.

    Args:
        folder: The directory.
        trial: The trial.
        mark: Its mark.
    """
    start = trial.datetime_start
    if start is None or not folder.is_dir():
        return []
    first = start.astimezone(UTC).strftime(layout.RUN_NAME_FORMAT)
    runs = [read_run(path) for path in find_runs(folder) if path.name >= first]
    owner, numbers = mark.owner, mark.numbers.values()

    def belongs(record: Mapping[str, Any]) -> bool:
        whose = (record.get("host"), record.get("pid"))
        return whose == (owner.host, owner.pid) and record.get("number") in numbers

    return [run for run in runs if belongs(run.record)]
