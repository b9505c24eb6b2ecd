"""Between a running trial and its search: the trial reports each step and asks whether to go on.

The trial's end is an observer of its recorder. It writes a line of JSON a step to a socket that it was
born with and, unless the training ends there anyway, waits for the answer. The nursery's end passes lines on
to the search and answers back to the trial.

    from the trial   {"step": 3, "metrics": {"val_loss": 0.41}, "last": false}
    to it            {"stop": true}
"""

import json
import os
import selectors
import socket
import threading
from collections.abc import Iterator, Mapping
from typing import Any

from results.recorder import Pruned


class Asker:
    """The trial's end, called by its recorder after each step.

    A helper that the script has forked logs without asking: it would take answers that are the trial's.
    """

    def __init__(self, descriptor: int) -> None:
        """Take over the socket that the trial was born with."""
        self._link = socket.socket(fileno=descriptor)
        self._answers = self._link.makefile("r", encoding="utf-8")
        self._trial = os.getpid()
        self._turn = threading.Lock()  # of the script's threads each waits for its own answer

    def __call__(self, step: int, metrics: Mapping[str, float], last: bool) -> None:
        """Report a step.

        Raises:
            Pruned: The search says to stop.
        """
        if os.getpid() != self._trial:
            return
        report = {"step": step, "metrics": dict(metrics), "last": last}
        with self._turn:
            self._link.sendall(json.dumps(report).encode() + b"\n")
            answer = "" if last else self._answers.readline()
        if answer and json.loads(answer)["stop"]:
            raise Pruned


class Lines:
    """The nursery's ends of all trials' sockets, by the trials' numbers."""

    def __init__(self, selector: selectors.BaseSelector) -> None:
        """Have them watched by the nursery's selector."""
        self._selector = selector
        self._ends: dict[int, socket.socket] = {}
        self._pending: dict[int, bytes] = {}

    def open(self, number: int) -> socket.socket:
        """Make a trial's socket; returns the trial's end, which the caller closes once the trial has it."""
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        self._ends[number], self._pending[number] = ours, b""
        self._selector.register(ours, selectors.EVENT_READ, number)
        return theirs

    def reports(self, number: int) -> Iterator[dict[str, Any]]:
        """What a trial has written by now."""
        end = self._ends.get(number)
        while end is not None:
            try:
                received = end.recv(1 << 16)
            except (BlockingIOError, ConnectionResetError):
                return
            if not received:
                # It has closed its end; what more is said of it is how it ended.
                self._selector.unregister(end)
                del self._ends[number]
                end.close()
                return
            *lines, self._pending[number] = (self._pending[number] + received).split(b"\n")
            yield from map(json.loads, lines)

    def answer(self, number: int, stop: bool) -> None:
        """Tell a trial whether to stop; one that has ended meanwhile isn't told."""
        end = self._ends.get(number)
        if end is not None:
            try:
                end.sendall(json.dumps({"stop": stop}).encode() + b"\n")
            except (BrokenPipeError, ConnectionResetError):
                return

    def close(self, number: int) -> None:
        """Forget a trial that has ended."""
        end = self._ends.pop(number, None)
        self._pending.pop(number, None)
        if end is not None:
            self._selector.unregister(end)
            end.close()

    def release(self) -> None:
        """Close all ends in a child, which has no business with them; the selector is the nursery's."""
        for end in self._ends.values():
            end.close()
