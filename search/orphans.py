"""What is left below a process of ours that was killed: found among this process's children, and ended.

A trial's helpers may lead sessions of their own, and nobody notes who they are. While this process adopts
orphans (`search.lifeline.adopt_orphans`) they fall to it, together with what the user's own children leave
behind; a mark in the environment, which every process hands on, tells them apart.
"""

import os
import secrets
import signal
import sys
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from search.lifeline import end_children

MARK = "GRIDRUNS_NURSERY"


def new_mark() -> dict[str, str]:
    """A variable for the environment of a process, by which all processes below it are known."""
    return {MARK: secrets.token_hex(16)}


def end_orphans(mark: dict[str, str], trials: Collection[int]) -> None:
    """End what is left below a process that has gone; other children of this one are left alone.

    Args:
        mark: What was in the environment of the process.
        trials: The children of it that are known; each leads a session.
    """
    if sys.platform != "linux":
        for pid in trials:
            with suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
        return
    (variable,) = (f"{name}={value}".encode() for name, value in mark.items())
    end_children(lambda pid: _session(pid) in trials or variable in _environment(pid))


def _session(pid: int) -> int | None:
    """The session of a process, of one that has ended and wasn't waited for, too."""
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return None


def _environment(pid: int) -> list[bytes]:
    """The variables that a process was given at its start; none where it has ended or isn't ours to read."""
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []
