"""The process on a node that runs the trials of one slot: a `local` executor with one worker.

A program of its own, started by a slot. It is nobody's child and ends with the slot's end of its socket,
however that comes about, and takes its trial with it. Both directions carry frames
(search/cluster/frames.py):
    to it    {"root": ..., "files": [...], "threads": 1, ...} with the script's files, once
             {"op": "declare", "id": 1}
             {"op": "start", "id": 2, "number": 7, "flags": {...}, "seed": 1, "asks": true, ...}
             {"op": "answer", "id": 2, "report": 3, "stop": false}
             {"op": "kill", "id": 2}
             {"op": "measure"}
    from it  {"op": "declared", "id": 1, "found": {...}}       {"op": "declared", "id": 1, "problem": "..."}
             {"op": "append", "id": 2, "path": "metrics.jsonl", "at": 0}, with bytes
             {"op": "put", ...}, with bytes    {"op": "link" | "folder" | "remove", ...}
             {"op": "report", "id": 2, "report": 3, "step": 3, "metrics": {...}, "last": false}
             {"op": "memory", "id": 2, "bytes": 123456}
             {"op": "ended", "id": 2, "exit_code": 0, "signal": null, ...}
"""

import os
import signal
import socket
import sys
from collections import deque
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from search.cluster.carry import entry_from_json, entry_to_json, unpack
from search.cluster.folder import node_folder
from search.cluster.frames import Frames, frame
from search.cluster.outgoing import Outgoing
from search.executor import Declarations, Ending, ExecutorError, Report, Resources, Trial
from search.local import LocalExecutor
from search.memory import kernel_kills


class Gone(Exception):
    """The slot has closed its end."""


class Host:
    """Runs one trial after another for the slot at the other end of `link`."""

    def __init__(self, link: socket.socket, folder: Path) -> None:
        self.link = link
        self.folder = folder
        self.frames = Frames()
        self.orders: deque[tuple[dict[str, Any], bytes]] = deque()
        while not self.orders:
            self.drain()
        setup, payload = self.orders.popleft()
        self.script, self.root = unpack(setup, payload, folder / "script")
        self.cwd = setup["cwd"]
        if Path(self.cwd).is_dir():
            os.chdir(self.cwd)
        else:
            os.chdir(self.script.path.parent)
        self.executor = LocalExecutor(self.script, Resources(1, setup["threads"]), setup["start_method"])
        self.id = 0  # of the attempt that runs, or ran last
        self.reports = 0
        self.measures = False
        self.outgoing: Outgoing | None = None

    def fileno(self) -> int:
        """The descriptor over which orders come."""
        return self.link.fileno()

    def drain(self) -> None:
        """Take in what the slot passes on, waiting for it.

        Raises:
            Gone: Nothing more comes.
        """
        try:
            received = self.link.recv(1 << 18)
        except ConnectionResetError:
            received = b""
        if not received:
            raise Gone
        self.orders += self.frames.feed(received)

    def say(self, payload: bytes = b"", **message: Any) -> None:
        """Send a message of the attempt that runs."""
        try:
            self.link.sendall(frame(payload, id=self.id, **message))
        except ConnectionError:
            raise Gone from None

    def serve(self) -> None:
        """Carry out orders until there is nobody to give any."""
        while True:
            while self.orders:
                self.obey(*self.orders.popleft())
            if self.outgoing is None:
                self.drain()
                continue
            endings = self.executor.wait(self.outgoing.pause, self)
            if not endings:
                self.outgoing.look()
                if self.measures:
                    self.say(op="memory", bytes=sum(self.executor.memory().values()))
            for ending in endings:
                self.end(ending)

    def obey(self, order: dict[str, Any], payload: bytes) -> None:
        """Carry out an order; one that has been carried out already, or comes late, changes nothing."""
        match order["op"]:
            case "measure":
                self.measures = True
            case "kill" if order["id"] == self.id and self.outgoing is not None:
                self.executor.kill(self.number)
            case "declare" if order["id"] > self.id:
                self.id = order["id"]
                self.declare()
            case "start" if order["id"] > self.id:
                self.id = order["id"]
                self.start(order, payload)

    def declare(self) -> None:
        """Read the script's flags."""
        try:
            found = self.executor.declarations(self)
        except ExecutorError as error:
            self.say(op="declared", problem=str(error))
            return
        self.say(op="declared", found=_declared(found, self.root), root=str(self.root))

    def start(self, order: dict[str, Any], payload: bytes) -> None:
        """Start a trial in a run directory of this node."""
        self.number, self.reports = order["number"], 0
        self.kills = kernel_kills()
        run_dir = self.folder / order["name"]
        try:
            run_dir.mkdir()
            at = 0
            for name, size in order["files"].items():
                (run_dir / name).write_bytes(payload[at : at + size])
                at += size
            if os.getcwd() != self.cwd:
                (run_dir / "output.log").write_text(
                    f"gridruns: {socket.gethostname()} has no directory {self.cwd!r}; "
                    f"the script starts in {os.getcwd()!r}\n"
                )
        except OSError as error:
            self.say(op="ended", **_ending(Ending(self.number, None, signal.SIGKILL,
                     reason=f"{socket.gethostname()}: {error}")))  # fmt: skip
            return
        self.executor.script = replace(self.executor.script, entry=entry_from_json(order["entry"], self.root))
        self.outgoing = Outgoing(run_dir, self.say)
        self.run_dir = run_dir
        trial = Trial(self.number, order["flags"], order["seed"], run_dir)
        self.executor.submit(trial, self.ask if order["asks"] else None)

    def ask(self, report: Report) -> bool:
        """Let the search judge a step, after it has what was written; wait for its answer."""
        assert self.outgoing is not None
        self.outgoing.look()
        self.reports += 1
        self.say(op="report", report=self.reports, step=report.step, metrics=report.metrics, last=report.last)
        while not report.last:
            while self.orders:
                order, payload = self.orders.popleft()
                if order["op"] == "answer":
                    if (order["id"], order["report"]) == (self.id, self.reports):
                        return bool(order["stop"])
                    continue
                self.obey(order, payload)
                if order["op"] == "kill" and order["id"] == self.id:
                    return False
            self.drain()
        return False

    def end(self, ending: Ending) -> None:
        """Send what is left of a trial that has ended, and how it ended."""
        assert self.outgoing is not None
        self.outgoing.look(last=True)
        self.outgoing = None
        if ending.signal == signal.SIGKILL and ending.reason is None:
            ending = replace(ending, out_of_memory=kernel_kills() > self.kills)
        self.say(op="ended", **_ending(ending))
        remove(self.run_dir)


def _declared(found: Declarations, root: Path) -> dict[str, Any]:
    return {
        "flags": [flag.to_json() for flag in found.flags],
        "file": found.file,
        "profile": found.profile,
        "conditions": found.conditions,
        "entry": None if found.entry is None else entry_to_json(found.entry, root),
    }


def _ending(ending: Ending) -> dict[str, Any]:
    found = asdict(ending)
    return {name: found[name] for name in found if name not in ("number", "lost")}


def remove(folder: Path) -> None:
    """Remove a directory with all that is in it; what a trial has made unreadable stays."""
    import shutil

    shutil.rmtree(folder, ignore_errors=True)


def main() -> None:
    """The program: its argument is the socket's descriptor."""
    link = socket.socket(fileno=int(sys.argv[1]))
    if os.fork():
        os._exit(0)  # the slot has waited for this
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda number, frame: link.shutdown(socket.SHUT_RD))
    with node_folder() as folder:
        executor = None
        try:
            host = Host(link, folder)
            executor = host.executor
            host.serve()
        except Gone:
            return
        finally:
            if executor is not None:
                executor.close()
            os.chdir("/")
