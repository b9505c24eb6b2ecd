"""The whole child program: one script, run once, in a process that is ready for it.

Whoever starts the process (the warm parent by a fork, a fresh interpreter, or the `inline` executor
without a process at all) calls `run` with a `Job`. What the script finds goes into the run
directory; what it declares, for the job of reading its flags, into `declared.json` there.
"""

import importlib
import random
import runpy
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from results import layout
from results.files import read_json, write_json
from results.import_hook import when_imported
from results.keras_hooks import install
from results.recorder import Observer, Pruned, Recorder, recording
from search.archive import archive_figures, archive_imported, archive_sources
from search.discovery import HypermodelError
from search.script import Entry
from spaces import Declared, declaring, provide

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


class TooEarly(BaseException):
    """The script trained or logged before it declared its flags; carries the name of the call."""


class _Refuser(Recorder):
    """Stands in for the recorder while flags are read: whatever would be recorded comes too early."""

    def properties(self, **changes: Any) -> None:
        """Refuse `fit()`, which opens with its properties."""
        raise TooEarly("fit()")

    def log(self, metrics: Mapping[str, Any], *, step: int | None = None, last: bool = False) -> None:
        """Refuse `log_metrics()`."""
        raise TooEarly("log_metrics()")

    def evaluated(self, metrics: Mapping[str, Any]) -> None:
        """Refuse `evaluate()`."""
        raise TooEarly("evaluate()")

    def metadata(self, kind: str, data: Mapping[str, Any]) -> None:
        """Refuse `write_run_metadata()`."""
        raise TooEarly("write_run_metadata()")


@dataclass(eq=False)  # not frozen: Python sets attributes of exceptions
class Failure(Exception):
    """An exception that a script let through: its type, its message and the script's own traceback."""

    kind: str
    message: str
    traceback: str
    line: int | None

    @property
    def summary(self) -> str:
        """One line: type, message and the line of the script."""
        where = f" (line {self.line})" if self.line else ""
        return f"{self.kind}: {self.message.splitlines()[0] if self.message else ''}{where}"


def preload(modules: Sequence[str], each: Callable[[str], None] = lambda name: None) -> None:
    """Import `modules` as far as they can be; what can't is left for the script to fail on.

    Args:
        modules: Dotted names; some may be attributes of a module rather than modules.
        each: Called with each name after it has been tried.
    """
    for name in modules:
        if name not in sys.modules:
            # Only an import done early: the script repeats it and shows what is wrong with it.
            try:
                importlib.import_module(name)
            except (Exception, SystemExit):
                continue
            each(name)


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
            return (
                _declare(job, through) if job.entry is None else _declare_hypermodel(job, job.entry, through)
            )
        return _train(job, job.values, at_end, life, through, observer)


def _seed_keras(keras: Any, seed: int) -> None:
    """Seed Keras and its backend; Python's and NumPy's generators stay where the script has brought them."""
    numpy = sys.modules["numpy"]
    before = random.getstate(), numpy.random.get_state()
    keras.utils.set_random_seed(seed)
    random.setstate(before[0])
    numpy.random.set_state(before[1])


def _declare(job: Job, through: tuple[type[BaseException], ...]) -> int:
    """Run the script up to its `flags()` call; write what it declares, or why it didn't."""
    refuser = _Refuser(Path(job.run_dir))
    undo = install(refuser)
    found: dict[str, Any]
    try:
        with declaring(), recording(refuser):
            code = execute(Path(job.script), (*through, Declared, TooEarly))
        found = {"problem": f"ended with exit code {code} and never called flags()"}
    except Declared as declared:
        found = {
            "flags": [flag.to_json() for flag in declared.flags],
            "file": declared.file,
            "profile": declared.profile,
        }
    except TooEarly as early:
        found = {"problem": f"called {early} before it called flags()"}
    except Failure as failure:
        found = {"problem": f"failed before it called flags(): {failure.summary}"}
    finally:
        undo()
    write_json(Path(job.run_dir) / layout.DECLARED, found)
    return 0


def _declare_hypermodel(job: Job, entry: Mapping[str, Any], through: tuple[type[BaseException], ...]) -> int:
    """Find a hypermodel's hyperparameters; write them, or why there are none."""
    from search.asking import declare

    refuser = _Refuser(Path(job.run_dir))
    undo = install(refuser)
    found: dict[str, Any] = {}
    try:
        with declaring(), recording(refuser):
            execute(
                Path(job.script),
                (*through, Declared, TooEarly, HypermodelError),
                lambda: found.update(
                    declare(Path(job.script), Entry.from_json(entry), TooEarly), entry=entry
                ),
            )
        if not found:
            found = {"problem": "ended before its hyperparameters were known"}
    except Declared:
        found = {"problem": "calls flags(), but of a hypermodel the hyperparameters are the flags"}
    except TooEarly as early:
        found = {"problem": f"called {early} before its hyperparameters were known"}
    except HypermodelError as error:
        found = {"problem": f"can't be searched: {error}"}
    except Failure as failure:
        found = {"problem": f"failed before its hyperparameters were known: {failure.summary}"}
    finally:
        undo()
    write_json(Path(job.run_dir) / layout.DECLARED, found)
    return 0


def _main(job: Job, values: Mapping[str, Any], recorder: Recorder) -> Callable[[], object] | None:
    """What is run in the script's place, if not all of it."""
    if job.entry is None:
        return None
    from search import hypermodel

    entry = Entry.from_json(job.entry)
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


def execute(
    script: Path,
    through: tuple[type[BaseException], ...] = (),
    main: Callable[[], object] | None = None,
) -> int:
    """Run `script` as `python script` does; return its exit code, 0 where its search has stopped it.

    Args:
        script: Its path.
        through: Exceptions that are no failure of the script's.
        main: What is called in its place, in the surroundings that it would have.

    Raises:
        Failure: It let another exception through, of whatever kind.
    """
    with _as_main(script):
        try:
            if main is None:
                runpy.run_path(str(script), run_name="__main__")
            else:
                main()
        except SystemExit as request:
            return _exit_code(request.code)
        except Pruned:
            return 0
        except through:
            raise
        except BaseException as error:
            raise _failure(error, script, whole=main is not None) from None
    return 0


@contextmanager
def _as_main(script: Path) -> Iterator[None]:
    """Give the process the arguments and the module path that `python script` starts with."""
    argv, path = sys.argv, sys.path[:]
    sys.argv = [str(script)]
    sys.path.insert(0, str(script.parent))
    try:
        yield
    finally:
        sys.argv, sys.path[:] = argv, path


def _exit_code(code: str | int | None) -> int:
    if code is None:
        return 0
    if isinstance(code, int):
        return code & 0xFF
    print(code, file=sys.stderr)
    return 1


def _failure(error: BaseException, script: Path, whole: bool = False) -> Failure:
    """Cut the frames above the script's own from the traceback; `whole` keeps all where it has none."""
    frame = error.__traceback__
    while frame is not None and frame.tb_frame.f_code.co_filename != str(script):
        frame = frame.tb_next
    shown = error.__traceback__ if whole and frame is None else frame
    text = "".join(traceback.format_exception(type(error), error, shown))
    return Failure(type(error).__name__, str(error), text, frame.tb_lineno if frame else None)
