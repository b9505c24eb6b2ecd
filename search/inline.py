"""The `inline` executor: trials one after another in this very process, for pdb and for odd platforms.

A breakpoint in the script works, since standard input and output stay the terminal's (output is
copied into output.log besides). What it gives up is isolation: a crash takes the search with it and memory
grows from trial to trial.
"""

import bdb
import logging
import os
import resource
import signal
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext, redirect_stderr, redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import Any

from gridruns import GridrunsError
from results import layout
from results.files import read_json
from results.recorder import Pruned
from search.archive import local_modules
from search.executor import Declarations, Ending, ExecutorError, GiveUp, Report, Resources, Trial
from search.interrupts import Interrupted, Stop
from search.limits import THREAD_VARIABLES, environment
from search.local import read_declarations
from search.script import Script
from search.worker import Job, run

AT_THE_KEYBOARD = (KeyboardInterrupt, bdb.BdbQuit)  # what a user does there, whatever the script thinks of it


class InlineExecutor:
    """Runs each trial in this process, in `wait` (see `search.executor.Executor`)."""

    def __init__(self, script: Script, resources: Resources, start_method: str = "auto") -> None:
        """Give this process the number of threads, if TensorFlow hasn't started with another.

        Raises:
            ExecutorError: It has.
        """
        self.script = script
        self.waiting: deque[tuple[Trial, GiveUp | None]] = deque()
        self.ended: deque[Ending] = deque()
        self.slots = 1
        self._gpu = resources.gpu(0)
        _set_threads(resources.threads)
        os.environ.update(script.environment)

    def declarations(self) -> Declarations:
        """Run the script up to its `flags()` call and return what it declares."""
        with tempfile.TemporaryDirectory(prefix="gridruns-") as folder:
            with _tidy(self.script.path.parent), _copied_to(Path(folder) / layout.OUTPUT, quiet=True):
                run(self._job(Path(folder)), through=AT_THE_KEYBOARD)
            found = read_json(Path(folder) / layout.DECLARED)
        assert found is not None, "a child that returns has written what it found"
        declared = read_declarations(found, self.script.shown)
        self.script = replace(self.script, entry=declared.entry)
        return declared

    def submit(self, trial: Trial, give_up: GiveUp | None = None) -> None:
        """Take the trial; `wait` runs it."""
        self.waiting.append((trial, give_up))

    def wait(self, timeout: float | None = None, stop: Stop | None = None) -> list[Ending]:
        """Run the trials submitted since the last call to their ends and return these.

        A signal that is to end trials at once interrupts the script, and only the script.

        Raises:
            Interrupted: The user has left the debugger, or the script has raised KeyboardInterrupt.
            GridrunsError: What `give_up` has raised.
        """
        while self.waiting:
            self._run(*self.waiting.popleft(), stop)
        endings = list(self.ended)
        self.ended.clear()
        return endings

    def _run(self, trial: Trial, give_up: GiveUp | None, stop: Stop | None) -> None:
        wrong: list[GridrunsError] = []

        def observe(step: int, metrics: Mapping[str, float], last: bool) -> None:
            try:
                stop = give_up is not None and give_up(Report(trial.number, step, metrics, last))
            except GridrunsError as error:  # the search's, no failure of the script
                wrong.append(error)
                raise Pruned from error
            if stop and not last:
                raise Pruned

        started = time.process_time()
        around = nullcontext if stop is None else stop.breaking
        try:
            with _tidy(self.script.path.parent), _copied_to(trial.run_dir / layout.OUTPUT):
                job = self._job(trial.run_dir, trial)
                code = run(job, around=around, through=AT_THE_KEYBOARD, observer=observe)
        except AT_THE_KEYBOARD as broken:
            number = broken.signal if isinstance(broken, Interrupted) else signal.SIGINT
            self.ended.append(Ending(trial.number, None, number, time.process_time() - started))
            if stop is None or not stop.at_once:
                raise Interrupted(number) from None
            return
        if wrong:
            self.ended.append(Ending(trial.number, None, signal.SIGINT, time.process_time() - started))
            raise wrong[0]
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        self.ended.append(Ending(trial.number, code, None, time.process_time() - started, peak))

    def kill(self, number: int) -> None:
        """Don't begin the trial. One that has begun has ended before another method can be called."""
        if any(trial.number == number for trial, _ in self.waiting):
            self.waiting = deque(item for item in self.waiting if item[0].number != number)
            self.ended.append(Ending(number, None, signal.SIGKILL))

    def begun(self, number: int) -> bool:
        """Always: a trial runs in `wait`."""
        return True

    def memory(self) -> Mapping[int, int]:
        """Nothing: a trial has no processes of its own."""
        return {}

    def close(self) -> None:
        """Do nothing: nothing is held."""

    def _job(self, run_dir: Path, trial: Trial | None = None) -> Job:
        sources = [str(path) for path in self.script.digests]
        values = None if trial is None else dict(trial.flags)
        seed = 0 if trial is None else trial.seed
        entry = None if self.script.entry is None else self.script.entry.to_json()
        modules = self.script.modules
        return Job(str(self.script.path), str(run_dir), sources, modules, values, seed, self._gpu, entry)


def _set_threads(threads: int | None) -> None:
    if threads is None:
        return
    wanted = str(threads)
    context = getattr(sys.modules.get("tensorflow.python.eager.context"), "_context", None)
    if context is not None and context._initialized:
        now = {name: os.environ.get(name) for name in THREAD_VARIABLES if name.startswith("TF_")}
        if set(now.values()) != {wanted}:
            raise ExecutorError(
                f"threads={wanted} can't be had inline: TensorFlow has started in this process with "
                f"{now['TF_NUM_INTRAOP_THREADS'] or 'all'} threads; use the executor 'local' or a new process"
            )
    os.environ.update(environment(threads))


class _Both:
    """A stream of text, or bytes, that writes to the terminal's and to a file, and is else the terminal's."""

    def __init__(self, stream: Any, file: Any) -> None:
        self._stream = stream
        self._file = file

    def write(self, text: Any) -> Any:
        """Write to both."""
        if self._stream is not None:
            self._stream.write(text)
        return self._file.write(text)

    def flush(self) -> None:
        """Flush both."""
        if self._stream is not None:
            self._stream.flush()
        self._file.flush()

    @property
    def buffer(self) -> "_Both":
        """The same for bytes."""
        self.flush()
        return _Both(getattr(self._stream, "buffer", None), self._file.buffer)

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream or self._file, name)


@contextmanager
def _copied_to(log: Path, quiet: bool = False) -> Iterator[None]:
    """Copy what Python prints to `log`; `quiet` keeps it from the terminal."""
    with (
        log.open("a", encoding="utf-8", buffering=1) as file,
        redirect_stdout(_Both(None if quiet else sys.stdout, file)),
        redirect_stderr(_Both(None if quiet else sys.stderr, file)),
    ):
        yield


@contextmanager
def _tidy(folder: Path) -> Iterator[None]:
    """Leave nothing of a trial behind for the next: its local modules, working directory, Keras's names."""
    before = set(local_modules(folder))
    here = Path.cwd()
    handlers = logging.root.handlers[:]
    _clear_keras()
    try:
        yield
    finally:
        os.chdir(here)
        logging.root.handlers[:] = handlers  # a script's own would write to a log that is closed
        for name in set(local_modules(folder)) - before:
            del sys.modules[name]


def _clear_keras() -> None:
    keras = sys.modules.get("keras")
    if keras is not None:
        keras.utils.clear_session(free_memory=False)  # the garbage is Python's to collect, in its time
