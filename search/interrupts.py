"""Ctrl-C and SIGTERM while a search runs: the first Ctrl-C waits for what runs, anything more ends it."""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

import click

# What asks a process to end: Ctrl-C, kill or docker stop, and a terminal that is closed.
ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stop:
    """Whether the user has asked the search to stop.

    Attributes:
        asked: No new trials are to start.
    """

    def __init__(self) -> None:
        """Nothing has been asked yet."""
        self.asked = False


class Interrupted(KeyboardInterrupt):
    """The search was stopped by the user; what ran is recorded.

    Attributes:
        signal: The signal that did it.
        folder: The directory of the study that was stopped, where there is one.
    """

    folder: Path | None = None

    def __init__(self, number: int = signal.SIGINT) -> None:
        """Remember the signal."""
        super().__init__()
        self.signal = number


@contextmanager
def listening() -> Iterator[Stop]:
    """Turn the first Ctrl-C into `Stop.asked`; raise `Interrupted` at the second, at SIGTERM and SIGHUP.

    A signal that is ignored stays so: `nohup` lets a search outlive its terminal, and a shell takes Ctrl-C
    from what it runs in the background. Outside the main thread, where Python lets nobody handle signals,
    nothing changes.
    """
    stop = Stop()

    def interrupt(number: int, frame: FrameType | None) -> None:
        if number != signal.SIGINT or stop.asked:
            raise Interrupted(number)
        stop.asked = True
        with suppress(OSError):  # the terminal may be gone
            click.echo("\nstopping: running trials finish first; Ctrl-C again ends them", file=sys.stderr)

    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    heard = [number for number in ENDS if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, interrupt) for number in heard}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
