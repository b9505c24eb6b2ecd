"""The `local` executor: trials in processes of this machine, born of a warm parent.

The parent's side of search/nursery.py: starts it, sends it jobs, hears how they ended. A nursery
that is killed takes its children with it; they are reported as killed and the next trial gets a new nursery.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import deque
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from results import layout
from results.files import read_json
from search.executor import Declarations, Ending, ExecutorError, Judge, Report, Resources, Trial
from search.limits import environment
from search.script import OURS, Script
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
        self.pids: dict[int, int] = {}
        self.ended: deque[Ending] = deque()
        self.judges: dict[int, Judge] = {}
        self._open()

    @property
    def slots(self) -> int:
        """How many trials may be running at once."""
        return self.resources.workers

    def declarations(self) -> Declarations:
        """Run the script up to its `flags()` call in a child and return what it declares."""
        with tempfile.TemporaryDirectory(prefix="gridruns-") as folder:
            self._start(DECLARATIONS, self._job(folder))
            while not self.ended:
                self._hear(None)
            ending = self.ended.popleft()
            found = read_json(Path(folder) / layout.DECLARED)
        if found is None:
            how = ending.reason or (
                f"signal {ending.signal}" if ending.signal else f"exit code {ending.exit_code}"
            )
            raise ExecutorError(f"{self.script.shown} ended ({how}) before it called flags()")
        return read_declarations(found, self.script.shown)

    def submit(self, trial: Trial, judge: Judge | None = None) -> None:
        """Start a trial on a free worker."""
        if judge is not None:
            self.judges[trial.number] = judge
        taken = set(self.running.values())
        slot = next(slot for slot in range(self.slots) if slot not in taken)
        self.running[trial.number] = slot
        job = self._job(str(trial.run_dir), dict(trial.flags), trial.seed, self.resources.gpu(slot))
        self._start(trial.number, job)

    def wait(self, timeout: float | None = None) -> list[Ending]:
        """Return the trials that have ended since the last call, waiting for the first."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while not self.ended and self.running:
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                break
            self._hear(left)
        endings = list(self.ended)
        self.ended.clear()
        for ending in endings:
            self.running.pop(ending.number, None)
            self.judges.pop(ending.number, None)
        return endings

    def kill(self, number: int) -> None:
        """End a trial's whole process group."""
        if number in self.running:
            self._send(op="kill", id=number)

    def group(self, number: int) -> int | None:
        """The trial's process group: the child's own number, once it has started."""
        return self.pids.get(number) or None

    def close(self) -> None:
        """Let the nursery go, which ends its children first; one that doesn't hear us is ended."""
        self.link.close()
        try:
            self.process.wait(PATIENCE if self.pids else 0)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for pid in filter(None, self.pids.values()):
            _kill_orphans(pid)
        self.pids.clear()
        self.log.close()

    def _job(
        self, folder: str, values: dict[str, Any] | None = None, seed: int = 0, gpu: str | None = None
    ) -> Job:
        modules = tuple(self.late) if self.method == "fork" else self.script.modules
        sources = [str(path) for path in self.script.digests]
        return Job(str(self.script.path), folder, sources, modules, values, seed, gpu)

    def _open(self) -> None:
        """Start a nursery. Its own output goes into a nameless file, to be shown if it dies."""
        self.link, theirs = socket.socketpair()
        self.buffer = b""
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
        return {**environment(self.resources.threads), **self.script.environment, "PYTHONHASHSEED": "0"}

    @property
    def _forks(self) -> bool:
        return self.method == "fork"

    def _start(self, number: int, job: Job) -> None:
        if self.link.fileno() == -1:
            self._open()
        while not self.ready:
            self._hear_ready()
        self.pids[number] = (
            0  # before it is sent, so that a nursery found dead counts this trial among its own
        )
        self._send(op="start", id=number, job=asdict(job), method=self.method, asks=number in self.judges)

    def _hear_ready(self) -> None:
        """Wait until the nursery has imported; leave out of the next what makes this one unsafe to fork."""
        for message in self._receive(None):
            if message["event"] == "ready":
                self.ready = True
            elif message["event"] == "unsafe":
                self.late[message["module"]] = message["why"]
                self._renew()
                return
        if self.link.fileno() == -1:
            raise ExecutorError(f"{self.death}, while it imported what {self.script.shown} imports")

    def _renew(self) -> None:
        self.close()
        self._open()

    def _send(self, **order: Any) -> None:
        if self.link.fileno() == -1:
            return  # the nursery is buried, and its children with it
        try:
            self.link.sendall(json.dumps(order).encode() + b"\n")
        except BrokenPipeError:
            self._bury()

    def _hear(self, timeout: float | None) -> None:
        for message in self._receive(timeout):
            number = message["id"]
            if message["event"] == "started":
                self.pids[number] = message["pid"]
                continue
            if message["event"] == "report":
                self._answer(Report(number, message["step"], message["metrics"], message["last"]))
                continue
            del self.pids[number]
            self.ended.append(
                Ending(
                    number,
                    message["exit_code"],
                    message["signal"],
                    message["cpu_seconds"],
                    message["peak_memory_bytes"],
                )
            )

    def _answer(self, report: Report) -> None:
        """Let the search judge a step of a trial, and tell the trial."""
        stop = self.judges[report.number](report)
        if not report.last:
            self._send(op="answer", id=report.number, stop=stop)

    def _receive(self, timeout: float | None) -> list[dict[str, Any]]:
        """Return the messages that have come, waiting for the first; none where the nursery has died."""
        if self.link.fileno() == -1:
            return []
        self.link.settimeout(timeout)
        try:
            received = self.link.recv(1 << 16)
        except (TimeoutError, BlockingIOError):
            return []
        except ConnectionResetError:
            received = b""
        finally:
            self.link.settimeout(None)
        if not received:
            self._bury()
            return []
        *lines, self.buffer = (self.buffer + received).split(b"\n")
        return [json.loads(line) for line in lines]

    def _bury(self) -> None:
        """The nursery is dead: end what is left of its children and report them as killed."""
        self.link.close()
        self.process.wait()
        self.death = f"the warm parent died: {self._last_words()}"
        self.log.close()
        for number, pid in self.pids.items():
            if pid:
                _kill_orphans(pid)
            self.ended.append(Ending(number, None, signal.SIGKILL, reason=self.death))
        self.pids.clear()

    def _last_words(self) -> str:
        self.log.seek(0)
        lines = self.log.read().decode(errors="replace").strip().splitlines()
        code = self.process.returncode
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        return f"{how}, {lines[-1]}" if lines else how


def _kill_orphans(pid: int) -> None:
    """End what is left of the process group of a child whose parent is dead."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def read_declarations(found: dict[str, Any], shown: str) -> Declarations:
    """Turn what a child wrote about a script's flags into `Declarations`.

    Raises:
        ExecutorError: The script didn't get as far as declaring them.
    """
    if "problem" in found:
        raise ExecutorError(f"{shown} {found['problem']}")
    return Declarations(
        tuple(Flag.from_json(flag) for flag in found["flags"]), found["file"], found["profile"]
    )
