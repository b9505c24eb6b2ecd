"""The directory of a study, made or found, and held while a search runs it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from results import layout
from results.files import read_json
from search.lock import study_lock
from search.past import read_past
from search.record import mark_cut_off, recording_in
from search.script import read_script
from search.study import Study, StudyError, claim_folder
from search.study_file import load, save, script_path


def holds_study(folder: Path) -> bool:
    """Whether a directory is a study's that no other search is running.

    Raises:
        StudyError: It is a directory of something else.
        StudyLockedError: Another search is running it.
    """
    if not folder.exists():
        return False
    if not (folder / layout.STUDY).is_file() and not _hardly_begun(folder):
        raise StudyError(f"{str(folder)!r} exists and is no study (no {layout.STUDY}); choose another name")
    with study_lock(folder):
        return (folder / layout.STUDY).is_file()


def _hardly_begun(folder: Path) -> bool:
    """Whether a directory is empty, or what a search leaves that was killed before it wrote study.json."""
    return folder.is_dir() and all(
        name == layout.LOCK or name.startswith(f".{layout.STUDY}.") for name in os.listdir(folder)
    )


@contextmanager
def new_folder(runs_dir: Path, name: str | None, study: Study) -> Iterator[Path]:
    """Make a study's directory with its study.json and hold it.

    Args:
        runs_dir: The directory of all studies.
        name: The name asked for, or None for one from script and time.
        study: What is searched.

    Raises:
        StudyError: The name is taken, or the directory can't be made.
        RecordingError: study.json can't be written.
    """
    if name is not None and _hardly_begun(runs_dir / name):
        folder = runs_dir / name
    else:
        folder = claim_folder(runs_dir, study.script, name)
    with study_lock(folder):
        if (folder / layout.STUDY).exists():
            raise StudyError(f"another search has made the study {folder.name!r} meanwhile; resume it")
        with recording_in(folder):
            save(study.named(folder.name), folder)
        yield folder


@contextmanager
def existing_folder(folder: Path, study: Study, changed: bool) -> Iterator[Path]:
    """Hold a study's directory, with an outcome for each run that was cut off.

    Args:
        folder: The directory.
        study: What is searched now.
        changed: Whether study.json is to be replaced.
    """
    with study_lock(folder):
        mark_cut_off(folder)
        if changed:
            with recording_in(folder):
                save(study, folder)
        yield folder


def find_study(name: str | None, runs_dir: Path) -> Path:
    """The directory of the study of a name or path; of the latest unfinished one without a name.

    Raises:
        StudyError: There is none.
    """
    if name is not None:
        for folder in (runs_dir / name, Path(name)):
            if (folder / layout.STUDY).is_file():
                return folder
        raise StudyError(f"there is no study {name!r} in {str(runs_dir)!r}")
    studies = [path.parent for path in runs_dir.glob(f"*/{layout.STUDY}")]
    for folder in sorted(studies, key=_created, reverse=True):
        if unfinished(folder):
            return folder
    raise StudyError(f"there is no unfinished study in {str(runs_dir)!r}")


def _created(folder: Path) -> str:
    return str((read_json(folder / layout.STUDY) or {}).get("created", ""))


def unfinished(folder: Path) -> bool:
    """Whether a study has trials in its plan that no run settles."""
    study = load(folder, read_script(script_path(folder)))
    retries = int(study.execution.get("retries", 1))
    return len(read_past(folder, study.declared, retries).finals) < study.planned
