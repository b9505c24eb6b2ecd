"""Schedules of searches on one database, without processes, and a clock that the tests move."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from results.status import Status
from search.assignment import Assignment
from search.objective import Verdict
from search.storage import board
from search.storage.shared import SharedSchedule

GRID = {"a": [1, 2, 3], "b": [1, 2]}
GOOD = Verdict(Status.COMPLETED, None, 0.5)
Join = Callable[..., SharedSchedule]


class Clock:
    """Stands for the module `time` where signs of life are watched."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


def begin(schedule: SharedSchedule) -> Assignment:
    """Take the next trial and begin it."""
    clock = getattr(board.time, "now", None)
    if clock is not None:
        board.time.now += 3  # type: ignore[attr-defined]  # long enough for another look
    found = schedule.next()
    assert found is not None
    schedule.started(found, Path(f"run-{found.number}-{found.attempt}"))
    return found


def idle(schedule: SharedSchedule, clock: Clock, seconds: float = board.GRACE) -> None:
    """Let time go by in which a search has nothing to begin, but looks."""
    while seconds > 0:
        clock.now += min(seconds, 10.0)
        seconds -= 10.0
        assert schedule.next() is None


def content(found: Assignment) -> tuple[Any, Any]:
    return (found.values["a"], found.values["b"])
