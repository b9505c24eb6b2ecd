"""Runs copied, whole or only what their scripts wrote; nothing that is there is overwritten."""

import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from results import layout
from results.chosen import choose
from results.errors import ResultsError
from results.trees import check_free, free_name, move, regular_files, scratch, told

if TYPE_CHECKING:
    from results.chosen import RunDirs

RunsDir = str | os.PathLike[str]


def copy_run(
    run_dir: "RunDirs", to: RunsDir = ".", rename: str | None = None, runs_dir: RunsDir = "runs"
) -> list[Path]:
    """Copy runs into another directory.

    Symbolic links in a run are copied as links. A copy appears at once, whole.

    Args:
        run_dir: Paths or names of runs or studies, or a table of runs.
        to: The directory that takes the copies, each under its run's name; made where it is missing.
        rename: The name of the copy instead, of one run.
        runs_dir: Where a name is looked for.

    Returns:
        The copies. One whose name is taken gets the next free one (-2, -3 ...), unless `rename` asked for it.

    Raises:
        ResultsError: There is no such run, or the name asked for is taken or can't be one.
    """
    return _copy_each(choose(run_dir, runs_dir), Path(to), rename, _copy_whole)


def copy_run_files(
    run_dir: "RunDirs", to: RunsDir = ".", rename: str | None = None, runs_dir: RunsDir = "runs"
) -> list[Path]:
    """Copy what the script of a run wrote into the run's directory (models, data), nothing of gridruns' own.

    Args:
        run_dir: Paths or names of runs or studies, or a table of runs.
        to: The directory that takes a directory for each run; made where it is missing.
        rename: The name of that directory instead, of one run.
        runs_dir: Where a name is looked for.

    Returns:
        The directories; see `copy_run`.

    Raises:
        ResultsError: See `copy_run`; also where a run has no such files.
    """
    runs = choose(run_dir, runs_dir)
    for run in runs:
        if not own_files(run):
            raise ResultsError(f"the script of run {run.name} wrote no files of its own")
    return _copy_each(runs, Path(to), rename, _copy_own)


def own_files(run_dir: Path) -> list[Path]:
    """The files in a run's directory that its script wrote, relative to it.

    Raises:
        ResultsError: The directory can't be read, or holds what can't be copied.
    """
    with told(f"read {str(run_dir)!r}"):
        found = [path.relative_to(run_dir) for path in regular_files(run_dir, links=True)]
    return [path for path in found if not layout.is_run_file(path.parts)]


def _copy_each(
    runs: Sequence[Path], to: Path, rename: str | None, copy: Callable[[Path, Path], object]
) -> list[Path]:
    if rename is not None:
        if len(runs) != 1:
            raise ResultsError(f"rename names one copy, but {len(runs)} runs are copied")
        if Path(rename).name != rename or rename == "..":
            raise ResultsError(f"rename must be a name without a directory, but got {rename!r}")
        check_free(runs[0], to / rename)
    copies = []
    for run in runs:
        if run.is_symlink():
            raise ResultsError(f"{str(run)!r} is a symbolic link; links aren't followed")
        if Path(os.path.realpath(to)).is_relative_to(os.path.realpath(run)):
            raise ResultsError(f"{str(run)!r} can't be copied into itself, to {str(to)!r}")
    for run in runs:
        with told(f"copy {str(run)!r} to {str(to)!r}"), scratch(to) as folder:
            copy(run, folder / run.name)
            target = to / rename if rename is not None else free_name(to / run.name)
            move(folder / run.name, target)
        copies.append(target)
    return copies


def _copy_whole(run: Path, target: Path) -> None:
    list(regular_files(run, links=True))  # refuses a pipe, which a copy would wait for
    shutil.copytree(run, target, symlinks=True)


def _copy_own(run: Path, target: Path) -> None:
    for path in own_files(run):
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(run / path, target / path, follow_symlinks=False)
