"""What a search that is gone has left: a trial in the database, and runs where its directory is shared."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from optuna.trial import FrozenTrial, TrialState

from results import layout
from results.run import Run, read_run
from results.runs import find_runs
from results.status import Status
from search.past import to_be_rerun
from search.storage.marks import RELEASED, STATUS, TOLD, Mark


def is_released(trial: FrozenTrial, rerun: Mapping[Status, datetime]) -> bool:
    """Whether the end of a trial says nothing about its point: it was left, or it is to be run again.

    Args:
        trial: It has ended.
        rerun: Ends whose points the user wants to be run again (see `Study.rerun`).
    """
    mark = Mark.of(trial)
    if mark is None:
        return False
    if len(told_runs(trial, mark, rerun)) < len(trial.user_attrs.get(TOLD, {})):
        return True
    if trial.state is not TrialState.FAIL:
        return False
    status = trial.user_attrs.get(STATUS)
    left = status == Status.INTERRUPTED or RELEASED in trial.system_attrs
    return left or to_be_rerun(status, mark.begun, rerun)


def told_runs(
    trial: FrozenTrial, mark: Mark, rerun: Mapping[Status, datetime]
) -> dict[int, tuple[float, ...] | None]:
    """The values of those runs of a trial's point that needn't be run again, by repeat; None for a bad end.

    Args:
        trial: Whatever its state.
        mark: Its mark.
        rerun: Ends whose points the user wants to be run again.
    """
    return {
        int(repeat): None if told["values"] is None else tuple(told["values"])
        for repeat, told in trial.user_attrs.get(TOLD, {}).items()
        if not to_be_rerun(told["status"], mark.begun, rerun)
    }


def runs_left(folder: Path, mark: Mark) -> list[Run]:
    """The runs of another search's trial in a study's directory; none where that search has another one.

    Args:
        folder: The directory.
        mark: The mark of the trial.
    """
    if not folder.is_dir():
        return []
    first = mark.begun.strftime(layout.RUN_NAME_FORMAT)
    runs = [read_run(path) for path in find_runs(folder) if path.name >= first]
    owner, numbers = mark.owner, mark.numbers.values()

    def belongs(record: Mapping[str, Any]) -> bool:
        whose = (record.get("host"), record.get("pid"))
        return whose == (owner.host, owner.pid) and record.get("number") in numbers

    return [run for run in runs if belongs(run.record)]
