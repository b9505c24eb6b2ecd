"""The process that trials are born in: the warm parent.

A program of its own, started by the `local` executor as `python -c "from search.nursery import main"`.
It imports once what the script imports and then, told so over a socket, forks a child a
job. In a search with `--start-method spawn` it imports nothing and starts each child as a
fresh interpreter. Either way it reaps its children, reports how each ended, and takes all of them
with it when the search dies. docs/decisions/0003-a-warm-parent-of-our-own.md says why this is not
multiprocessing's forkserver.

The socket carries JSON, a line a message:
    to it    {"op": "start", "id": 7, "job": {...}, "method": "fork", "asks": false}
             {"op": "kill", "id": 7}
    from it  {"event": "ready"}          {"event": "unsafe", "module": "...", "why": "..."}
             {"event": "started", "id": 7, "pid": 4711}
             {"event": "ended", "id": 7, "exit_code": 0, "signal": null, "cpu_seconds": 1.2, ...}
and, of a trial that is to ask after each step whether to go on (search/wire.py),
    from it  {"event": "report", "id": 7, "step": 3, "metrics": {...}, "last": false}
    to it    {"op": "answer", "id": 7, "stop": false}
"""

import atexit
import gc
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import threading
import traceback
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from results import layout
from search.archive import local_modules
from search.lifeline import adopt_orphans, children, die_with_parent, end_children
from search.wire import Asker, Lines
from search.worker import Job, preload, run, uncollected

# What each child uses whatever the script does, so that none imports it for itself.
OURS = (
    "numpy.random",
    "results.tensorboard",
    "results.keras_hooks",
    "results.recorder",
    "spaces.flags",
    "spaces.config",
)


class Unsafe(Exception):
    """A module that, once imported, makes it unsafe to fork."""


def why_unsafe() -> str | None:
    """Say what in this process would hang or harm a forked child, or None.

    A TensorFlow context that has run an operation (a layer built, an optimizer made) owns threads and locks
    that a fork doesn't carry over: every child hangs at its first operation. The same holds for any
    other thread.
    """
    context = sys.modules.get("tensorflow.python.eager.context")
    current = getattr(context, "_context", None)
    if current is not None and getattr(current, "_initialized", True):
        return "it ran a TensorFlow operation"
    names = [thread.name for thread in threading.enumerate() if thread is not threading.main_thread()]
    if names:
        return f"it started the thread {names[0]!r}"
    return None


class Nursery:
    """Starts, reaps and kills children on behalf of the search at the other end of `link`."""

    def __init__(self, link: socket.socket) -> None:
        self.link = link
        self.pids: dict[int, int] = {}
        self.kin: set[int] = set()  # processes that the imports have started
        self.selector = selectors.DefaultSelector()
        self.lines = Lines(self.selector)
        self.wake, waker = socket.socketpair()
        self.waker = waker
        for end in (self.wake, waker):
            end.setblocking(False)
        self.serving = False
        self.dismissed = False
        signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        signal.signal(signal.SIGTERM, self.dismiss)
        self.selector.register(link, selectors.EVENT_READ)
        self.selector.register(self.wake, selectors.EVENT_READ)

    def dismiss(self, number: int, frame: FrameType | None) -> None:
        """Take SIGTERM in: leave between two orders, or at once while there are none yet."""
        self.dismissed = True
        if not self.serving:
            self.leave()

    def say(self, **message: Any) -> None:
        """Send one message to the search; without a search there is nothing left to do."""
        try:
            self.link.sendall(json.dumps(message).encode() + b"\n")
        except ConnectionError:
            self.leave()

    def serve(self) -> None:
        """Carry out orders until the search closes its end, dies or is killed."""
        self.serving = True
        pending = b""
        while not self.dismissed:
            keys = [key for key, _ in self.selector.select()]
            ready = {key.fileobj for key in keys}
            for key in keys:
                if key.data is not None:
                    self.relay(key.data)
            if self.wake in ready:
                self.wake.recv(4096)
                self.reap()
            if self.link in ready:
                try:
                    received = self.link.recv(1 << 16)
                except ConnectionResetError:
                    received = b""
                if not received:
                    break
                *lines, pending = (pending + received).split(b"\n")
                for line in lines:
                    self.obey(json.loads(line))
        self.leave()

    def obey(self, order: dict[str, Any]) -> None:
        """Start or kill a child, or pass on what it has asked."""
        number = order["id"]
        if order["op"] == "kill":
            if number in self.pids:
                _kill_group(self.pids[number])
        elif order["op"] == "answer":
            self.lines.answer(number, order["stop"])
        else:
            self.start(number, Job(**order["job"]), order["method"], order["asks"])

    def start(self, number: int, job: Job, method: str, asks: bool) -> None:
        """Start a child."""
        theirs = self.lines.open(number) if asks else None
        if theirs is not None:
            job = replace(job, line=theirs.fileno())
        pid = self.fork(job) if method == "fork" else spawn(job)
        if theirs is not None:
            theirs.close()
        self.pids[number] = pid
        self.say(event="started", id=number, pid=pid)

    def relay(self, number: int) -> None:
        """Pass on what a child has reported."""
        for report in self.lines.reports(number):
            self.say(event="report", id=number, **report)

    def fork(self, job: Job) -> int:
        """Fork a child that runs the job."""
        parent = os.getpid()
        local_modules(Path(job.script).parent)  # once here, not in each child
        pid = os.fork()
        if pid:
            return pid
        code = 1
        try:
            os.setsid()
            die_with_parent(parent)
            adopt_orphans()
            self.release()
            code = child(job)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)

    def release(self) -> None:
        """Let go, in the child, of everything that is the warm parent's."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        self.selector.close()
        self.lines.release()
        for end in (self.link, self.wake, self.waker):
            end.close()
        atexit._clear()

    def reap(self) -> None:
        """Report the children that have ended, after ending what they left behind."""
        for number, pid in list(self.pids.items()):
            if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
                continue
            _kill_group(pid)  # the child is still a zombie: its group can't be another's yet
            _, status, usage = os.wait4(pid, 0)
            del self.pids[number]
            self.sweep()
            self.relay(number)
            self.lines.close(number)
            code = os.waitstatus_to_exitcode(status)
            self.say(
                event="ended",
                id=number,
                exit_code=code if code >= 0 else None,
                signal=-code if code < 0 else None,
                cpu_seconds=usage.ru_utime + usage.ru_stime,
                peak_memory_bytes=usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024),
            )

    def sweep(self) -> None:
        """End what trials left behind, in sessions of their own too, and wait until it has gone.

        A trial adopts its orphans while it lives: those that come to this process are of trials that ended.
        """
        keep = self.kin | set(self.pids.values())
        end_children(lambda pid: pid not in keep)

    def leave(self) -> NoReturn:
        """End all children, what the imports have started too, and this process."""
        for pid in self.pids.values():
            _kill_group(pid)
        end_children(lambda pid: True)
        os._exit(0)


def _kill_group(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        # No group of that name yet (the child hasn't called setsid) or any more.
        os.kill(pid, signal.SIGKILL)


def spawn(job: Job) -> int:
    """Start a fresh interpreter that runs the job."""
    code = (
        f"import sys; sys.path[:] = {sys.path!r}; from search.nursery import spawned; spawned({os.getpid()})"
    )
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", code],
        stdin=subprocess.PIPE,
        start_new_session=True,
        pass_fds=[] if job.line is None else [job.line],
    )
    assert process.stdin is not None
    process.stdin.write(json.dumps(job.__dict__).encode())
    process.stdin.close()
    process.returncode = 0  # reaped by `Nursery.reap`, not by subprocess
    return process.pid


def spawned(parent: int) -> None:
    """What a fresh interpreter runs: the job that stands on its standard input."""
    die_with_parent(parent)
    adopt_orphans()
    job = Job(**json.loads(sys.stdin.buffer.read()))
    os._exit(child(job))


def child(job: Job) -> int:
    """Run a job in this process, with its output in output.log, and return its exit code."""
    _redirect(Path(job.run_dir))
    if job.gpu is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = job.gpu
    observer = None if job.line is None else Asker(job.line)
    code = run(job, at_end=atexit._run_exitfuncs, observer=observer)
    sys.stdout.flush()
    sys.stderr.flush()
    return code


def _redirect(run_dir: Path) -> None:
    """Point standard input at nothing, and output and errors, bytes of subprocesses too, at output.log."""
    sys.stdout.flush()
    sys.stderr.flush()
    nothing = os.open(os.devnull, os.O_RDONLY)
    log = os.open(run_dir / layout.OUTPUT, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(nothing, 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(nothing)
    os.close(log)


def main() -> None:
    """The warm parent's program: arguments are the socket's descriptor, the search's pid and the modules."""
    descriptor, parent, modules = int(sys.argv[1]), int(sys.argv[2]), json.loads(sys.argv[3])
    link = socket.socket(fileno=descriptor)
    die_with_parent(parent, signal.SIGTERM)
    adopt_orphans()
    nursery = Nursery(link)
    with uncollected():
        try:
            preload((*OURS, *modules), _check)
        except Unsafe as unsafe:
            nursery.say(event="unsafe", module=unsafe.args[0], why=unsafe.args[1])
            os._exit(0)  # an ordinary end would wait for the threads of such a module
        gc.freeze()  # a search for garbage in a child would write to what there is, and so copy it
    nursery.kin = children()
    nursery.say(event="ready")
    nursery.serve()


def _check(module: str) -> None:
    why = why_unsafe()
    if why is not None:
        raise Unsafe(module, why)
