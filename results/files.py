"""JSON files that are whole or absent, and files of JSON lines whose last line may be torn."""

import contextlib
import json
import math
import os
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

# Also RecursionError: a file may be garbage, and garbage may be ten thousand brackets.
_UNREADABLE = (OSError, ValueError, RecursionError)
_NONFINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def encode(obj: Any) -> str:
    """`obj` as one line of valid JSON: NaN and infinities as text, NumPy scalars as the numbers they are.

    Raises:
        TypeError: It holds something that JSON has no form for.
    """
    try:
        return json.dumps(obj, allow_nan=False)
    except (ValueError, TypeError):
        return json.dumps(_plain(obj), allow_nan=False)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if not isinstance(value, int | float | str) and value is not None and getattr(value, "shape", None) == ():
        return _plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
    return value


def number(value: Any) -> float | None:
    """A metric's value as `encode` wrote it, or None where it isn't one."""
    if isinstance(value, str):
        return _NONFINITE.get(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value)
    except OverflowError:
        return None


def write_json(path: str | os.PathLike[str], obj: Any, *, durable: bool = False) -> None:
    """Put `obj` as JSON at `path`, at once: a reader finds the old content or the new, never a part.

    Args:
        path: The file; its directory exists.
        obj: What `encode` takes.
        durable: Return only when the content would survive a power failure.

    Raises:
        TypeError: See `encode`.
        OSError: It can't be written; `path` is as it was.
    """
    replace(path, (encode(obj) + "\n").encode(), durable=durable)


def replace(path: str | os.PathLike[str], data: bytes, *, durable: bool = False) -> None:
    """Put `data` at `path`, at once: a reader finds the old content or the new, never a part.

    Args:
        path: The file; its directory exists.
        data: All of its content.
        durable: Return only when the content would survive a power failure.

    Raises:
        OSError: It can't be written; `path` is as it was.
    """
    path = Path(path)
    temporary = path.parent / f".{path.name}.{os.getpid()}-{threading.get_ident()}.tmp"
    try:
        with open(temporary, "wb", buffering=0) as file:
            write_all(file.fileno(), data)
            if durable:
                os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
    if durable and hasattr(os, "O_DIRECTORY"):  # Windows opens no directories
        _sync_directory(path.parent)


def write_all(handle: int, data: bytes) -> None:
    """Write all of `data` to a file descriptor, in one system call where the disk has room."""
    while data:
        data = data[os.write(handle, data) :]


def _sync_directory(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read_json(path: str | os.PathLike[str]) -> dict[str, Any] | None:
    """The object in a JSON file; None where the file is missing, torn, unreadable or holds no object."""
    try:
        with open(path, "rb") as file:
            found = json.loads(file.read())
    except _UNREADABLE:
        return None
    return found if isinstance(found, dict) else None


def read_lines(path: str | os.PathLike[str]) -> list[dict[str, Any]]:
    """The objects in a file of JSON lines, without the lines that are torn or hold no object."""
    return scan_lines(path)[0]


def scan_lines(path: str | os.PathLike[str]) -> tuple[list[dict[str, Any]], int]:
    """What `read_lines` returns, and how many lines it leaves out; ([], 1) where the file is unreadable."""
    try:
        with open(path, "rb") as file:
            data = file.read()
    except FileNotFoundError:
        return [], 0
    except OSError:
        return [], 1
    found, bad = [], 0
    for line in filter(None, _lines(data)):
        try:
            parsed = json.loads(line)
        except _UNREADABLE:
            parsed = None
        if isinstance(parsed, dict):
            found.append(parsed)
        else:
            bad += 1
    return found, bad


def _lines(data: bytes) -> Iterable[Any]:
    try:
        return data.decode().split("\n")  # text parses faster than bytes
    except UnicodeDecodeError:
        return data.split(b"\n")
