"""One search at a time on one study: a lock that ends with the process that holds it."""

import fcntl
import json
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path
from typing import Any

from gridruns import GridrunsError
from results import layout
from results.clock import timestamp
from results.files import read_json
from results.owner import gone
from search.record import recording_in


class StudyLockedError(GridrunsError):
    """Another search is running the study."""


@contextmanager
def study_lock(folder: Path) -> Iterator[None]:
    """Hold a study while the block runs.

    The lock is the kernel's (flock) and goes with the process, however that ends; the file's content only
    says who holds it, and is taken back at the end. A file left by a dead process is simply locked again.

    Raises:
        StudyLockedError: It is held; the message names host, pid and since when.
        RecordingError: The file can't be written or locked.
    """
    with _opened(folder) as file:
        with recording_in(folder / layout.LOCK):
            held = _take(file, fcntl.LOCK_EX)
            if held:
                _sign(file)
        if not held:
            raise _held(folder)
        try:
            yield
        finally:
            # What can't be taken back does no harm once this process has ended.
            with suppress(OSError):
                file.truncate(0)


@contextmanager
def shared_lock(folder: Path, when_alone: Callable[[], None]) -> Iterator[bool]:
    """Hold a study while the block runs, beside others that hold it so; a database keeps them apart.

    The file names nobody. What `study_lock` refuses is refused here too, and the other way round.

    Args:
        folder: The study's directory.
        when_alone: Called where nobody else holds it, before anybody else can. No other process may ask for a
            shared lock of this study at the same time.

    Yields:
        Whether nobody else held it.

    Raises:
        StudyLockedError: A search that is alone on it holds it.
        RecordingError: The file can't be written or locked.
    """
    with _opened(folder) as file:
        with recording_in(folder / layout.LOCK):
            alone = _take(file, fcntl.LOCK_EX)
        if alone:
            when_alone()
        with recording_in(folder / layout.LOCK):
            held = _take(file, fcntl.LOCK_SH)
        if not held:
            raise _held(folder)
        yield alone


def check_free(folder: Path) -> None:
    """Refuse a study of which another living process of this machine says that it holds it.

    It only reads, so that it is in nobody's way. Whether a search may run is for `study_lock` to say.

    Raises:
        StudyLockedError: The message names host, pid and since when.
    """
    holder: dict[str, Any] = read_json(folder / layout.LOCK) or {}
    pid = holder.get("pid")
    if holder.get("host") != socket.gethostname() or type(pid) is not int or pid <= 0 or pid == os.getpid():
        return
    try:
        since = datetime.fromisoformat(holder["since"]).astimezone(UTC)
    except (KeyError, TypeError, ValueError, OverflowError):
        return
    if gone(holder, since) is None:
        raise _held(folder, holder)


@contextmanager
def _opened(folder: Path) -> Iterator[FileIO]:
    path = folder / layout.LOCK
    with recording_in(path):
        file = FileIO(path, "ab+")  # over NFS a shared lock needs a file open for reading
    with file:
        try:
            yield file
        finally:
            # A process that an inline script has forked holds the file open, and would hold the lock.
            fcntl.flock(file, fcntl.LOCK_UN)


def _take(file: FileIO, how: int) -> bool:
    """Lock the file; false where another process has locked it."""
    try:
        fcntl.flock(file, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _sign(file: FileIO) -> None:
    """Write into the file who has locked it."""
    file.truncate(0)
    holder = {"host": socket.gethostname(), "pid": os.getpid(), "since": timestamp()}
    file.write(json.dumps(holder).encode())


def _held(folder: Path, holder: dict[str, Any] | None = None) -> StudyLockedError:
    holder = read_json(folder / layout.LOCK) or {} if holder is None else holder
    who = "another process"
    if holder.keys() >= {"pid", "host", "since"}:
        who = f"process {holder['pid']} on {holder['host']} since {holder['since']}"
    return StudyLockedError(f"study {folder.name!r} is being run by {who}")
