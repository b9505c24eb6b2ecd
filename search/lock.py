"""One search at a time on one study: a lock that ends with the process that holds it."""

import fcntl
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path

from gridruns import GridrunsError
from results import layout
from results.clock import timestamp
from results.files import read_json
from search.record import recording_in


class StudyLockedError(GridrunsError):
    """Another search is running the study."""


@contextmanager
def study_lock(folder: Path) -> Iterator[None]:
    """Hold a study while the block runs.

    The lock is the kernel's (flock) and goes with the process, however that ends; the file's content only
    says who holds it. A file left by a dead process is simply locked again.

    Raises:
        StudyLockedError: It is held; the message names host, pid and since when.
        RecordingError: The file can't be written or locked.
    """
    path = folder / layout.LOCK
    with recording_in(path):
        file = FileIO(path, "ab")
    with file:
        with recording_in(path):
            held = _take(file)
        if not held:
            raise StudyLockedError(f"study {folder.name!r} is being run by {_holder(path)}")
        yield


def _take(file: FileIO) -> bool:
    """Lock the file and write into it who did; false where another process has locked it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    file.truncate(0)
    holder = {"host": socket.gethostname(), "pid": os.getpid(), "since": timestamp()}
    file.write(json.dumps(holder).encode())
    return True


def _holder(path: Path) -> str:
    holder = read_json(path) or {}
    if not holder.keys() >= {"pid", "host", "since"}:
        return "another process"
    return f"process {holder['pid']} on {holder['host']} since {holder['since']}"
