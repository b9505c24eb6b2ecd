"""Ctrl-C and SIGTERM while a search runs: the first Ctrl-C waits for what runs, anything more ends it.

A signal only leaves a word (`Stop`) and wakes whoever waits for it. It raises nowhere, so that nothing that a
search does is cut in two, except in a script that runs in this very process, which can't be ended otherwise.
"""

import os
import select
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Protocol

# What asks a process to end: Ctrl-C, kill or docker stop, and a terminal that is closed.
ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


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


class Wakes(Protocol):
    """What ends a waiting: readable (`select`) until it is drained."""

    def fileno(self) -> int:
        """The descriptor that becomes readable."""
        ...

    def drain(self) -> None:
        """Take in what can be read."""
        ...


class Stop:
    """What the user has asked of a search. It is readable (`select`) after each signal until `drain`.

    Attributes:
        asked: No new trials are to start.
        at_once: Running trials are to be ended.
        signal: The signal that asked for it.
    """

    def __init__(self, patient: bool = True) -> None:
        """Nothing has been asked yet.

        Args:
            patient: Whether the first Ctrl-C lets running trials finish.
        """
        self.asked = False
        self.at_once = False
        self.signal: int = signal.SIGINT
        self._patient = patient
        self._breakable = False
        self._end, self.waker = socket.socketpair()
        for end in (self._end, self.waker):
            end.setblocking(False)

    def fileno(self) -> int:
        """The descriptor that becomes readable."""
        return self._end.fileno()

    def drain(self) -> None:
        """Take what has been said as read."""
        with suppress(BlockingIOError):
            self._end.recv(4096)

    def wait(self, seconds: float) -> None:
        """Do nothing for so long, or until a signal comes."""
        select.select([self], [], [], seconds)
        self.drain()

    def close(self) -> None:
        """Free the descriptors."""
        self._end.close()
        self.waker.close()

    def hear(self, number: int, frame: FrameType | None) -> None:
        """Take a signal in, as its handler."""
        if number == signal.SIGINT and self._patient and not self.asked:
            self.asked = True
            with suppress(OSError):  # the terminal may be gone; and print may be busy right now
                os.write(2, b"\nstopping: running trials finish first; Ctrl-C again ends them\n")
            return
        if not self.at_once:
            self.signal = number
        self.asked = self.at_once = True
        if self._breakable:
            raise Interrupted(number)

    @contextmanager
    def breaking(self) -> Iterator[None]:
        """Have a signal that ends trials at once raise `Interrupted` in the block: a script of the user's."""
        self._breakable = True
        try:
            if self.at_once:  # asked before the block began
                raise Interrupted(self.signal)
            yield
        finally:
            self._breakable = False

    def check(self) -> None:
        """Raise `Interrupted` if the user has asked the search to stop."""
        if self.asked:
            raise Interrupted(self.signal)


@contextmanager
def listening(patient: bool = True) -> Iterator[Stop]:
    """Turn Ctrl-C, SIGTERM and SIGHUP into words of a `Stop` while the block runs.

    A signal that is ignored stays so: `nohup` lets a search outlive its terminal, and a shell takes Ctrl-C
    from what it runs in the background. Outside the main thread, where Python lets nobody handle signals,
    nothing changes.

    Args:
        patient: Whether the first Ctrl-C lets running trials finish.
    """
    stop = Stop(patient)
    try:
        if threading.current_thread() is not threading.main_thread():
            yield stop
            return
        heard = [number for number in ENDS if signal.getsignal(number) not in (signal.SIG_IGN, None)]
        wakened = signal.set_wakeup_fd(stop.waker.fileno(), warn_on_full_buffer=False)
        before = {number: signal.signal(number, stop.hear) for number in heard}
        try:
            yield stop
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            signal.set_wakeup_fd(wakened)
    finally:
        stop.close()
