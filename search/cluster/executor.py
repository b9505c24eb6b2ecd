"""The `ray` executor: trials on the machines of a Ray cluster, each in a process of its own.

Each trial that a search runs at once has a slot, a Ray actor with the CPUs and GPUs of a trial, on whose node
a host keeps a warm parent (search/cluster/host.py). A run's directory is written here, from what its node
sends. Ray places slots and tells when they die; it runs nothing again. What is lost with a node is reported
as lost.
"""

import itertools
import logging
import selectors
import signal
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from search.cluster.attempt import Attempt, Worker
from search.cluster.carry import pack, root_of
from search.cluster.connection import Connection
from search.cluster.frames import frame
from search.cluster.incoming import Incoming
from search.cluster.orders import note_node, read_declared, start_order
from search.cluster.settings import Cluster
from search.cluster.workers import Event, Workers, cause, gone
from search.executor import Declarations, Ending, ExecutorError, GiveUp, Report, Resources, Trial
from search.interrupts import Stop
from search.local import DECLARATIONS
from search.record import recording_in
from search.script import Script

GROW = 2.0  # seconds between two looks for nodes that have joined or gone

_LOG = logging.getLogger(__name__)


class RayExecutor:
    """Runs trials on a Ray cluster (see `search.executor.Executor`)."""

    def __init__(self, script: Script, resources: Resources, start_method: str = "auto") -> None:
        """Connect, and ask for slots, on whose nodes warm parents begin to import.

        Args:
            script: What to run; it travels to the nodes.
            resources: The most trials at once, the threads of each, and what of the cluster a trial gets.
            start_method: As of `search.local.LocalExecutor`, on each node.

        Raises:
            ExecutorError: Ray isn't installed, there is no such cluster, or no room in it.
        """
        self.script = script
        self.waiting: deque[Attempt] = deque()
        self.running: dict[int, Attempt] = {}
        self.ended: deque[Ending] = deque()
        self._root = root_of(script)
        self._last_id = 0
        self._measures = False
        self._found: deque[dict[str, Any]] = deque()
        self._trouble: str | None = None
        self._closed = False
        self._most = resources.workers
        self._grown = time.monotonic()
        setup = pack(script, threads=resources.threads, start_method=start_method)
        self.workers = self._open(resources, setup)

    @property
    def slots(self) -> int:
        """How many trials may be running at once: what the cluster carries now."""
        return max(1, min(len(self.workers.all), self.workers.capacity, self._most))

    def declarations(self) -> Declarations:
        """Run the script up to its `flags()` call on a node and return what it declares."""
        self.waiting.append(self._attempt(None, None))
        self._deal()
        while not self._found:
            self._listen(None, None)
            if self.ended:
                raise ExecutorError(
                    f"{self.script.shown} ended ({self.ended.popleft().reason}) before it called flags()"
                )
        answer = self._found.popleft()
        if "problem" in answer:
            raise ExecutorError(answer["problem"])
        declared = read_declared(answer, self._root, self.script.shown)
        self.script = replace(self.script, entry=declared.entry)
        return declared

    def submit(self, trial: Trial, give_up: GiveUp | None = None) -> None:
        """Start a trial on a free slot, or as soon as there is one."""
        attempt = self._attempt(trial, give_up)
        self.running[trial.number] = attempt
        self.waiting.append(attempt)
        self._deal()

    def wait(self, timeout: float | None = None, stop: Stop | None = None) -> list[Ending]:
        """Return the trials that have ended since the last call, waiting for the first."""
        deadline = None if timeout is None else time.monotonic() + timeout
        left = timeout
        while not self.ended and self.running:
            stopped = self._listen(left, stop)
            # Trials that report without a pause mustn't keep the caller from looking at its limits.
            if stopped or left == 0:
                break
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
        endings = list(self.ended)
        self.ended.clear()
        return endings

    def kill(self, number: int) -> None:
        """End a trial with all its processes."""
        attempt = self.running.get(number)
        if attempt is None:
            return
        if attempt in self.waiting:
            self.waiting.remove(attempt)
            self._end(attempt, Ending(number, None, signal.SIGKILL))
        elif attempt.worker is not None:
            try:
                self.workers.send(attempt.worker, frame(op="kill", id=attempt.id))
            except ExecutorError:  # with the connection its slot is lost, which ends it
                self._end(attempt, Ending(number, None, signal.SIGKILL))

    def begun(self, number: int) -> bool:
        """Whether a trial has a slot."""
        attempt = self.running.get(number)
        return attempt is None or attempt.worker is not None

    def memory(self) -> Mapping[int, int]:
        """What the nodes say that the trials use; they measure from the first time that this is asked."""
        if not self._measures:
            self._measures = True
            for attempt in self.running.values():
                if attempt.worker is not None:
                    self.workers.send(attempt.worker, frame(op="measure"))
        return {number: used.memory for number, used in self.running.items() if used.memory is not None}

    def close(self) -> None:
        """End what runs, give the slots back, and end a cluster that was started here."""
        if self._closed:
            return
        self._closed = True
        for attempt in self.running.values():
            if attempt.incoming is not None:
                attempt.incoming.close()
        self.running.clear()
        self.waiting.clear()
        self.workers.close()

    def _open(self, resources: Resources, setup: bytes) -> Workers:
        """Connect, and ask for slots whose hosts are told `setup`."""
        cluster = resources.cluster or Cluster()
        connection = Connection(cluster)
        try:
            return Workers(connection, cluster, resources.workers, setup)
        except BaseException:
            connection.close()
            raise

    def _attempt(self, trial: Trial | None, give_up: GiveUp | None) -> Attempt:
        self._last_id += 1
        return Attempt(trial, give_up, self._last_id, None if trial is None else Incoming(trial.run_dir))

    def _listen(self, timeout: float | None, stop: Stop | None) -> bool:
        """Wait until a slot has said something, `stop` does or time is up; return whether `stop` did."""
        ticks = [self._grown + GROW - time.monotonic(), self.workers.next_look, timeout]
        with selectors.DefaultSelector() as selector:
            selector.register(self.workers.wake, selectors.EVENT_READ)
            if stop is not None:
                selector.register(stop, selectors.EVENT_READ)
            pause = max(0.0, min(tick for tick in ticks if tick is not None))
            ready = [key.fileobj for key, _ in selector.select(pause)]
        if stop is not None and stop in ready:
            stop.drain()
        self._hear()
        if time.monotonic() - self._grown >= GROW:
            self.workers.grow()
            self._grown = time.monotonic()
        self._deal()
        return stop is not None and stop in ready

    def _deal(self) -> None:
        """Give the trials that wait to slots that are free."""
        ready = self.workers.ready() if self.waiting else iter(())
        for worker in list(itertools.islice(ready, len(self.waiting))):
            attempt = self.waiting.popleft()
            if attempt.trial is None:
                worker.orders += frame(op="declare", id=attempt.id)
            else:
                worker.orders += start_order(attempt, attempt.trial, self.script.entry, self._root)
                note_node(attempt.trial.run_dir, worker.facts or {})
            worker.orders += frame(op="measure") if self._measures else b""
            attempt.worker, worker.attempt = worker, attempt
            self.workers.exchange(worker)

    def _hear(self) -> None:
        """Take in what has happened; reports last: where a judge raises, what else was said isn't lost."""
        reports: list[tuple[Attempt, dict[str, Any]]] = []
        answered = []
        for event in self.workers.events():
            if event.call == "facts":
                self._take_facts(event)
            elif event.error is not None:
                self._bury(event.worker, event.error)
            elif event.call == "exchange":
                reports += self._take(event.worker, event.answer)
                answered.append(event.worker)
        try:
            for attempt, report in reports:
                self._answer(attempt, report)
        finally:
            for worker in answered:
                if worker.attempt is not None:
                    self.workers.exchange(worker)

    def _take(self, worker: Worker, answer: bytes) -> list[tuple[Attempt, dict[str, Any]]]:
        """Take in what a slot's host has said; return the reports that are to be judged."""
        worker.start += len(answer)
        reports = []
        for message, payload in worker.frames.feed(answer):
            attempt = worker.attempt
            if attempt is None or message["id"] != attempt.id:
                continue  # of an attempt that nobody waits for any more
            attempt.heard = True
            match message["op"]:
                case "report":
                    reports.append((attempt, message))
                case "memory":
                    attempt.memory = message["bytes"]
                case "declared":
                    self._found.append(message)
                    worker.attempt = attempt.worker = None
                case "ended":
                    assert attempt.trial is not None
                    how = {name: value for name, value in message.items() if name not in ("op", "id")}
                    self._end(attempt, Ending(attempt.trial.number, **how))
                case _:
                    assert attempt.incoming is not None and attempt.trial is not None
                    with recording_in(attempt.trial.run_dir):
                        attempt.incoming.write(message, payload)
        return reports

    def _answer(self, attempt: Attempt, message: dict[str, Any]) -> None:
        """Let the search judge a step of a trial, and tell the trial."""
        assert attempt.give_up is not None and attempt.trial is not None
        last = message["last"]
        stop = attempt.give_up(Report(attempt.trial.number, message["step"], message["metrics"], last))
        if attempt.worker is not None and not last:
            attempt.worker.orders += frame(op="answer", id=attempt.id, report=message["report"], stop=stop)

    def _take_facts(self, event: Event) -> None:
        """A slot is there, or can't be."""
        worker, error = event.worker, event.error
        if error is None:
            trouble = self.workers.admit(worker, event.answer)
        elif getattr(error, "actor_init_failed", True):
            self.workers.fail(worker)
            trouble = f"no trial can run on a node of the cluster: {cause(error)} (docs/cluster.md)"
        else:
            self.workers.forget(worker)  # its node died meanwhile; the next look asks for another
            return
        if trouble is None or trouble == self._trouble:
            return
        if not any(other.facts is not None for other in self.workers.all):
            raise ExecutorError(trouble)
        _LOG.warning("%s; it is left alone", trouble)
        self._trouble = trouble

    def _end(self, attempt: Attempt, ending: Ending) -> None:
        """An attempt is over; what is still said of it is refused."""
        if attempt.incoming is not None:
            attempt.incoming.close()
        if attempt.worker is not None:
            attempt.worker.attempt = None
            attempt.worker = None
        self.running.pop(ending.number, None)
        self.ended.append(ending)

    def _bury(self, worker: Worker, error: BaseException) -> None:
        """A slot is no more, and what ran there with it; what hadn't begun there goes elsewhere."""
        attempt = worker.attempt
        self.workers.forget(worker)
        alive = self.workers.grow()
        if attempt is None:
            return
        if not (attempt.heard or attempt.moved):
            attempt.moved, attempt.worker = True, None
            self.waiting.appendleft(attempt)
            return
        number = DECLARATIONS if attempt.trial is None else attempt.trial.number
        if (worker.facts or {}).get("node") not in alive:
            reason = f"the node {worker.host} was lost"
            self._end(attempt, Ending(number, None, signal.SIGKILL, reason=reason, lost=True))
            return
        why = gone(error)
        reason = f"its slot on {worker.host} died: {why}"
        self._end(attempt, Ending(number, None, signal.SIGKILL, reason=reason, out_of_memory="memory" in why))
