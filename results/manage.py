"""Runs cleared away: to `archive/` in the runs directory, back, and out of it for good; a study removed."""

import os
import shutil
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from results import layout
from results.busy import check_ended, held
from results.chosen import choose, named, place_in
from results.errors import ResultsError
from results.runs import find_runs, is_run
from results.trees import check_free, move, plain_folder, told

if TYPE_CHECKING:
    from results.chosen import RunDirs

RunsDir = str | os.PathLike[str]


def clean_runs(
    runs: "RunDirs | None" = None,
    runs_dir: RunsDir = "runs",
    *,
    keep: int | None = None,
    force: bool = False,
) -> list[Path]:
    """Move runs to `archive/` in the runs directory, where no listing looks; `restore_runs` brings them back.

    Args:
        runs: Which: paths or names of runs or studies, or a table of runs; all by default.
        runs_dir: The directory of all runs.
        keep: So many of them, the newest, stay; at least 0.
        force: Also single runs that have no outcome and whose process seems to be alive.

    Returns:
        Where they lie now, oldest first.

    Raises:
        ResultsError: There is no such run, a run lies elsewhere or is a symbolic link, its study is being
            run, or the archive has a run of that name. Nothing has been moved then.
    """
    root = _runs_dir(runs_dir)
    places = [place_in(path, root) for path in choose(runs, root, keep)]
    for place in places:
        if place.parts[0] == layout.ARCHIVE:
            raise ResultsError(f"{place.name!r} is in the archive already")
    return _move_all(places, root, root / layout.ARCHIVE, root, force)


def restore_runs(runs: "RunDirs | None" = None, runs_dir: RunsDir = "runs") -> list[Path]:
    """Move runs from `archive/` back to where they were.

    Args:
        runs: Which, as they are named in the archive or as they were before; all of it by default.
        runs_dir: The directory of all runs.

    Returns:
        Where they lie now, oldest first.

    Raises:
        ResultsError: There is no such run in the archive, or its place is taken. Nothing has been moved then.
    """
    root = _runs_dir(runs_dir)
    archive = root / layout.ARCHIVE
    moved = _move_all(archived(runs, root), archive, root, root, force=True)
    _sweep(archive)
    return moved


def purge_runs(runs: "RunDirs | None" = None, runs_dir: RunsDir = "runs") -> list[Path]:
    """Delete runs in `archive/` for good; nothing else is touched, and no link is followed.

    Args:
        runs: Which, named as for `restore_runs`; all of the archive by default.
        runs_dir: The directory of all runs.

    Returns:
        Where they were.

    Raises:
        ResultsError: There is no such run in the archive, or it can't be deleted.
    """
    root = _runs_dir(runs_dir)
    archive = root / layout.ARCHIVE
    gone = [archive / place for place in archived(runs, root)]
    for path in gone:
        with told(f"delete {str(path)!r}"):
            shutil.rmtree(path)
    _sweep(archive)
    return gone


def archived(runs: "RunDirs | None", runs_dir: RunsDir) -> list[Path]:
    """The runs that a user means of those in `archive/`, as paths within it, oldest first.

    Raises:
        ResultsError: See `restore_runs`.
    """
    root = Path(runs_dir)
    archive = plain_folder(root / layout.ARCHIVE)
    if not archive.is_dir():
        if runs is not None:
            raise ResultsError(f"nothing is archived in {str(root)!r}")
        return []
    for folder in [archive, *(path for path in archive.iterdir() if path.is_dir())]:
        plain_folder(folder)
    if runs is None:
        return [place_in(path, archive) for path in find_runs(archive)]
    found = [path for name in named(runs) for path in _in_archive(name, root, archive)]
    return sorted(dict.fromkeys(found), key=lambda path: (path.name, path))


def _in_archive(name: str, root: Path, archive: Path) -> list[Path]:
    """The runs of a name, of a path in the archive, or of the path that they had before."""
    path, base = Path(os.path.realpath(name)), Path(os.path.realpath(root))
    places = [Path(name)]
    if path.is_relative_to(base):
        place = path.relative_to(base)
        places.append(place.relative_to(layout.ARCHIVE) if place.parts[:1] == (layout.ARCHIVE,) else place)
    for place in places:
        here = archive / place
        if not place.parts or not here.is_dir() or ".." in place.parts or place.is_absolute():
            continue
        within = [here] if is_run(here) else find_runs(here)
        return [place_in(run, archive) for run in within]
    return [place_in(run, archive) for run in choose(name, archive)]


def remove_study(study: str | os.PathLike[str], runs_dir: RunsDir = "runs") -> list[Path]:
    """Delete a study with all its runs, for good.

    Args:
        study: Its name in `runs_dir`, or its path.
        runs_dir: The directory of all runs.

    Returns:
        What is left of its directory because gridruns didn't write it; empty where the directory is gone.

    Raises:
        ResultsError: It is no study, a symbolic link, lies elsewhere, or is being run. Nothing is gone then.
    """
    root = _runs_dir(runs_dir)
    folder = find_study(study, root)
    with held(folder), told(f"delete {str(folder)!r}"):
        for run in find_runs(folder):
            place_in(run, root)
        for run in find_runs(folder):
            shutil.rmtree(run)
        # study.json is the last but the lock: what was cut off can be done again.
        ours = [path for path in folder.iterdir() if layout.is_study_file(path.name) and not path.is_dir()]
        for path in sorted(ours, key=lambda path: (path.name == layout.LOCK, path.name == layout.STUDY)):
            path.unlink()
        left = sorted(folder.iterdir())
        if not left:
            folder.rmdir()
    return left


def find_study(study: str | os.PathLike[str], runs_dir: RunsDir) -> Path:
    """The directory of a study in the runs directory.

    Raises:
        ResultsError: There is none, it is a symbolic link or lies elsewhere.
    """
    root = Path(runs_dir)
    for folder in (root / study, Path(study)):
        if (folder / layout.STUDY).is_file():
            if len(place_in(folder, root).parts) != 1:
                raise ResultsError(f"{str(folder)!r} doesn't lie in the runs directory {str(root)!r}")
            return folder
    raise ResultsError(f"there is no study {str(study)!r} in {str(root)!r}")


def _runs_dir(runs_dir: RunsDir) -> Path:
    root = Path(runs_dir)
    if not root.is_dir():
        raise ResultsError(f"no directory of runs at {str(root)!r}")
    if (root / layout.STUDY).is_file() or is_run(root):
        raise ResultsError(
            f"runs_dir must be the directory of all runs, but {str(root)!r} is one run or study"
        )
    archive = root / layout.ARCHIVE
    if (plain_folder(archive) / layout.STUDY).exists():
        raise ResultsError(f"{str(archive)!r} is a study, so it can't take archived runs; rename it first")
    return root


def _move_all(places: Iterable[Path], source: Path, target: Path, root: Path, force: bool) -> list[Path]:
    """Move runs from one directory to the same places in another, all or, where any can't, none."""
    places = list(dict.fromkeys(places))  # a link in the runs directory shows a run a second time
    with ExitStack() as locks, told(f"move runs to {str(target)!r}"):
        for study in dict.fromkeys(place.parts[0] for place in places if len(place.parts) == 2):
            plain_folder(target / study)
            locks.enter_context(held(root / study))
        for place in places:
            check_free(source / place, target / place)
            if len(place.parts) == 1 and not force:
                check_ended(source / place)
        for place in places:
            move(source / place, target / place)
    return [target / place for place in places]


def _sweep(archive: Path) -> None:
    """Remove what is empty in the archive but for an index, and then the archive if it is."""
    if not archive.is_dir():
        return
    for folder in [*(path for path in archive.iterdir() if path.is_dir() and not is_run(path)), archive]:
        if {path.name for path in folder.iterdir()} <= {layout.INDEX}:
            (folder / layout.INDEX).unlink(missing_ok=True)
            folder.rmdir()
