"""How many trials one search can drive: the search's own process, with simulated nodes.

    python benchmarks/driver_scale.py [--finished 100000] [--quick]

The search is the real one (sampler, loop, run directories, TensorBoard sessions), and so is its side of the
cluster (the executor `ray`, what it writes of what nodes send). The nodes are simulated in the same
process: a trial "sleeps", sends a line of metrics and of TensorBoard's scalars an epoch, and at its end its
output, its properties and its source. What is left out: Ray's own calls (about 1 ms each, one a trial and
one for each time that its node has something to say), the network, and whatever the nodes' work would do to
the machine.

First the pace with 10, 100 and 1,000 trials at once, each so short that the search can't keep up. Then one
search of `--finished` trials of a grid of 100,000 points, 100 at once: pace and memory at every tenth of
it. Each measurement is a process of its own. Prints one JSON object a line, with the machine's load.
"""

import argparse
import heapq
import itertools
import json
import os
import resource
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from overhead import SCRIPT

from results import layout
from search import tuning_run
from search.cluster.attempt import Worker
from search.cluster.executor import RayExecutor
from search.cluster.frames import Frames, frame
from search.cluster.outgoing import SCALARS
from search.cluster.workers import Event
from search.executor import Resources
from search.executors import EXECUTORS
from spaces import flag_integer

OFFERED = 1000.0  # trials a second that the simulated nodes would carry
EPOCHS = 5
LINE = json.dumps(
    {"step": 1, "time": "2026-01-01T00:00:00.000000+00:00", "metrics": {"val_loss": 0.1, "loss": 0.2}}
)
FACTS = {"host": "node", "node": "0" * 56, "gpus": None}


@dataclass
class SimulatedNodes:
    """Stands in for `search.cluster.workers.Workers`: the same methods, and trials that are made up."""

    count: int
    seconds: float
    all: list[Worker] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.all = [Worker(None, dict(FACTS)) for _ in range(self.count)]
        self.capacity = self.count
        self.wake, self._waker = socket.socketpair()
        self._due: list[tuple[float, int, Worker, bytes]] = []
        self._said: dict[Worker, bytes] = {}
        self._asking: set[Worker] = set()
        self._order = itertools.count()

    def ready(self) -> Iterator[Worker]:
        """The slots that are free."""
        return (worker for worker in self.all if worker.attempt is None)

    def exchange(self, worker: Worker) -> None:
        """Take a slot's orders; it answers when its trial has something to say."""
        for order, _ in Frames().feed(worker.orders):
            if order["op"] == "declare":
                self._say(0, worker, frame(op="declared", id=order["id"], found=DECLARED, root="/"))
            elif order["op"] == "start":
                self._plan(worker, order["id"])
        worker.orders = b""
        self._asking.add(worker)

    def events(self) -> list[Event]:
        """The answers that are due."""
        now = time.monotonic()
        while self._due and self._due[0][0] <= now:
            _, _, worker, said = heapq.heappop(self._due)
            self._said[worker] = self._said.get(worker, b"") + said
        found = [worker for worker in self._said if worker in self._asking]
        self._asking.difference_update(found)
        return [Event(worker, "exchange", self._said.pop(worker)) for worker in found]

    @property
    def next_look(self) -> float:
        """Seconds until the next answer."""
        return max(0.0, self._due[0][0] - time.monotonic()) if self._due else 1.0

    def grow(self) -> set[str]:
        """No node joins."""
        return {str(FACTS["node"])}

    def send(self, worker: Worker, orders: bytes) -> None:
        """Nothing here is killed or measured."""

    def forget(self, worker: Worker) -> None:
        """Nothing here dies."""

    def close(self) -> None:
        """Free the descriptors."""
        self.wake.close()
        self._waker.close()

    def _plan(self, worker: Worker, number: int) -> None:
        line, at = LINE.encode() + b"\n", 0
        scalars = bytes(180)
        for epoch in range(1, EPOCHS + 1):
            said = frame(line, op="append", id=number, path=layout.METRICS, at=at)
            for name in SCALARS:
                said += frame(scalars, op="append", id=number, path=name, at=(epoch - 1) * len(scalars))
            at += len(line)
            self._say(self.seconds * epoch / EPOCHS, worker, said)
        put: dict[str, Any] = {"op": "put", "id": number, "at": 0, "end": True, "mode": 0o644}
        said = frame(b"done\n", op="append", id=number, path=layout.OUTPUT, at=0)
        said += frame(b"{}\n", path=layout.PROPERTIES, **put)
        said += frame(SCRIPT.read_bytes(), path=f"{layout.SOURCE}/{SCRIPT.name}", **put)
        how: dict[str, Any] = {"exit_code": 0, "signal": None, "cpu_seconds": 0.1}
        said += frame(
            op="ended", id=number, reason=None, out_of_memory=None, peak_memory_bytes=1 << 20, **how
        )
        self._say(self.seconds, worker, said)

    def _say(self, seconds: float, worker: Worker, said: bytes) -> None:
        heapq.heappush(self._due, (time.monotonic() + seconds, next(self._order), worker, said))


FLAGS = ("a", "b", "c", "d", "e")
DECLARED: dict[str, Any] = {
    "flags": [flag_integer(name, 1).to_json() for name in FLAGS],
    "file": None,
    "profile": None,
    "conditions": {},
    "entry": None,
}


class SimulatedExecutor(RayExecutor):
    """The executor `ray` with simulated nodes."""

    def _open(self, resources: Resources, setup: bytes) -> Any:
        nodes = SimulatedNodes(resources.workers, resources.workers / OFFERED)
        return nodes


def resident() -> float:
    """MiB that this process has resident now, or has had at most where the system doesn't say."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * resource.getpagesize() / (1 << 20)
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(at_once: int, trials: int, runs_dir: str) -> None:
    """Run one search and print its pace and its memory at every tenth."""
    EXECUTORS["simulated"] = f"{__name__}:SimulatedExecutor"
    sys.modules.setdefault("__main__", sys.modules[__name__])
    marks: list[tuple[float, float, float]] = []
    taken = itertools.count(1)
    end = SimulatedExecutor._end

    def counted(self: SimulatedExecutor, *ended: Any) -> None:
        end(self, *ended)
        if next(taken) % max(1, trials // 10) == 0:
            marks.append((time.monotonic(), time.process_time(), resident()))
            done, cpu, memory = (now - then for now, then in zip(marks[-1], began, strict=True))
            print(
                f"{len(marks)}0%: {done:.0f} s, CPU {cpu:.0f} s, {memory:.0f} MiB",
                file=sys.stderr,
                flush=True,
            )

    SimulatedExecutor._end = counted  # type: ignore[assignment, method-assign]
    began = (time.monotonic(), time.process_time(), resident())
    tuning_run(SCRIPT, dict.fromkeys(FLAGS, range(10)), trials=trials, study="s", runs_dir=runs_dir, seed=1,
               workers=at_once, threads=1, executor="simulated", quiet=True)  # fmt: skip
    each = trials // 10
    paces = [each / (after[0] - before[0]) for before, after in itertools.pairwise([began, *marks])]
    cpu = [(after[1] - before[1]) / each for before, after in itertools.pairwise([began, *marks])]
    print(
        json.dumps(
            {
                "at_once": at_once,
                "finished": trials,
                "trials_a_second": round(trials / (marks[-1][0] - began[0]), 1),
                "cpu_ms_a_trial": round(1000 * (marks[-1][1] - began[1]) / trials, 2),
                "trials_a_second_by_tenth": [round(pace, 1) for pace in paces],
                "cpu_ms_a_trial_by_tenth": [round(1000 * seconds, 2) for seconds in cpu],
                "resident_mib_at_begin": round(began[2]),
                "resident_mib_by_tenth": [round(mark[2]) for mark in marks],
                "load_average": round(os.getloadavg()[0], 1),
            }
        ),
        flush=True,
    )


def main() -> None:
    """Measure each setting in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--finished", type=int, default=100_000, help="Trials of the long search.")
    parser.add_argument("--quick", action="store_true", help="A few trials of each.")
    parser.add_argument("--one", nargs=2, type=int, metavar=("AT_ONCE", "TRIALS"), help="One measurement.")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as runs_dir:
        if asked.one:
            measure(asked.one[0], asked.one[1], runs_dir)
            return
    settings = (
        [(10, 200), (100, 400), (1000, 2000)] if asked.quick else [(10, 2000), (100, 2000), (1000, 4000)]
    )
    for at_once, trials in [*settings, (100, 1000 if asked.quick else asked.finished)]:
        subprocess.run([sys.executable, __file__, "--one", str(at_once), str(trials)], check=True)


if __name__ == "__main__":
    main()
