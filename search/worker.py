"""The whole child program: one script, run once, in a process that is ready for it.

Whoever starts the process (the warm parent by a fork, a fresh interpreter, or the `inline` executor
without a process at all) calls `run` with a `Job`. What the script finds goes into the run
directory; what it declares, for the job of reading its flags, into `declared.json` there.
"""

import gc
import importlib
import random
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from results import layout
from results.files import read_json
from results.import_hook import when_imported
from results.keras_hooks import install
from results.recorder import Observer, Recorder, recording
from search.archive import archive_figures, archive_imported, archive_sources
from search.as_main import Failure, execute
from search.reading import read
from search.script import Entry
from spaces import provide

Around = Callable[[], AbstractContextManager[object]]


@dataclass(frozen=True)
class Job:
    """What a child is told; every field is plain JSON.

    Attributes:
        script: The absolute path of the script.
        run_dir: The absolute directory that takes what the job finds.
        sources: The absolute paths of the script and the local modules it is known to import.
        modules: What these import from elsewhere, imported before anything is seeded.
        values: The value of every flag, or None to read the script's declarations instead.
        seed: Seeds Python, NumPy and Keras; in [0, 2**32).
        gpu: A value for CUDA_VISIBLE_DEVICES, or None to leave it.
        entry: What of the script is run as a hypermodel (a `search.script.Entry`), or None for all of it.
        line: The descriptor of the socket over which the run asks after each step whether to go on, or None.
    """

    script: str
    run_dir: str
    sources: Sequence[str] = ()
    modules: Sequence[str] = ()
    values: Mapping[str, Any] | None = None
    seed: int = 0
    gpu: str | None = None
    entry: Mapping[str, Any] | None = None
    line: int | None = None


def preload(modules: Sequence[str], each: Callable[[str], None] = lambda name: None) -> None:
    """Import `modules` as far as they can be; what can't is left for the script to fail on.

    Args:
        modules: Dotted names; some may be attributes of a module rather than modules.
        each: Called with each name after it has been tried.
    """
    with uncollected():
        for name in modules:
            if name not in sys.modules:
                # Only an import done early: the script repeats it and shows what is wrong with it.
                try:
                    importlib.import_module(name)
                except (Exception, SystemExit):
                    continue
                each(name)


@contextmanager
def uncollected() -> Iterator[None]:
    """Leave out Python's search for garbage, which is in vain while all that imports make stays.

    Whether it is enabled, and what a module that is imported changes of it, stays as it is.
    """
    before = gc.get_threshold()
    gc.set_threshold(2**31 - 1)  # not 0, which a module may set
    without = gc.get_threshold()
    try:
        yield
    finally:
        if gc.get_threshold() == without:
            gc.set_threshold(*before)


def run(
    job: Job,
    at_end: Callable[[], object] = lambda: None,
    around: Around = nullcontext,
    through: tuple[type[BaseException], ...] = (),
    observer: Observer | None = None,
) -> int:
    """Run the job's script as `__main__`; return the exit code that a plain Python would.

    An exception is printed to stderr without our frames, and recorded.

    Args:
        job: What to run.
        at_end: Called when the script and its threads have ended, while its run is still recorded.
        around: Makes a context in which the script and its threads run, and nothing else.
        through: Exceptions that aren't the script's but the user's, at the keyboard: they are let through.
        observer: Called after each step; it may raise `Pruned`, which ends the run well.
    """
    life = _life(around, set(threading.enumerate()))
    preload(job.modules)
    with ExitStack() as undo:
        undo.callback(when_imported("numpy", lambda numpy: numpy.random.seed(job.seed)))
        undo.callback(when_imported("keras", lambda keras: _seed_keras(keras, job.seed)))
        random.seed(job.seed)
        if job.values is None:
            read(Path(job.script), Path(job.run_dir), _entry(job), through)
            return 0
        return _train(job, job.values, at_end, life, through, observer)


def _seed_keras(keras: Any, seed: int) -> None:
    """Seed Keras and its backend; Python's and NumPy's generators stay where the script has brought them."""
    numpy = sys.modules["numpy"]
    before = random.getstate(), numpy.random.get_state()
    keras.utils.set_random_seed(seed)
    random.setstate(before[0])
    numpy.random.set_state(before[1])


def _entry(job: Job) -> Entry | None:
    return None if job.entry is None else Entry.from_json(job.entry)


def _main(job: Job, values: Mapping[str, Any], recorder: Recorder) -> Callable[[], object] | None:
    """What is run in the script's place, if not all of it."""
    entry = _entry(job)
    if entry is None:
        return None
    from search import hypermodel

    missing = frozenset((read_json(Path(job.run_dir) / layout.RUN) or {}).get("inactive", ()))
    return lambda: hypermodel.train(Path(job.script), entry, values, missing, recorder)


def _train(
    job: Job,
    values: Mapping[str, Any],
    at_end: Callable[[], object],
    life: AbstractContextManager[None],
    through: tuple[type[BaseException], ...],
    observer: Observer | None,
) -> int:
    script, run_dir = Path(job.script), Path(job.run_dir)
    archive_sources([Path(source) for source in job.sources], script.parent, run_dir)
    recorder = Recorder(run_dir)
    if observer is not None:
        recorder.observers.append(observer)
    undo = install(recorder)
    try:
        with recording(recorder), provide(values, job.script):
            try:
                with life:
                    return execute(script, through, _main(job, values, recorder))
            finally:
                archive_figures(run_dir)  # matplotlib closes them at the end
                at_end()
    except Failure as failure:
        sys.stdout.flush()
        print(failure.traceback, end="", file=sys.stderr)
        recorder.error(failure.kind, failure.message, failure.traceback)
        return 1
    finally:
        undo()
        archive_imported(script, run_dir)
        recorder.close()


@contextmanager
def _life(around: Around, others: Set[threading.Thread]) -> Iterator[None]:
    """Wait for the threads of a script, and of what it imports, as Python does before it ends."""
    with around():
        try:
            yield
        finally:
            for thread in set(threading.enumerate()) - others:
                if not thread.daemon:
                    thread.join()
