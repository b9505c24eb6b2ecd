"""Runs carried to another machine: a zip with names relative to the runs directory, and back out of it.

What a zip says is not believed: every name, type and size is checked before anything is written.
"""

import os
import shutil
import stat
import zipfile
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from results import layout
from results.busy import held
from results.chosen import choose, place_in
from results.errors import ResultsError
from results.trees import check_free, move, plain_folder, regular_files, scratch, told

if TYPE_CHECKING:
    from results.chosen import RunDirs

RunsDir = str | os.PathLike[str]


def export_runs(to: RunsDir, runs: "RunDirs | None" = None, runs_dir: RunsDir = "runs") -> list[Path]:
    """Write runs, and the study.json of their studies, into a zip file.

    Runs that haven't ended are written as they stand.

    Args:
        to: The file; it doesn't exist yet, and appears when it is whole.
        runs: Which: paths or names of runs or studies, or a table of runs; all by default.
        runs_dir: The directory of all runs; names in the zip begin there.

    Returns:
        The runs in it, oldest first.

    Raises:
        ResultsError: There is no such run, a run lies elsewhere, is or holds a link, or the zip exists.
    """
    root, target = Path(runs_dir), Path(to)
    chosen = choose(runs, root)
    if not chosen:
        raise ResultsError(f"no runs in {str(root)!r} to export")
    check_free(root, target)
    base = Path(os.path.realpath(root))
    places = [place_in(run, root) for run in chosen]
    studies = dict.fromkeys(place.parent for place in places if place.parent != Path())
    with told(f"write {str(target)!r}"), scratch(target.parent) as folder:
        draft = folder / "runs.zip"
        with zipfile.ZipFile(draft, "x", zipfile.ZIP_DEFLATED, strict_timestamps=False) as file:
            for study in studies:
                for path in sorted((base / study).glob("study*.json")):
                    if layout.is_study_file(path.name) and not path.is_symlink():
                        file.write(path, path.relative_to(base))
            for place in places:
                for path in regular_files(base / place, links=False):
                    file.write(path, path.relative_to(base))
        try:
            os.link(draft, target)  # unlike a rename, replaces nothing
        except FileExistsError:
            check_free(root, target)
            raise
    return chosen


def import_runs(file: RunsDir, runs_dir: RunsDir = "runs") -> list[Path]:
    """Take the runs of a zip file that `export_runs` wrote into a runs directory.

    Args:
        file: The zip.
        runs_dir: The directory of all runs; made where it is missing.

    Returns:
        The runs, oldest first.

    Raises:
        ResultsError: It is no zip of runs, it is damaged, a name leads out of the runs directory, something
            in it is a link, there is a run or another study of that name, or the disk has no room. No run has
            been written then.
    """
    root = Path(runs_dir)
    if root.is_dir() and (root / layout.STUDY).is_file():
        raise ResultsError(f"runs_dir must be the directory of all runs, but {str(root)!r} is one study")
    with told(f"import {str(file)!r}"):
        try:
            with zipfile.ZipFile(file) as found:
                return _import(found, root)
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
            raise ResultsError(f"{str(file)!r} is no zip file that can be read: {error}") from None


def _import(found: zipfile.ZipFile, root: Path) -> list[Path]:
    members = {_checked(entry): entry for entry in found.infolist() if not entry.is_dir()}
    if len(members) < sum(not entry.is_dir() for entry in found.infolist()):
        raise ResultsError(f"{found.filename!r} has two files of one name")
    runs = _runs_among(members)
    if not runs:
        raise ResultsError(f"{found.filename!r} holds no runs")
    stray = [name for name in members if not _belongs(name, runs)]
    if stray:
        raise ResultsError(f"{found.filename!r} holds {str(stray[0])!r}, which belongs to no run")
    with scratch(root) as folder:
        size, free = sum(entry.file_size for entry in members.values()), shutil.disk_usage(root).free
        if size > free:
            raise ResultsError(
                f"{found.filename!r} needs {size:,} bytes, but {str(root)!r} has {free:,} free"
            )
        for name, entry in members.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            with found.open(entry) as source, open(folder / name, "xb") as target:
                shutil.copyfileobj(source, target)
        return _settle(folder, sorted(runs, key=lambda run: (run.name, run)), root)


def _checked(entry: zipfile.ZipInfo) -> PurePosixPath:
    """The name of an entry, where it is a plain file's within the runs directory."""
    raw = entry.orig_filename
    parts = raw.split("/")
    if "\\" in raw or "\0" in raw or ":" in parts[0] or any(part in ("", ".", "..") for part in parts):
        raise ResultsError(f"{raw!r} in the zip is no name within a runs directory")
    mode = entry.external_attr >> 16
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        raise ResultsError(f"{raw!r} in the zip is a link or no file")
    return PurePosixPath(raw)


def _runs_among(names: Iterable[PurePosixPath]) -> set[PurePosixPath]:
    """The directories of runs: they have a run.json or a run's name, at the top or in a study."""
    found = set()
    for name in names:
        for depth in (1, 2):
            folder = PurePosixPath(*name.parts[:depth])
            is_record = len(name.parts) == depth + 1 and name.name == layout.RUN
            named = len(name.parts) > depth and layout.RUN_NAME.fullmatch(folder.name) is not None
            hidden = any(part.startswith(".") for part in folder.parts) or folder.parts[0] == layout.ARCHIVE
            if (is_record or named) and not hidden:
                found.add(folder)
                break
    return found


def _belongs(name: PurePosixPath, runs: set[PurePosixPath]) -> bool:
    """Whether a file lies in a run, or is one of a study's own with a run beside it."""
    if any(parent in runs for parent in name.parents):
        return True
    beside = any(run.parent == name.parent for run in runs)
    return len(name.parts) == 2 and beside and name.name != layout.LOCK and layout.is_study_file(name.name)


def _settle(folder: Path, runs: Iterable[PurePosixPath], root: Path) -> list[Path]:
    """Move what has been unpacked to its places, all or, where any is taken, none."""
    runs = list(runs)
    studies = list(dict.fromkeys(run.parent.name for run in runs if len(run.parts) == 2))
    for study in studies:
        _check_study(folder / study, plain_folder(root / study))
    for run in runs:
        check_free(f"{run} of the zip", root / run)
    for study in studies:
        (root / study).mkdir(exist_ok=True)
        for file in sorted((folder / study).glob("study*.json")):
            if not (root / study / file.name).exists():
                os.link(file, root / study / file.name)
        with held(root / study):
            for run in runs:
                if run.parent.name == study:
                    move(folder / run, root / run)
    for run in runs:
        if len(run.parts) == 1:
            move(folder / run, root / run)
    return [root / run for run in runs]


def _check_study(new: Path, here: Path) -> None:
    """Refuse to mix runs of two studies: what both have of study.json, study.1.json ... must be the same."""
    with held(here):
        for file in sorted(new.glob("study*.json")):
            mine = here / file.name
            if mine.exists() and mine.read_bytes() != file.read_bytes():
                raise ResultsError(
                    f"{str(mine)!r} is another study's than {file.name} of {here.name!r} in the zip; import "
                    "into another runs directory"
                )
