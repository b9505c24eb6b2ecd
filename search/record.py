"""The parent's side of a run's record: its begin, its end, and what happens when they can't be written."""

import errno
import os
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gridruns import GridrunsError
from results.runs import Run, create_run, find_runs, finish_run, read_run
from results.status import Status
from results.tensorboard import write_session_end, write_session_start
from search.executor import Ending, signal_name
from search.objective import Verdict
from search.script import Script
from spaces import Value


class RecordingError(GridrunsError):
    """A run can't be recorded: no space, no permission, no directory. It stops the search; exit code 1."""

    exit_code = 1


# How exceptions name a full disk, an exhausted quota, and a file over the limit of `ulimit -f`.
NO_ROOM = (os.strerror(errno.ENOSPC), os.strerror(errno.EDQUOT), f"[Errno {errno.EFBIG}]")


@contextmanager
def recording_in(folder: Path) -> Iterator[None]:
    """Turn what the system says against writing below `folder` into one line that names the path.

    Raises:
        RecordingError: Instead of an OSError.
    """
    try:
        yield
    except OSError as error:
        where = error.filename or folder
        why = error.strerror or str(error)
        raise RecordingError(
            f"can't record in {str(where)!r}: {why}; what is recorded already stays"
        ) from error


def run_record(
    script: Script, values: Mapping[str, Value], number: int, seed: int, threads: int | None, **more: Any
) -> dict[str, Any]:
    """What run.json says of a trial besides what `results.runs.create_run` adds."""
    return {
        "number": number,
        "script": script.shown,
        "script_sha256": script.sha256,
        **({} if script.entry is None else {"entry": script.entry.archived(script.path)}),
        "flags": dict(values),
        "seed": seed,
        "threads": threads,
        "type": "training",
        "context": "local",
        **more,
    }


def begin_run(parent: Path, record: Mapping[str, Any], values: Mapping[str, Value]) -> Path:
    """Make a run's directory with run.json and the begin of its TensorBoard session.

    Raises:
        RecordingError: It can't be written.
    """
    with recording_in(parent):
        run_dir = create_run(parent, record)
        write_session_start(run_dir, values, group_name=run_dir.name)
    return run_dir


def close_run(run_dir: Path, ending: Ending, verdict: Verdict, error: str | None = None) -> None:
    """Write how a run ended: the end of its TensorBoard session, then outcome.json, the last of its files.

    Raises:
        RecordingError: It can't be written.
    """
    with recording_in(run_dir):
        write_session_end(run_dir, verdict.status)
        finish_run(
            run_dir,
            status=verdict.status,
            reason=verdict.reason,
            error=error,
            exit_code=ending.exit_code,
            signal=signal_name(ending.signal) if ending.signal else None,
            peak_memory_bytes=ending.peak_memory_bytes,
            cpu_seconds=ending.cpu_seconds,
        )


@contextmanager
def staying(folder: Path) -> Iterator[Callable[[], None]]:
    """Give a check that `folder` is still the directory that it was at the begin of the block.

    Raises:
        RecordingError: It has been deleted, moved or replaced; the check raises it.
    """
    with recording_in(folder):
        handle = os.open(folder, os.O_RDONLY)

    def check() -> None:
        with recording_in(folder):
            if not os.path.samestat(os.stat(folder), os.fstat(handle)):
                raise FileNotFoundError(errno.ENOENT, "another directory is in its place", str(folder))

    try:
        yield check
    finally:
        os.close(handle)


def shortage(run: Run) -> RecordingError | None:
    """What kept a run that failed from recording, where that was the disk and not the point; else None.

    The disk counts where the script's exception says so, or where nothing can be written there now.
    """
    message = str(run.failure.get("message"))
    if any(words in message for words in NO_ROOM):
        return RecordingError(
            f"a trial found no room to write: {run.error_summary}; what is recorded already stays"
        )
    try:
        _probe(run.path)
    except RecordingError as error:
        return error
    return None


def _probe(run_dir: Path) -> None:
    """Write a page into a run's directory, and take it back."""
    probe = run_dir / ".probe"
    with recording_in(run_dir):
        try:
            with open(probe, "wb") as file:
                file.write(bytes(1 << 16))
                file.flush()
                os.fsync(file.fileno())
        finally:
            try:
                probe.unlink()
            except OSError as error:
                if error.errno != errno.ENOENT:
                    raise


def mark_cut_off(folder: Path, names: Collection[str] | None = None) -> None:
    """Give each run of a study that has no outcome one: its search is gone. The caller knows that.

    Args:
        folder: The study's directory.
        names: The runs of which it is known; None for all, where the caller holds the study alone.

    Raises:
        RecordingError: It can't be written.
    """
    known = find_runs(folder) if names is None else [folder / name for name in names]
    for path in filter(Path.is_dir, known):
        run = read_run(path)
        if not run.outcome and not path.is_symlink():
            verdict = Verdict(Status.INTERRUPTED, "its search was killed", None)
            close_run(path, Ending(0, None), verdict, run.error)
