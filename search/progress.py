"""What a user sees while a search runs: a live bar on a terminal, now and then a line elsewhere."""

import math
import sys
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol, TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from search.cell import Cell, in_notebook
from search.forecast import TimeLeft

LINE_EVERY = 20.0  # seconds between two lines where there is no terminal


@dataclass(frozen=True)
class State:
    """How far a search is.

    Attributes:
        planned: Trials in the plan; None where it is open.
        before: Those of them that earlier searches have settled, or other machines.
        done: Those that have ended in this search, whatever way.
        running: Trials that are running.
        failed: Trials that ended neither completed nor pruned.
        pruned: Trials that the pruner gave up.
        metric: The metric's name.
        best: Its best value so far, or None.
        left: The time that the rest takes, or None before the first trial has ended.
    """

    planned: int | None
    before: int
    done: int
    running: int
    failed: int
    pruned: int
    metric: str
    best: float | None
    left: TimeLeft | None

    @property
    def over(self) -> int:
        """All trials that have ended."""
        return self.before + self.done

    def count(self) -> str:
        """How many trials have ended, of how many."""
        return f"{self.over} trials" if self.planned is None else f"{self.over}/{self.planned} trials"

    def words(self) -> str:
        """One line: running, failed, best so far, time left."""
        parts = [f"{self.running} running", f"{self.failed} failed"]
        if self.pruned:
            parts.append(f"{self.pruned} pruned")
        if self.best is not None:
            parts.append(f"best {self.metric} {self.best:.5g}")
        if self.left is not None and (self.planned is None or self.over < self.planned):
            parts.append(_time_left(self.left))
        return ", ".join(parts)


def _time_left(left: TimeLeft) -> str:
    """The time that is left, with the interval that four of five searches keep."""
    if math.isinf(left.high):
        return f"about {clock(left.expected)} left"
    low, high = clock(left.low), clock(left.high)
    return f"{clock(left.expected)} left" + (f" ({low} to {high})" if low != high else "")


class Reporter(Protocol):
    """Shows a search's state."""

    def show(self, state: State) -> None:
        """Take the state in; called after every change and about once a second."""
        ...

    def close(self) -> None:
        """Leave the screen in order."""
        ...


class Bar:
    """A live bar for a terminal."""

    def __init__(self, stream: TextIO) -> None:
        """Draw on `stream`."""
        self._progress = Progress(
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[words]}"),
            console=Console(file=stream),
        )
        self._task = self._progress.add_task("", total=None, words="")
        self._progress.start()

    def show(self, state: State) -> None:
        """Redraw."""
        self._progress.update(self._task, total=state.planned, completed=state.over, words=state.words())

    def close(self) -> None:
        """Draw for the last time."""
        self._progress.stop()


class Lines:
    """One quiet line every so often, for logs and pipes, and one at the end."""

    def __init__(self, stream: TextIO) -> None:
        """Write to `stream`."""
        self._stream = stream
        self._last = time.monotonic()
        self._unsaid: State | None = None

    def show(self, state: State) -> None:
        """Write a line if the last is long enough ago."""
        self._unsaid = state
        if time.monotonic() - self._last >= LINE_EVERY:
            self._say()

    def _say(self) -> None:
        state = self._unsaid
        if state is not None:
            print(f"{state.count()}: {state.words()}", file=self._stream, flush=True)
        self._last, self._unsaid = time.monotonic(), None

    def close(self) -> None:
        """Write what hasn't been said yet."""
        self._say()


class Silence:
    """Shows nothing."""

    def show(self, state: State) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


class Lasting:
    """Shows what another reporter shows until its stream is gone; a search outlives its terminal."""

    def __init__(self, inner: Reporter) -> None:
        """Begin with `inner`."""
        self._inner = inner

    def show(self, state: State) -> None:
        """Show it, or fall silent."""
        try:
            self._inner.show(state)
        except OSError:
            self._inner = Silence()

    def close(self) -> None:
        """Close it, or fall silent."""
        try:
            self._inner.close()
        except OSError:
            self._inner = Silence()


def reporter(quiet: bool, shared: bool = False) -> Reporter:
    """The reporter that suits a notebook, or standard error.

    Args:
        quiet: Show nothing.
        shared: The trials write to the terminal too, and may ask there: no live bar.
    """
    if quiet:
        return Silence()
    if in_notebook():
        return Cell()
    return Lasting(Bar(sys.stderr) if sys.stderr.isatty() and not shared else Lines(sys.stderr))


def clock(seconds: float) -> str:
    """A duration in words that fit a line: 45 s, 3 min 20 s, 2 h 5 min."""
    whole = timedelta(seconds=round(seconds))
    minutes, rest = divmod(int(whole.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
