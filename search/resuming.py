"""`resume`: going on with a study where it stopped."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from search.launch import Execution, run_study
from search.past import ends_to_rerun
from search.pruners import read_pruner
from search.samplers import resumed_sampler
from search.storage.address import read_address
from search.storage.link import chosen_storage, opened_link
from search.study import Study, StudyError
from search.study_file import differences, load, read_raw, script_now
from search.study_folder import existing_folder, find_study, holds_study, shared_folder

if TYPE_CHECKING:
    import pandas as pd


def resume(
    study: str | None = None,
    *,
    runs_dir: str | Path = "runs",
    sampler: Any = None,
    pruner: Any = None,
    workers: int | str | None = None,
    trial_timeout: float | str | None = None,
    timeout: float | str | None = None,
    memory_limit: int | str | None = None,
    retries: int | None = None,
    keep_going: bool | None = None,
    max_time: float | str | None = None,
    address: str | None = None,
    cpus_per_trial: float | None = None,
    gpus_per_trial: float | None = None,
    rerun: str | Sequence[str] = (),
    storage: str | None = None,
    yes: bool = True,
    quiet: bool = False,
) -> "pd.DataFrame":
    """Go on with a study: what is done stays, what was cut off is run again, the rest follows.

    Args:
        study: Its name or directory; None for the latest that isn't finished. Later ones that can't go on,
            because their script is gone, say, are passed over, and named on standard error.
        runs_dir: The directory of all studies.
        sampler: Of a study whose sampler was an object, such an object again.
        pruner: The same of the pruner.
        workers: Trials at once; this and the following are as in `tuning_run`, and as they were when None.
        trial_timeout: Seconds or text.
        timeout: Seconds or text, for this search.
        memory_limit: Bytes or text.
        retries: At least 0.
        keep_going: Whether to go on when the first trials fail alike.
        max_time: Seconds or text that this search is to fit in.
        address: Of a study on a Ray cluster, where that is now.
        cpus_per_trial: CPUs of a trial there.
        gpus_per_trial: GPUs of a trial there.
        rerun: Ends without a result, such as "failed" or "timeout", whose points are run again; their runs
            stay. The study remembers it: a later `resume` goes on with them.
        storage: The database of the study, as in `tuning_run`; None for the one it has, if it has one, with
            the password from libpq's own places (PGPASSWORD, .pgpass). "none" leaves it.
        yes: Don't ask before starting.
        quiet: Show no plan and no progress.

    Returns:
        The runs of the study as a leaderboard, best first.

    Raises:
        GridrunsError: There is no such study, another search runs it, or its script has changed.
        Interrupted: Ctrl-C or SIGTERM; it can be resumed again.
    """
    ends = ends_to_rerun(rerun)
    folder = find_study(study, Path(runs_dir), lambda words: click.echo(words, err=True), ends)
    holds_study(folder)
    raw = read_raw(folder)
    script = script_now(folder, raw)
    spec = load(folder, raw, script)
    spec = replace(spec, sampler=resumed_sampler(spec.sampler, sampler))
    if pruner is not None:
        spec = replace(spec, pruner=read_pruner(pruner))
    changes = differences(folder, raw, spec)
    if changes:
        raise StudyError(
            f"study {folder.name!r} can't be resumed: {'; '.join(changes)}. "
            "`gridruns tune` with its --study name and --extend goes on with what is there now"
        )
    asked: dict[str, Any] = {
        "workers": workers,
        "trial_timeout": trial_timeout,
        "timeout": timeout,
        "memory_limit": memory_limit,
        "retries": retries,
        "keep_going": keep_going,
        "max_time": max_time,
        "address": address,
        "cpus_per_trial": cpus_per_trial,
        "gpus_per_trial": gpus_per_trial,
    }
    spec = replace(spec, rerun={**spec.rerun, **dict.fromkeys(ends, datetime.now(UTC))})
    execution = Execution.changed(spec.execution, asked)
    url = chosen_storage(storage, spec)
    if url is not None:
        read_address(url)
    runner = execution.start(script, spec.planned)
    try:
        with opened_link(url) as link:
            recorded, spec = spec.storage, replace(spec, storage=None if link is None else link.public)
            opened: Callable[[Study], AbstractContextManager[Path]]
            if link is None:
                changed = bool(ends) or recorded is not None
                opened = partial(existing_folder, folder, raw, changed=changed)
            else:
                opened = partial(shared_folder, folder, turn=link.turn(folder.name))
            run_study(spec, execution, runner, opened, link=link, yes=yes, quiet=quiet)
    finally:
        runner.close()
    from results import leaderboard

    return leaderboard(folder)
