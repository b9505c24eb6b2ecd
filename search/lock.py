"""One search at a time on one study: a lock that ends with the process that holds it."""

import fcntl
import json
import os
import socket
from collections.abc import Iterator
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
def study_lock(folder: Path, shared: bool = False) -> Iterator[None]:
    """Hold a study while the block runs.

    The lock is the kernel's (flock) and goes with the process, however that ends; the file's content only
    says who holds it, and is taken back at the end. A file left by a dead process is simply locked again.

    Args:
        folder: The study's directory.
        shared: Hold it beside others that do so too, whom a database keeps apart; the file names nobody.

    Raises:
        StudyLockedError: It is held; the message names host, pid and since when.
        RecordingError: The file can't be written or locked.
    """
    path = folder / layout.LOCK
    with recording_in(path):
        file = FileIO(path, "ab+")  # over NFS a shared lock needs a file open for reading
    with file:
        with recording_in(path):
            held = _take(file, shared)
        if not held:
            raise _held(folder, read_json(path) or {})
        try:
            yield
        finally:
            # What can't be taken back does no harm once this process has ended.
            if not shared:
                with suppress(OSError):
                    file.truncate(0)
            # A process that an inline script has forked holds the file open, and would hold the lock.
            fcntl.flock(file, fcntl.LOCK_UN)


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


def _take(file: FileIO, shared: bool) -> bool:
    """Lock the file and write into it who did; false where another process has locked it."""
    try:
        fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    if shared:
        return True
    file.truncate(0)
    holder = {"host": socket.gethostname(), "pid": os.getpid(), "since": timestamp()}
    file.write(json.dumps(holder).encode())
    return True


def _held(folder: Path, holder: dict[str, Any]) -> StudyLockedError:
    who = "another process"
    if holder.keys() >= {"pid", "host", "since"}:
        who = f"process {holder['pid']} on {holder['host']} since {holder['since']}"
    return StudyLockedError(f"study {folder.name!r} is being run by {who}")
