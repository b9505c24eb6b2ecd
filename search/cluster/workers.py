"""The search's side of the slots: one for each trial that the cluster carries at once.

Slots are made as nodes join and forgotten as they die. Whatever Ray has to say arrives as an event in a
queue, put there by Ray's own thread, which wakes whoever waits.
"""

import logging
import queue
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from search.cluster.attempt import Worker
from search.cluster.connection import Connection, reaching
from search.cluster.settings import Cluster
from search.cluster.slot import HostGone, Slot
from search.executor import ExecutorError
from search.study import versions

POLL = 30.0  # seconds after which a slot answers though it has nothing to say
PATIENCE = 8.0  # seconds that slots have to end their trials
AGAIN = 0.5  # seconds after which a call is made again whose fate Ray can't tell
_LOG = logging.getLogger(__name__)
COMPARED = ("gridruns", "keras", "tensorflow")


@dataclass(frozen=True)
class Event:
    """What has become of a call.

    Attributes:
        worker: Whose.
        call: "facts", "exchange" or "send".
        answer: What it returned, or None.
        error: What it raised, or None.
        orders: What was sent, where the call only sends.
    """

    worker: Worker
    call: str
    answer: Any = None
    error: BaseException | None = None
    orders: bytes = b""


class Workers:
    """The slots on a cluster.

    Attributes:
        all: Those that are there or have been asked for.
        capacity: How many trials the cluster as it is carries at once.
    """

    def __init__(self, connection: Connection, cluster: Cluster, most: int, setup: bytes) -> None:
        """Ask for as many slots as there is room for.

        Args:
            connection: To the cluster.
            cluster: What a trial may use of it.
            most: The most slots.
            setup: What each host is told first.

        Raises:
            ExecutorError: No node can carry a trial.
        """
        self.all: list[Worker] = []
        self._connection = connection
        self._cluster = cluster
        self._most = most
        self._setup = connection.ray.put(setup)
        self._actor = connection.ray.remote(
            num_cpus=cluster.cpus,
            num_gpus=cluster.gpus,
            max_restarts=0,
            max_task_retries=0,
            max_concurrency=3,
        )(Slot)
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._later: list[tuple[float, Event]] = []
        self.capacity = sum(map(self._carries, connection.nodes()))
        self._demand = cluster.demand and not connection.started  # no node joins a cluster of our own
        if not self.capacity and not self._demand:
            raise ExecutorError(self._no_room())
        if not self.capacity:
            _LOG.warning("no node of the cluster has room for a trial yet; waiting for one that has")
        self.wake, self._waker = socket.socketpair()
        for end in (self.wake, self._waker):
            end.setblocking(False)
        self._refused: set[str] = set()
        self._alive: set[str] = set()
        self._failed = 0  # slots that couldn't be started on the nodes that are alive
        self.grow()

    def grow(self) -> set[str]:
        """Ask for slots where there is room for more; return the nodes that are alive."""
        nodes = [node for node in self._connection.nodes() if node["NodeID"] not in self._refused]
        self.capacity = sum(map(self._carries, nodes))
        alive = {str(node["NodeID"]) for node in nodes}
        for worker in self.all[:]:
            if worker.attempt is None and worker.facts is not None and worker.facts["node"] not in alive:
                self.forget(worker)
        wanted = self._most if self._demand else min(self._most, self.capacity)
        if alive != self._alive:
            self._alive, self._failed = alive, 0
        while len(self.all) < wanted - self._failed:
            with reaching():
                worker = Worker(self._actor.remote(self._setup))
            self.all.append(worker)
            self._call(worker, "facts")
        return alive

    def forget(self, worker: Worker) -> None:
        """Give a slot up, with whatever runs there."""
        if worker in self.all:
            self.all.remove(worker)
            with reaching():
                self._connection.ray.kill(worker.actor)

    def fail(self, worker: Worker) -> None:
        """Give a slot up that couldn't be started, and ask for no other in its place until a node joins."""
        self._failed += 1
        self.forget(worker)

    def ready(self) -> Iterator[Worker]:
        """The slots that are there and free."""
        return (worker for worker in self.all if worker.facts is not None and worker.attempt is None)

    def exchange(self, worker: Worker) -> None:
        """Pass a slot's orders on and ask what is new."""
        orders, worker.orders = worker.orders, b""
        self._call(worker, "exchange", orders, worker.start, POLL)

    def send(self, worker: Worker, orders: bytes) -> None:
        """Pass orders on at once, while an exchange may wait."""
        self._call(worker, "send", orders)

    def events(self) -> list[Event]:
        """What has happened; calls whose fate is unknown are made again in a while."""
        with suppress(BlockingIOError):
            while self.wake.recv(4096):
                pass
        found: list[Event] = []
        while not self._events.empty():
            event = self._events.get()
            if event.worker not in self.all:
                continue
            if isinstance(event.error, self._connection.ray.exceptions.ActorUnavailableError):
                self._later.append((time.monotonic() + AGAIN, event))
            else:
                found.append(event)
        self._again()
        return found

    @property
    def next_look(self) -> float | None:
        """Seconds until a call is to be made again, or None."""
        return max(0.0, self._later[0][0] - time.monotonic()) if self._later else None

    def admit(self, worker: Worker, facts: dict[str, Any]) -> str | None:
        """Take a slot that is there; return why not, where its node has other packages than this machine."""
        found = [
            f"{name} {there or 'not at all'} (here {here or 'not at all'})"
            for name, here, there in _compared(facts["versions"])
            if here != there
        ]
        if not found:
            worker.facts = facts
            return None
        self._refused.add(facts["node"])
        self.forget(worker)
        return f"the node {facts['host']} has {', '.join(found)}; install the same there (docs/cluster.md)"

    def close(self) -> None:
        """End what runs on all slots, and them, and the connection; one that is lost has ended them."""
        ray = self._connection.ray
        with suppress(ExecutorError), reaching():
            closing = [worker.actor.close.remote() for worker in self.all if worker.facts is not None]
            if closing:
                ray.wait(closing, num_returns=len(closing), timeout=PATIENCE)
            for worker in self.all:
                ray.kill(worker.actor)
        self.all.clear()
        self.wake.close()
        self._waker.close()
        self._connection.close()

    def _call(self, worker: Worker, call: str, *arguments: Any) -> None:
        with reaching():
            future = getattr(worker.actor, call).remote(*arguments).future()
        orders = arguments[0] if arguments else b""

        def done(future: Any) -> None:
            error = future.exception()
            self._events.put(Event(worker, call, None if error else future.result(), error, orders))
            with suppress(OSError):  # nobody listens any more, or is awake already
                self._waker.send(b"\0")

        future.add_done_callback(done)

    def _again(self) -> None:
        now = time.monotonic()
        due = [event for when, event in self._later if when <= now]
        self._later = [(when, event) for when, event in self._later if when > now]
        for event in due:
            if event.worker not in self.all:
                continue
            if event.call == "exchange":
                self._call(event.worker, "exchange", event.orders, event.worker.start, POLL)
            elif event.call == "send":
                self._call(event.worker, "send", event.orders)
            else:
                self._call(event.worker, event.call)

    def _carries(self, node: dict[str, Any]) -> int:
        return self._cluster.carried(node["Resources"])

    def _no_room(self) -> str:
        words = " and ".join(f"{amount:g} {name}" for name, amount in self._cluster.share.items())
        nodes = sorted(
            "/".join(f"{node['Resources'].get(name, 0):g} {name}" for name in ("CPU", "GPU"))
            for node in self._connection.nodes()
        )
        said = f"no node of the cluster has the {words} that a trial takes; its nodes have {', '.join(nodes)}"
        if self._connection.started:
            return said
        return (
            f"{said}. To wait for nodes that an autoscaler adds, say how many trials are to run at once: "
            "--workers N"
        )


def gone(error: BaseException) -> str:
    """Why a slot is no more, in a few words, from what Ray says."""
    if isinstance(error, HostGone):
        return "the process that runs its trials died"
    text = str(error)
    for mark in ("Worker exit detail: ", "The actor is dead because ", "died because "):
        if mark in text:
            text = text.split(mark, 1)[1]
            break
    words = text.strip().splitlines() or [type(error).__name__]
    return words[0].split(" Some common causes", 1)[0].rstrip(".")


def cause(error: BaseException) -> str:
    """The last line of what Ray says about a slot that couldn't be started: the exception there."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[-1].strip()


def _compared(there: dict[str, str]) -> Iterator[tuple[str, str | None, str | None]]:
    here = versions()
    for name in COMPARED:
        yield name, here.get(name), there.get(name)
    minor = [".".join(found["python"].split(".")[:2]) for found in (here, there)]
    yield "Python", minor[0], minor[1]
