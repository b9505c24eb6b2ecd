"""Arrays that are computed once on a machine and then shared by every process that asks for them.

They lie in `.npy` files below Keras' folder (KERAS_HOME, or ~/.keras) and are mapped into memory, read-only:
the trials of a search that run at once hold them once, and none computes them again.
"""

import fcntl
import os
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Arrays = Mapping[str, NDArray[Any]]


def shared(key: str, make: Callable[[], Arrays]) -> Arrays:
    """The arrays of `make()`, from disk where an earlier call with this key has put them.

    Args:
        key: A file name that tells all that the arrays depend on.
        make: Computes them.

    Returns:
        Read-only arrays; those of `make()` themselves where this process can't keep or read them there.
    """
    try:
        folder = _home() / "shared" / key
    except RuntimeError:  # a user without a home
        return make()
    found = _found(folder)
    if found:
        return found
    made = make()
    with suppress(OSError):  # another process was first, a full disk, a read-only home
        _keep(folder, made)
    return _found(folder) or made


def _home() -> Path:
    return Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")


def _found(folder: Path) -> Arrays:
    """The arrays of a folder; none where it isn't there, is damaged, or this user may not read it."""
    try:
        return {file.stem: np.load(file, mmap_mode="r", allow_pickle=False) for file in folder.glob("*.npy")}
    except (OSError, ValueError, EOFError):
        return {}


def _keep(folder: Path, arrays: Arrays) -> None:
    """Write a folder of arrays; it appears whole or not at all, whoever else writes it."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = folder.with_name(f"{folder.name}.part")
    with folder.with_name(f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # free again when the process ends, however it ends
        with suppress(FileNotFoundError):
            folder.rmdir()  # only an empty one: with arrays in it, it stays and this raises
        shutil.rmtree(scratch, ignore_errors=True)  # what a killed process left
        scratch.mkdir()
        try:
            for name, array in arrays.items():
                with (scratch / f"{name}.npy").open("wb") as file:
                    np.save(file, array, allow_pickle=False)
                    file.flush()
                    os.fsync(file.fileno())
            scratch.rename(folder)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
