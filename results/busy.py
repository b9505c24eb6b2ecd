"""Whether a search is at work on a study or a run, so that nobody moves its directory away from under it."""

import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from results import layout
from results.errors import ResultsError
from results.files import read_json


class BusyError(ResultsError):
    """A search is running what was to be moved or removed."""


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold a study while the block runs, so that no search can start on it; other directories are left alone.

    The lock is the one that a search holds (flock on the study's lock file): the kernel's, which goes with
    the process that holds it.

    Raises:
        BusyError: A search holds it; the message names host, pid and since when.
    """
    if not (folder / layout.STUDY).is_file():
        yield
        return
    with open(folder / layout.LOCK, "a", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BusyError(f"study {folder.name!r} is being run by {_holder(folder)}") from None
        yield


def _holder(folder: Path) -> str:
    found = read_json(folder / layout.LOCK) or {}
    if not {"pid", "host", "since"} <= found.keys():
        return "another process"
    return f"process {found['pid']} on {found['host']} since {found['since']}"


def check_ended(run_dir: Path) -> None:
    """Refuse a single run that may be at work: it has no outcome, and its process lives or can't be asked.

    Raises:
        BusyError: It may run; the message names host and pid.
    """
    if read_json(run_dir / layout.OUTCOME) is not None:
        return
    record: dict[str, Any] = read_json(run_dir / layout.RUN) or {}
    host, pid = record.get("host"), record.get("pid")
    if not isinstance(pid, int) or isinstance(pid, bool) or pid <= 0 or not isinstance(host, str):
        return
    if host != socket.gethostname():
        raise BusyError(f"run {run_dir.name} has no outcome and may be running as process {pid} on {host}")
    if _lives(pid):
        raise BusyError(f"run {run_dir.name} has no outcome and its process {pid} is alive")


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True
