"""The file of the index: a line that says what it is and its checksum, then one JSON object.

Only `results.index` uses it. Runs of one study have the same names of flags and metrics, and long texts often
are the same: each stands there once.
"""

import json
import zlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from gridruns import __version__
from results import files, layout
from results.columns import KEPT
from results.runs import join
from results.status import Status
from results.summary import Named, Summary

FORMAT = 1
_LONG = tuple(KEPT.index(name) for name in ("model", "error"))
_UNUSABLE = (OSError, ValueError, TypeError, KeyError, IndexError, RecursionError)

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
        return _entries(folder, json.loads(body.decode("ascii"))) if head == _head(body) else {}
    except _UNUSABLE:
        return {}


def _entries(folder: str, found: Any) -> dict[str, Entry]:
    names = [tuple(group) for group in found["names"]]
    texts = found["texts"]
    states = {str(status): status for status in Status}
    known = {}
    for row in found["runs"]:
        (name, modified, changed, inode, status, kept, flag_names, flags, evaluation_names, evaluation,
         last_names, last, candidates, has_metrics, has_source) = row  # fmt: skip
        for place in _LONG:
            kept[place] = texts[kept[place]]
        known[name] = Entry(
            (modified, changed, inode),
            Summary(
                join(folder, name),
                states[status],
                kept,
                Named(names[flag_names], flags),
                Named(names[evaluation_names], evaluation),
                Named(names[last_names], last),
                candidates,
                has_metrics,
                has_source,
            ),
        )
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

    def named(values: Named) -> tuple[int, Sequence[Any]]:
        return names.setdefault(values.names, len(names)), values.values

    runs = []
    for name, (mark, run) in entries.items():
        kept = list(run.kept)
        for place in _LONG:
            kept[place] = texts.setdefault(kept[place], len(texts))
        runs.append(
            (
                name, *mark, run.status.value, kept, *named(run.flags), *named(run.evaluation),
                *named(run.last), run.candidates, run.has_metrics, run.has_source,
            )
        )  # fmt: skip
    found = {"names": list(names), "texts": list(texts), "runs": runs}
    body = json.dumps(found, separators=(",", ":")).encode("ascii")  # reads fastest, and holds any text
    files.replace(f"{folder}/{layout.INDEX}", _head(body) + b"\n" + body)


def _head(body: bytes) -> bytes:
    """The first line of a file with that body; it changes with what summaries hold and how they are made."""
    columns = zlib.crc32(",".join(KEPT).encode())
    return f"gridruns index {FORMAT} of {__version__}, {columns:08x}, {zlib.crc32(body):08x}".encode()
