"""A place for one trial at a time on a node: a Ray actor that starts a host there and passes bytes on.

It knows nothing of what passes. What the search hasn't acknowledged is kept, so that a call that Ray
can't say the fate of is simply made again.
"""

import os
import selectors
import socket
import subprocess
import sys
import threading
import time
from typing import Any

from search.script import OURS
from search.study import versions

MOST = 4 << 20  # bytes of an answer
PATIENCE = 5.0  # seconds that a host has to end its trial


class HostGone(Exception):
    """The process that runs the trials of this slot is no more."""


class Slot:
    """The actor. Two of its methods may run at once."""

    def __init__(self, setup: bytes) -> None:
        """Start the host, whose trials see what Ray has given to this actor (CUDA_VISIBLE_DEVICES)."""
        self._link, theirs = socket.socketpair()
        code = f"import sys; sys.path.append({str(OURS)!r}); from search.cluster.host import main; main()"
        launcher = subprocess.Popen(
            [sys.executable, "-P", "-c", code, str(theirs.fileno())],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
            start_new_session=True,
        )
        theirs.close()
        launcher.wait()  # what it leaves is nobody's child: it ends with our end of the socket, in good order
        self._link.sendall(setup)
        self._start = 0  # how much of the host's stream isn't kept any more
        self._kept = bytearray()
        self._reading, self._writing = threading.Lock(), threading.Lock()

    def facts(self) -> dict[str, Any]:
        """What tells this place from others."""
        import ray

        return {
            "host": socket.gethostname(),
            "node": ray.get_runtime_context().get_node_id(),
            "gpus": os.environ.get("CUDA_VISIBLE_DEVICES") or None,
            "pid": os.getpid(),
            "versions": versions(),
        }

    def send(self, orders: bytes) -> None:
        """Pass orders on to the host."""
        with self._writing:
            try:
                self._link.sendall(orders)
            except ConnectionError:
                raise HostGone from None

    def exchange(self, orders: bytes, start: int, seconds: float) -> bytes:
        """Pass orders on, and wait for what the host says.

        Args:
            orders: May be none.
            start: Where in the host's stream to begin; what is before that isn't asked for again.
            seconds: After which the answer is empty.
        """
        if orders:
            self.send(orders)
        with self._reading:
            del self._kept[: start - self._start]
            self._start = start
            if not self._kept:
                self._receive(seconds)
            return bytes(self._kept)

    def close(self) -> None:
        """Let the host go and wait until it has ended its trial."""
        with self._writing:
            self._link.shutdown(socket.SHUT_WR)
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and self._wait(deadline - time.monotonic()):
            if not self._link.recv(1 << 16):
                return

    def _receive(self, seconds: float) -> None:
        if not self._wait(seconds):
            return
        while len(self._kept) < MOST and self._wait(0):
            try:
                received = self._link.recv(1 << 18)
            except ConnectionResetError:
                received = b""
            if not received:
                if not self._kept:
                    raise HostGone
                return
            self._kept += received

    def _wait(self, seconds: float) -> bool:
        with selectors.DefaultSelector() as selector:
            selector.register(self._link, selectors.EVENT_READ)
            return bool(selector.select(seconds))
