"""Arrays that are computed once on a machine and then shared by every process that asks for them.

They lie in `.npy` files below Keras' folder (KERAS_HOME, or ~/.keras) and are mapped into memory, read-only:
the trials of a search that run at once hold them once, and none computes them again.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
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
        Read-only arrays; those of `make()` themselves where nothing can be written below Keras' folder.
    """
    folder = _home() / "shared" / key
    if not folder.is_dir():
        made = make()
        try:
            _keep(folder, made)
        except OSError:  # a full disk or a read-only home: every process then holds its own
            return made
    return {file.stem: np.load(file, mmap_mode="r", allow_pickle=False) for file in folder.glob("*.npy")}


def _home() -> Path:
    return Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")


def _keep(folder: Path, arrays: Arrays) -> None:
    """Write a folder of arrays; it appears whole or not at all, whoever else writes it."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(dir=folder.parent))
    try:
        for name, array in arrays.items():
            with (scratch / f"{name}.npy").open("wb") as file:
                np.save(file, array, allow_pickle=False)
                file.flush()
                os.fsync(file.fileno())
        scratch.rename(folder)
    except OSError:
        if not folder.is_dir():  # otherwise another process was first
            raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
