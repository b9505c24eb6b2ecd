"""What a program printed, as its reader's terminal would show it, and no more of it than a page bears."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

HEAD = 20_000  # bytes shown of the beginning of a long file
TAIL = 100_000  # and of its end, where errors are

# ECMA-48 (5th ed.) 5.4 control sequences, operating system commands up to BEL or ST, other escapes.
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[ -/]*[0-~])")


@dataclass(frozen=True)
class Excerpt:
    """A file's text, or its beginning and end.

    Attributes:
        head: The text, or its first part.
        tail: The last part; empty where nothing is left out.
        left_out: How many bytes lie between them.
        size: Of the whole file, in bytes.
    """

    head: str
    tail: str
    left_out: int
    size: int


def excerpt(path: str | os.PathLike[str], head: int = HEAD, tail: int = TAIL) -> Excerpt | None:
    """A file of text; None where it can't be read.

    Bytes that are no UTF-8 are shown as U+FFFD.

    Args:
        path: The file.
        head: Bytes of its beginning that are read of a file longer than `head + tail`.
        tail: And of its end.
    """
    try:
        with Path(path).open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size <= head + tail:
                data = file.read(head + tail)
                return Excerpt(_decoded(data), "", 0, len(data))
            first = file.read(head)
            file.seek(size - tail)
            last = file.read(tail)
    except OSError:
        return None
    return Excerpt(_decoded(first), _decoded(last), size - head - tail, size)


def displayed(text: str) -> str:
    """Lines as a terminal leaves them: without colours, and with what was written over gone."""
    lines = _ESCAPES.sub("", text).split("\n")
    return "\n".join(_overwritten(line) if "\r" in line or "\b" in line else line for line in lines)


def _overwritten(line: str) -> str:
    """A line after its carriage returns and backspaces."""
    shown: list[str] = []
    place = 0
    for character in line:
        if character == "\r":
            place = 0
        elif character == "\b":
            place = max(0, place - 1)
        else:
            shown[place : place + 1] = character
            place += 1
    return "".join(shown)


def _decoded(data: bytes) -> str:
    return data.decode("utf-8", errors="replace")
