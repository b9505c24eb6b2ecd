"""The directory on a node in which a host keeps what it runs, and what becomes of those that were left."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

LOCK = ".lock"


@contextmanager
def node_folder() -> Iterator[Path]:
    """A directory for as long as the block runs; those of processes that are gone are removed first."""
    stem = f"gridruns-node-{os.getuid()}-"
    for left in Path(tempfile.gettempdir()).glob(f"{stem}*"):
        _remove_left(left)
    begun = Path(tempfile.mkdtemp(prefix="gridruns-begun-"))
    with open(begun / LOCK, "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        folder = begun.rename(begun.with_name(begun.name.replace("gridruns-begun-", stem)))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _remove_left(folder: Path) -> None:
    """Remove a directory whose owner, who held its lock, is gone."""
    with suppress(OSError):
        handle = os.open(folder / LOCK, os.O_RDWR | os.O_NOFOLLOW)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        finally:
            os.close(handle)
