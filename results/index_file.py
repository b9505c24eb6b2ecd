"""The file of the index: a line that says what it is and its checksum, a JSON object in a line, and numbers.

Only `results.index` uses it. Runs of one study have the same names of flags and metrics, and long texts often
are the same: each stands there once. Metrics are most of an index and take the longest to read as text, so
they stand behind the JSON as they are in memory (64-bit floats, least byte first), in the order in which
the JSON says how many of them are whose.
"""

import json
import struct
import zlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from gridruns import __version__
from results import files, layout
from results.columns import KEPT
from results.runs import join
from results.status import Status
from results.summary import Named, Summary

FORMAT = 3
_LONG = tuple(KEPT.index(name) for name in ("model", "error"))
_UNUSABLE = (OSError, ValueError, TypeError, KeyError, IndexError, RecursionError, struct.error)

Mark = tuple[int, int, int]


class Entry(NamedTuple):
    """A summary, and what its directory was like before it was read.

    Attributes:
        mark: The directory's mtime and ctime in nanoseconds and its inode.
        summary: What was read.
    """

    mark: Mark
    summary: Summary


def load(folder: str) -> dict[str, Entry]:
    """What the index in a directory knows, by the run's name; nothing where it is missing, damaged or old."""
    try:
        with open(f"{folder}/{layout.INDEX}", "rb") as file:
            head, _, body = file.read().partition(b"\n")
        if head != _head(body):
            return {}
        told, _, numbers = body.partition(b"\n")
        return _entries(folder, json.loads(told.decode("ascii")), _unpacked(numbers))
    except _UNUSABLE:
        return {}


def _entries(folder: str, found: Any, numbers: Sequence[float]) -> dict[str, Entry]:
    names = [tuple(group) for group in found["names"]]
    texts = found["texts"]
    states = {str(status): status for status in Status}
    known = {}
    read = 0

    def values(told: Any) -> Any:
        nonlocal read
        if not isinstance(told, int):
            return told
        read += told
        return numbers[read - told : read]

    for row in found["runs"]:
        (name, modified, changed, inode, status, kept, flag_names, flags, inactive, evaluation_names,
         evaluation, last_names, last, steps, candidates, has_metrics, has_source) = row  # fmt: skip
        for place in _LONG:
            kept[place] = texts[kept[place]]
        known[name] = Entry(
            (modified, changed, inode),
            Summary(
                join(folder, name),
                states[status],
                kept,
                Named(names[flag_names], flags),
                inactive,
                Named(names[evaluation_names], values(evaluation)),
                Named(names[last_names], values(last)),
                steps,
                values(candidates),
                has_metrics,
                has_source,
            ),
        )
    if read != len(numbers):
        raise ValueError(f"{read} numbers are told of, but {len(numbers)} are there")
    return known


def save(folder: str, entries: Mapping[str, Entry]) -> None:
    """Replace the index in a directory.

    Args:
        folder: The directory.
        entries: What it shall know, by the run's name.

    Raises:
        OSError: It can't be written; what was there is there.
    """
    names: dict[tuple[str, ...], int] = {}
    texts: dict[str | None, int] = {}
    numbers: list[float] = []

    def name(values: Named) -> int:
        return names.setdefault(values.names, len(names))

    def packed(values: Sequence[float | None]) -> int | Sequence[float | None]:
        if None in values:  # a metric that wasn't logged at some epoch
            return values
        numbers.extend(values)  # type: ignore[arg-type]  # mypy can't see that None is out
        return len(values)

    runs = []
    for run_name, (mark, run) in entries.items():
        kept = list(run.kept)
        for place in _LONG:
            kept[place] = texts.setdefault(kept[place], len(texts))
        runs.append(
            (
                run_name, *mark, run.status.value, kept, name(run.flags), run.flags.values,
                run.inactive, name(run.evaluation), packed(run.evaluation.values), name(run.last),
                packed(run.last.values), run.steps, packed(run.candidates), run.has_metrics, run.has_source,
            )
        )  # fmt: skip
    found = {"names": list(names), "texts": list(texts), "runs": runs}
    told = json.dumps(found, separators=(",", ":")).encode("ascii")  # reads fastest, and holds any text
    body = told + b"\n" + _packed(numbers)
    files.replace(f"{folder}/{layout.INDEX}", _head(body) + b"\n" + body)


def _packed(numbers: Sequence[float]) -> bytes:
    return struct.pack(f"<{len(numbers)}d", *numbers)


def _unpacked(data: bytes) -> Sequence[float]:
    return struct.unpack(f"<{len(data) // 8}d", data)


def _head(body: bytes) -> bytes:
    """The first line of a file with that body; it changes with what summaries hold and how they are made."""
    columns = zlib.crc32(",".join(KEPT).encode())
    return f"gridruns index {FORMAT} of {__version__}, {columns:08x}, {zlib.crc32(body):08x}".encode()
