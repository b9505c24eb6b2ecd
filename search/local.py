"""The `local` executor: trials in processes of this machine, born of a warm parent.

The parent's side of search/nursery.py: starts it, sends it jobs, hears how they ended. What is left below a
nursery that is killed falls to this process and is ended; its trials are reported as killed, and the next
trial gets a new nursery.
"""

import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import IO, Any

from results import layout
from results.files import read_json
from search.executor import Declarations, Ending, ExecutorError, GiveUp, Report, Resources, Trial
from search.interrupts import Wakes
from search.lifeline import adopt_orphans
from search.limits import environment
from search.memory import memory_of
from search.orphans import end_orphans, new_mark
from search.script import OURS, Entry, Script
from search.worker import Job
from spaces import Flag

PATIENCE = 5.0  # seconds that a nursery has to end its children
DECLARATIONS = -1  # the number of the job that reads the script's flags


class LocalExecutor:
    """Runs each trial in a process of its own on this machine (see `search.executor.Executor`)."""

    def __init__(self, script: Script, resources: Resources, start_method: str = "auto") -> None:
        """Start the warm parent; it imports while the caller goes on.

        Args:
            script: What to run.
            resources: How many at once, and what each may use.
            start_method: "fork" from the warm parent, "spawn" a fresh interpreter a trial, or "auto":
                fork on Linux, spawn elsewhere.
        """
        if not hasattr(os, "fork"):
            raise ExecutorError("the executor 'local' needs Linux or macOS (on Windows: WSL, or 'inline')")
        self.script = script
        self.resources = resources
        self.method = start_method
        if start_method == "auto":
            self.method = "fork" if sys.platform == "linux" else "spawn"
        self.late: dict[str, str] = {}
        self.running: dict[int, int] = {}
        self.jobs: dict[int, Job] = {}
        self.pids: dict[int, int] = {}
        self.ended: deque[Ending] = deque()
        self.asking: dict[int, GiveUp] = {}
        self.adopted = adopt_orphans()
        self._open()

    @property
    def slots(self) -> int:
        """How many trials may be running at once."""
        return self.resources.workers

    def declarations(self, stop: Wakes | None = None) -> Declarations:
        """Run the script up to its `flags()` call in a child and return what it declares.

        Args:
            stop: Drained when it has something to say; what that raises ends the waiting.
        """
        with tempfile.TemporaryDirectory(prefix="gridruns-") as folder:
            self._start(DECLARATIONS, self._job(folder))
            while not self.ended:
                spoken, _ = self._listen(None, stop)
                if spoken:
                    self._hear()
            ending = self.ended.popleft()
            found = read_json(Path(folder) / layout.DECLARED)
        if found is None:
            how = ending.reason or (
                f"signal {ending.signal}" if ending.signal else f"exit code {ending.exit_code}"
            )
            raise ExecutorError(f"{self.script.shown} ended ({how}) before it called flags()")
        declared = read_declarations(found, self.script.shown)
        self.script = replace(self.script, entry=declared.entry)
        return declared

    def submit(self, trial: Trial, give_up: GiveUp | None = None) -> None:
        """Start a trial on a free worker."""
        if give_up is not None:
            self.asking[trial.number] = give_up
        taken = set(self.running.values())
        slot = next(slot for slot in range(self.slots) if slot not in taken)
        job = self._job(str(trial.run_dir), dict(trial.flags), trial.seed, self.resources.gpu(slot))
        self._start(trial.number, job)
        self.running[trial.number] = slot

    def wait(self, timeout: float | None = None, stop: Wakes | None = None) -> list[Ending]:
        """Return the trials that have ended since the last call, waiting for the first."""
        deadline = None if timeout is None else time.monotonic() + timeout
        left = timeout
        while not self.ended and self.pids:
            spoken, stopped = self._listen(left, stop)
            if spoken:
                self._hear()
            # Trials that report without a pause mustn't keep the caller from looking at its limits.
            if stopped or not spoken or left == 0:
                break
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
        endings = list(self.ended)
        self.ended.clear()
        for ending in endings:
            self.running.pop(ending.number, None)
            self.asking.pop(ending.number, None)
        return endings

    def kill(self, number: int) -> None:
        """End a trial's whole process group."""
        if number in self.running:
            self._send(op="kill", id=number)

    def begun(self, number: int) -> bool:
        """Always: a trial waits for nothing but its warm parent."""
        return True

    def memory(self) -> Mapping[int, int]:
        """The memory of the trials' process groups, which the children lead."""
        return memory_of({number: pid for number, pid in self.pids.items() if pid})

    def close(self) -> None:
        """Let the nursery go, which ends its children first; one that doesn't hear us is ended."""
        self.link.close()
        try:
            self.process.wait(PATIENCE if self.pids else 0)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        end_orphans(self.mark, {pid for pid in self.pids.values() if pid})
        self.pids.clear()
        self.jobs.clear()
        self.log.close()
        if not self.adopted:
            adopt_orphans(False)

    def _job(
        self, folder: str, values: dict[str, Any] | None = None, seed: int = 0, gpu: str | None = None
    ) -> Job:
        modules = tuple(self.late) if self.method == "fork" else self.script.modules
        sources = [str(path) for path in self.script.digests]
        entry = None if self.script.entry is None else self.script.entry.to_json()
        return Job(str(self.script.path), folder, sources, modules, values, seed, gpu, entry)

    def _open(self) -> None:
        """Start a nursery. Its own output goes into a nameless file, to be shown if it dies."""
        self.link, theirs = socket.socketpair()
        self.buffer = b""
        self.mark = new_mark()
        self.log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115
        modules = [name for name in self.script.modules if name not in self.late]
        arguments = [str(theirs.fileno()), str(os.getpid()), json.dumps(modules if self._forks else [])]
        code = f"import sys; sys.path.append({str(OURS)!r}); from search.nursery import main; main()"
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-c", code, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=self.log,
            env={"MPLBACKEND": "Agg", **os.environ, **self._environment()},
            pass_fds=[theirs.fileno()],
            start_new_session=True,
        )
        theirs.close()
        self.ready = False

    def _environment(self) -> dict[str, str]:
        """What the children find in their environment beside what this process has."""
        ours = {"PYTHONHASHSEED": "0", **self.mark}
        return {**environment(self.resources.threads), **self.script.environment, **ours}

    @property
    def _forks(self) -> bool:
        return self.method == "fork"

    def _start(self, number: int, job: Job) -> None:
        if self.link.fileno() == -1:
            self._open()
        self.jobs[number] = job
        self.pids[number] = 0  # a nursery found dead counts this trial among its own
        self._order_start(number)

    def _order_start(self, number: int) -> None:
        """Order a start, which a nursery that still imports carries out when it has."""
        job, asks = asdict(self.jobs[number]), number in self.asking
        self._send(op="start", id=number, job=job, method=self.method, asks=asks)

    def _renew(self) -> None:
        """Start another nursery in place of one that can't be forked, without what makes it so."""
        self.link.close()
        self.process.wait()
        self.log.close()
        self._open()
        for number, job in self.jobs.items():
            self.jobs[number] = replace(job, modules=tuple(self.late))
            self._order_start(number)

    def _send(self, **order: Any) -> None:
        if self.link.fileno() == -1:
            return  # the nursery is buried, and its children with it
        with suppress(ConnectionError):  # it is dead; what it said before is still to be heard
            self.link.sendall(json.dumps(order).encode() + b"\n")

    def _listen(self, timeout: float | None, stop: Wakes | None) -> tuple[bool, bool]:
        """Wait until the nursery speaks, `stop` says something or time is up: which of the first two did."""
        with selectors.DefaultSelector() as selector:
            selector.register(self.link, selectors.EVENT_READ)
            if stop is not None:
                selector.register(stop, selectors.EVENT_READ)
            ready = [key.fileobj for key, _ in selector.select(timeout)]
        if stop is not None and stop in ready:
            stop.drain()
        return self.link in ready, stop in ready

    def _hear(self) -> None:
        # Reports last: where their judge raises, what the nursery has said besides isn't lost.
        for message in sorted(self._receive(), key=lambda message: message["event"] == "report"):
            match message["event"]:
                case "ready":
                    self.ready = True
                case "unsafe":
                    self.late[message["module"]] = message["why"]
                    self._renew()
                    return
                case "started":
                    self.pids[message["id"]] = message["pid"]
                    del self.jobs[message["id"]]
                case "report":
                    self._answer(Report(*(message[key] for key in ("id", "step", "metrics", "last"))))
                case "ended":
                    self._take_ending(message)

    def _answer(self, report: Report) -> None:
        """Let the search judge a step of a trial, and tell the trial."""
        stop = self.asking[report.number](report)
        if not report.last:
            self._send(op="answer", id=report.number, stop=stop)

    def _take_ending(self, message: dict[str, Any]) -> None:
        number = message["id"]
        del self.pids[number]
        how = (message[key] for key in ("exit_code", "signal", "cpu_seconds", "peak_memory_bytes"))
        self.ended.append(Ending(number, *how))

    def _receive(self) -> list[dict[str, Any]]:
        """Return the messages that have come, waiting for the first; none where the nursery has died."""
        try:
            received = self.link.recv(1 << 16)
        except ConnectionResetError:
            received = b""
        if not received:
            self._bury()
            return []
        *lines, self.buffer = (self.buffer + received).split(b"\n")
        return [json.loads(line) for line in lines]

    def _bury(self) -> None:
        """The nursery is dead: end what is left of its children and report them as killed."""
        self.link.close()
        self.process.wait()
        death = f"the warm parent died: {self._last_words()}"
        if not self.ready:
            death += f", while it imported what {self.script.shown} imports"
        self.log.close()
        end_orphans(self.mark, {pid for pid in self.pids.values() if pid})
        for number in self.pids:
            self.ended.append(Ending(number, None, signal.SIGKILL, reason=death))
        self.pids.clear()
        self.jobs.clear()

    def _last_words(self) -> str:
        self.log.seek(0)
        lines = self.log.read().decode(errors="replace").strip().splitlines()
        code = self.process.returncode
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        return f"{how}, {lines[-1]}" if lines else how


def read_declarations(found: dict[str, Any], shown: str) -> Declarations:
    """Turn what a child wrote about a script's flags into `Declarations`.

    Raises:
        ExecutorError: The script didn't get as far as declaring them.
    """
    if "problem" in found:
        raise ExecutorError(f"{shown} {found['problem']}")
    entry = found.get("entry")
    return Declarations(
        tuple(Flag.from_json(flag) for flag in found["flags"]),
        found["file"],
        found["profile"],
        found.get("conditions", {}),
        None if entry is None else Entry.from_json({**entry, "without": found["without"]}),
    )
