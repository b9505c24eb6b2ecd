"""`confirm`: the best points of a search, trained again with new seeds that they share.

A confirmation is a study of its own beside the search's (docs/decisions/0007-a-confirmation-is-a-study.md):
its space is the table of the points, and each is repeated with every seed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from results import layout
from search.launch import Execution, run_study
from search.past import content
from search.plan import check_count, check_writable
from search.study import Study, StudyError, check_name, derived_seed
from search.study_file import differences, load, read_raw, script_now
from search.study_folder import existing_folder, holds_study, new_folder
from spaces import Space, Value

if TYPE_CHECKING:
    from results.confirmation import Confirmation

SEEDS = 5


@dataclass(frozen=True)
class Point:
    """A point to confirm.

    Attributes:
        values: Of all flags, as the script got them.
        idle: The flags that don't apply there.
    """

    values: Mapping[str, Value]
    idle: frozenset[str]


def confirm(
    study: str | None = None,
    *,
    top: int = 5,
    seeds: int | None = None,
    runs_dir: str | Path = "runs",
    workers: int | str | None = None,
    trial_timeout: float | str | None = None,
    timeout: float | str | None = None,
    memory_limit: int | str | None = None,
    retries: int | None = None,
    keep_going: bool | None = None,
    max_time: float | str | None = None,
    yes: bool = True,
    quiet: bool = False,
) -> "Confirmation":
    """Train the best points of a search again, with new seeds that all of them share.

    The runs are the study `<study>-confirm`. Where that is there already it goes on: what is done stays,
    points that are among the best by now are added, none is taken away.

    Args:
        study: The search's name or directory; None for the latest.
        top: How many points, at least 1: those of `results.points`, the best mean first.
        seeds: How many seeds, at least 2; None for 5, or for as many as the confirmation has.
        runs_dir: The directory of all studies.
        workers: Trials at once; this and the following are as in `tuning_run`. None is as in the search, save
            that `timeout` and `max_time` are not limited.
        trial_timeout: Seconds or text.
        timeout: Seconds or text, for the confirmation.
        memory_limit: Bytes or text.
        retries: At least 0.
        keep_going: Whether to go on when the first trials fail alike.
        max_time: Seconds or text that the confirmation is to fit in.
        yes: Don't ask before starting.
        quiet: Show no plan and no progress.

    Returns:
        What it found (see `results.confirmation`).

    Raises:
        GridrunsError: There is no such study, no point of it has completed, or its script has changed.
        Interrupted: Ctrl-C or SIGTERM; `confirm` again goes on.
    """
    check_count("top", top)
    if seeds is not None:
        _check_seeds(seeds)
    folder = searched_folder(study, runs_dir)
    raw = read_raw(folder)
    search = load(folder, raw, script_now(folder, raw))
    changes = differences(folder, raw, search)
    if changes:
        raise StudyError(f"study {folder.name!r} can't be confirmed: {'; '.join(changes)}")
    found = best_points(folder, search, top)
    if len(found) < top and not quiet:
        click.echo(
            f"{len(found):,} point{'s' * (len(found) > 1)} completed, fewer than the {top:,} asked for"
        )

    from results.confirmation import confirmation
    from results.marks import confirmation_folder

    beside = confirmation_folder(folder)
    check_name(beside.name)
    check_writable(beside.parent)
    before_raw = read_raw(beside) if holds_study(beside) else None
    before = None if before_raw is None else load(beside, before_raw)
    asked = {
        "workers": workers,
        "trial_timeout": trial_timeout,
        "timeout": timeout,
        "memory_limit": memory_limit,
        "retries": retries,
        "keep_going": keep_going,
        "max_time": max_time,
    }
    execution = _execution(search, before, asked)
    points = found if before is None else _united(points_of(before), found)
    spec = _specify(search, beside.name, points, _seeds(seeds, before), execution)
    runner = execution.start(search.script, spec.planned)
    try:
        if before is None or before_raw is None:
            opened = partial(new_folder, beside.parent, beside.name)
        else:
            changed = _check_growth(beside, before_raw, before, spec)
            opened = partial(existing_folder, beside, before_raw, changed=changed)
        run_study(spec, execution, runner, opened, yes=yes, quiet=quiet)
    finally:
        runner.close()
    return confirmation(folder)


def searched_folder(study: str | None, runs_dir: str | Path) -> Path:
    """The directory of a search: of a name or path, or the latest that is no confirmation itself.

    Raises:
        GridrunsError: There is none, or it is a confirmation.
    """
    from results.marks import confirmed_by
    from results.pages.study import latest_study

    root = Path(runs_dir)
    if study is None:
        return latest_study(root)
    for folder in (root / study, Path(study)):
        if (folder / layout.STUDY).is_file():
            break
    else:
        raise StudyError(f"there is no study {study!r} in {str(root)!r}")
    search = confirmed_by(folder)
    if search is not None:
        raise StudyError(
            f"study {folder.name!r} is a confirmation itself: `gridruns confirm {search.name}` continues it"
        )
    return folder


def best_points(folder: Path, search: Study, top: int) -> list[Point]:
    """The best points of a search, as many as have completed if these are fewer.

    Raises:
        ResultsError: None has.
    """
    from results.averages import flags_key, points
    from results.run import read_run
    from results.table import leaderboard

    board = leaderboard(folder, search.metric.name, search.metric.goal)
    board = board[board["completed"].fillna(False) & board["rank"].notna()]
    runs = dict(zip(flags_key(board)[::-1], board["run_dir"][::-1], strict=True))
    found = points(folder, search.metric.name, search.metric.goal).head(top)
    read = [read_run(Path(runs[key])) for key in flags_key(found)]
    return [
        Point({flag.name: run.flags.get(flag.name, flag.default) for flag in search.declared}, run.inactive)
        for run in read
    ]


def points_of(confirming: Study) -> list[Point]:
    """The points of a confirmation that is there."""
    space = confirming.space
    known = [space.point(place) for place in range(space.size or 0)]
    return [Point(confirming.values(point), frozenset(confirming.inactive(point))) for point in known]


def _united(first: Sequence[Point], then: Sequence[Point]) -> list[Point]:
    """All points, each once, in their order."""
    found = {content(point.values): point for point in reversed([*first, *then])}
    return [found[key] for key in dict.fromkeys(content(point.values) for point in [*first, *then])]


def _specify(search: Study, name: str, points: Sequence[Point], seeds: int, execution: Execution) -> Study:
    """The study that confirms points of a search."""
    from pandas import DataFrame

    columns = [
        flag.name
        for flag in search.declared
        if flag.name in search.space.names
        or any(content({"": p.values[flag.name]}) != content({"": search.base[flag.name]}) for p in points)
    ]
    rows = [{column: point.values[column] for column in columns} for point in points]
    pairs = list(zip(rows, points, strict=True))
    space = Space.from_frame(DataFrame(rows, columns=columns, dtype=object)).checked(search.declared)
    return replace(
        search,
        name=name,
        base={flag: value for flag, value in search.base.items() if flag not in columns},
        space=space,
        planned=len(points) * seeds,
        sampler="grid",
        order="grid",
        seed=derived_seed(search.seed, "confirm"),
        pruner=None,
        repeats=seeds,
        allow_duplicates=False,
        earlier=(),
        sample=None,
        execution=execution.to_json(),
        rerun={},
        storage=None,
        idle={space.key(row): sorted(point.idle) for row, point in pairs if point.idle},
    )


def _execution(search: Study, before: Study | None, asked: Mapping[str, Any]) -> Execution:
    """How the confirmation is run: as the search was, without its limits of time, or as it is asked."""
    recorded = {**search.execution, "timeout": None, "max_time": None} if before is None else before.execution
    return Execution.changed(recorded, asked)


def _seeds(asked: int | None, before: Study | None) -> int:
    if before is None:
        return SEEDS if asked is None else asked
    if asked is not None and asked < before.repeats:
        raise StudyError(f"study {before.name!r} has {before.repeats} seeds already, but got {asked}")
    return before.repeats if asked is None else asked


def _check_seeds(seeds: int) -> None:
    check_count("seeds", seeds)
    if seeds < 2:
        raise StudyError(f"seeds must be at least 2, since one has no interval, but got {seeds}")


def _check_growth(folder: Path, raw: Mapping[str, Any], before: Study, spec: Study) -> bool:
    """Whether a confirmation gets more points or seeds.

    Raises:
        StudyError: It isn't of what the search is now.
    """
    alike = replace(
        spec, space=before.space, repeats=before.repeats, planned=before.planned, base=before.base
    )
    changes = differences(folder, raw, alike)
    if changes:
        raise StudyError(
            f"study {folder.name!r} confirms something else than the search is now: {'; '.join(changes)}. "
            f"`gridruns rm {folder.name}` makes room for a new one"
        )
    return bool(differences(folder, raw, spec))
