"""The directory of a study, made or found, and held while a search runs it."""

import os
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gridruns import GridrunsError
from results import layout
from results.files import read_json
from results.status import Status
from search.lock import check_free, shared_lock, study_lock
from search.past import RERUN, Past, point_of, read_past
from search.record import mark_cut_off, recording_in
from search.study import Study, StudyError, check_name, claim_folder
from search.study_file import differences, load, read_raw, save, script_now, to_json


def holds_study(folder: Path) -> bool:
    """Whether a directory is a study's, of which no other search is known to be running.

    Nothing is locked for that, so that a search that starts at this moment isn't disturbed; its study may
    appear or be taken just after the answer.

    Raises:
        StudyError: It is a directory of something else.
        StudyLockedError: Another search is running it.
    """
    if not folder.exists() or _hardly_begun(folder):
        return False
    if not (folder / layout.STUDY).is_file():
        raise StudyError(f"{str(folder)!r} exists and is no study (no {layout.STUDY}); choose another name")
    check_free(folder)
    return True


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
def existing_folder(folder: Path, raw: Mapping[str, Any], study: Study, *, changed: bool) -> Iterator[Path]:
    """Hold a study's directory, with an outcome for each run that was cut off.

    Args:
        folder: The directory.
        raw: The study.json with which the study was compared; another may have been written since.
        study: What is searched now.
        changed: Whether study.json is to be replaced.

    Raises:
        StudyError: study.json is another one by now.
        StudyLockedError: Another search holds the study.
    """
    with study_lock(folder):
        if read_raw(folder) != raw:
            raise StudyError(
                f"study {folder.name!r} has been changed by another search just now; give the command again"
            )
        mark_cut_off(folder)
        if changed:
            with recording_in(folder):
                save(study, folder)
        yield folder


@contextmanager
def shared_folder(
    folder: Path, study: Study, turn: AbstractContextManager[object], extended: bool = False
) -> Iterator[Path]:
    """Hold a directory of a study that is in a database, new or not, beside searches of other machines.

    Where others hold it, no run gets an outcome here: it may be running. One whose search is gone gets it
    from who takes its point over.

    Args:
        folder: The directory; several machines may share it.
        study: What is searched, as the database has it.
        turn: Keeps the other machines out while study.json is looked at.
        extended: Whether the study may differ from study.json.

    Raises:
        StudyError: The directory can't be made, or holds another study.
        StudyLockedError: A search that doesn't use the database holds it.
    """
    check_name(folder.name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StudyError(f"can't make the directory {str(folder)!r}: {error.strerror}") from None
    with ExitStack() as held:
        with turn, recording_in(folder):
            held.enter_context(shared_lock(folder, when_alone=lambda: mark_cut_off(folder)))
            _save_shared(folder, study, extended)
        yield folder


def _save_shared(folder: Path, study: Study, extended: bool) -> None:
    """Write study.json unless it says the same already."""
    if not (folder / layout.STUDY).exists():
        save(study, folder)
        return
    raw = read_raw(folder)
    changes = differences(folder, raw, study)
    if changes and not extended:
        raise StudyError(f"study {folder.name!r} isn't the one in the database: {'; '.join(changes)}")
    now = to_json(study)
    if changes or any(raw.get(name) != now[name] for name in ("planned", "storage", "rerun")):
        save(study, folder)


def find_study(
    name: str | None, runs_dir: Path, say: Callable[[str], None], rerun: Collection[Status] = ()
) -> Path:
    """The directory of the study of a name or path; without a name of the latest unfinished one.

    Args:
        name: The name or path, or None.
        runs_dir: The directory of all studies.
        say: Told of each study, later than the one that is found, that can't go on.
        rerun: Ends that leave a study unfinished.

    Raises:
        StudyError: There is none.
    """
    if name is not None:
        for folder in (runs_dir / name, Path(name)):
            if (folder / layout.STUDY).is_file():
                return folder
        raise StudyError(f"there is no study {name!r} in {str(runs_dir)!r}")
    studies = [path.parent for path in runs_dir.glob(f"*/{layout.STUDY}")]
    stuck = []
    for folder in sorted(studies, key=_created, reverse=True):
        try:
            raw = read_raw(folder)
            if not unfinished(folder, load(folder, raw), rerun):
                continue
            script_now(folder, raw)
        except GridrunsError as error:
            stuck.append(f"study {folder.name!r} can't go on: {error}")
            continue
        for words in stuck:
            say(words)
        return folder
    but = f"; {'; '.join(stuck)}" if stuck else ""
    raise StudyError(f"there is no unfinished study in {str(runs_dir)!r}{but}")


def _created(folder: Path) -> str:
    return str((read_json(folder / layout.STUDY) or {}).get("created", ""))


def unfinished(folder: Path, study: Study, rerun: Collection[Status] = ()) -> bool:
    """Whether a study has trials in its plan that no run settles; an open plan is never at its end.

    Of a study in a database that other machines have settled some of them is known from there.

    Args:
        folder: Its directory.
        study: What is searched.
        rerun: Ends that settle nothing, besides those that the study says.

    Raises:
        StorageError: The study's database can't be used.
    """
    past = _past(folder, study, rerun)
    settled = {key for key in past.finals if point_of(key, study) is not None}
    if study.planned is None:
        return True
    if len(settled) < study.planned and study.storage is not None and not rerun:
        from search.storage.link import settled_runs

        return len(settled | settled_runs(study)) < study.planned
    if len(settled) < study.planned:
        return True
    if study.sampler != "grid":
        return False
    # Some of the runs may be of points that aren't in the plan.
    from search.engine import study_sampler
    from search.schedule import Schedule

    return next(Schedule(study, study_sampler(study), past).assignments(), None) is not None


def without_result(folder: Path) -> Counter[Status]:
    """How many points of a study are settled without a result, by the end of the run that settles them."""
    study = load(folder, read_raw(folder))
    finals = _past(folder, study).finals
    return Counter(
        run.status for key, run in finals.items() if run.status in RERUN and point_of(key, study) is not None
    )


def _past(folder: Path, study: Study, rerun: Collection[Status] = ()) -> Past:
    now = datetime.now(UTC)
    retries = study.execution.get("retries", 1)
    return read_past(folder, study.declared, retries, {**study.rerun, **dict.fromkeys(rerun, now)})
