"""Runs as directories: making one, closing one, finding them, reading one."""

import contextlib
import os
import socket
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from results import layout
from results.clock import timestamp
from results.errors import ResultsError
from results.files import read_json, write_json
from results.run import Epoch, Run, read_run
from results.status import Status

__all__ = [
    "Epoch",
    "Run",
    "create_run",
    "find_names",
    "find_runs",
    "finish_run",
    "is_run",
    "join",
    "read_run",
]

_OURS = ("id", "start", "host", "pid")


def create_run(parent: str | os.PathLike[str], record: Mapping[str, Any]) -> Path:
    """Make a run's directory below `parent` and write its run.json.

    However many processes do this at once, each gets a directory of its own: `mkdir` decides, and who
    comes second takes the next microsecond.

    Args:
        parent: The runs directory or a study's; made where it is missing.
        record: What is known of it: number, study, script, flags, seed ...; added are id, start, host, pid.

    Returns:
        The directory, `parent`/<start in UTC>; the names sort by time.
    """
    clash = [key for key in _OURS if key in record]
    if clash:
        raise ValueError(
            f"a run's record must leave {', '.join(_OURS)} to create_run, but has {', '.join(clash)}"
        )
    parent = Path(parent)
    parent.mkdir(parents=True, exist_ok=True)
    start = datetime.now(UTC)
    while True:
        run_dir = parent / start.strftime(layout.RUN_NAME_FORMAT)
        try:
            run_dir.mkdir()
            break
        except FileExistsError:
            start += timedelta(microseconds=1)
    ours = {"id": run_dir.name, "start": timestamp(start), "host": socket.gethostname(), "pid": os.getpid()}
    try:
        write_json(run_dir / layout.RUN, {**record, **ours})
    except OSError:
        with contextlib.suppress(OSError):
            run_dir.rmdir()  # nobody could say what it was
        raise
    return run_dir


def finish_run(
    run_dir: str | os.PathLike[str],
    *,
    status: Status,
    reason: str | None = None,
    error: str | None = None,
    exit_code: int | None = None,
    signal: int | str | None = None,
    peak_memory_bytes: int | None = None,
    cpu_seconds: float | None = None,
) -> None:
    """Write a run's outcome.json, the last of its files, so that it survives a power failure.

    An interruption gives way: another search may have noted it that took this one for dead.

    Args:
        run_dir: The run's directory.
        status: How it ended; not `running`.
        reason: Why, in one line.
        error: The traceback of the exception that ended the script.
        exit_code: The exit code of the process.
        signal: The signal that killed it.
        peak_memory_bytes: The most resident memory it held.
        cpu_seconds: User and system time of all its threads.

    Raises:
        ResultsError: The run has ended before.
    """
    if not status.ended:
        raise ValueError(f"a run must end with another status than {status.value!r}")
    path = Path(run_dir) / layout.OUTCOME
    before = read_json(path)
    if before and before.get("status") != Status.INTERRUPTED.value:
        raise ResultsError(f"run {Path(run_dir).name} has ended already: {before.get('status')}")
    outcome = {
        "status": status.value,
        "end": timestamp(),
        "reason": reason,
        "error": error,
        "exit_code": exit_code,
        "signal": signal,
        "peak_memory_bytes": peak_memory_bytes,
        "cpu_seconds": cpu_seconds,
    }
    write_json(path, outcome, durable=True)


def is_run(path: str | os.PathLike[str]) -> bool:
    """Whether a directory is a run's: by its name, or by its run.json."""
    return _is_run(os.fspath(path), Path(path).name)


def find_runs(runs_dir: str | os.PathLike[str]) -> list[Path]:
    """The runs in a runs directory and its studies, in a study, or the one run that `runs_dir` is.

    Left out are the archive of cleaned runs and directories whose name begins with a dot; an archive's own
    path shows what is in it.

    Returns:
        Their directories, each as `runs_dir` with its names joined on, oldest first.

    Raises:
        ResultsError: There is no such directory, or it can't be read.
    """
    return [Path(folder, name) for folder, name in find_names(runs_dir)]


def find_names(runs_dir: str | os.PathLike[str]) -> list[tuple[str, str]]:
    """What `find_runs` returns as text, which costs a tenth: the directory that a run lies in, and its name.

    Raises:
        ResultsError: See `find_runs`.
    """
    root = Path(runs_dir)
    if not os.path.isdir(root):
        raise ResultsError(f"no directory of runs at {str(root)!r}")
    if is_run(root):
        return [(root.parent.as_posix(), root.name)]
    top = root.as_posix()
    found = []
    try:
        folders = [name for name in _folders(top) if not _is_archive(top, name)]
    except OSError as error:
        raise ResultsError(f"can't read {str(root)!r}: {error.strerror}") from None
    for name in folders:
        inside = join(top, name)
        if _is_run(inside, name):
            found.append((top, name))
            continue
        with contextlib.suppress(OSError):  # not ours to read, or deleted meanwhile
            found += [(inside, run) for run in _folders(inside) if _is_run(join(inside, run), run)]
    return sorted(found, key=lambda run: (run[1], run[0]))


def join(folder: str, name: str) -> str:
    """`(Path(folder) / name).as_posix()` at a tenth of the cost."""
    if folder == ".":
        return name
    return f"{folder}{name}" if folder.endswith("/") else f"{folder}/{name}"


def _is_run(path: str, name: str) -> bool:
    return layout.RUN_NAME.fullmatch(name) is not None or os.path.isfile(f"{path}/{layout.RUN}")


def _folders(root: str) -> Iterator[str]:
    with os.scandir(root) as entries:
        for entry in entries:
            if not entry.name.startswith(".") and _is_folder(entry):
                yield entry.name


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False  # a link to itself, say


def _is_archive(top: str, name: str) -> bool:
    """Whether a directory holds cleaned runs; a study may have its name."""
    return name == layout.ARCHIVE and not os.path.isfile(join(join(top, name), layout.STUDY))
