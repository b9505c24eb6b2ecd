"""The index: summaries of runs that have ended, in a file beside them, so that a listing needn't read each.

It is never the truth. It can be deleted at any time, a damaged one counts as none, and where it can't be
written the runs are read. It is replaced as a whole, so any number of readers and writers may meet: each
finds a whole index, and what one writer didn't know is read again.

A summary is used only while its directory's identity, its time of change (ctime) and its time of modification
(mtime) are as they were before the run was read. All files of gridruns' are made by putting a name into
the directory, which changes both.
"""

import contextlib
import os
import time
from collections.abc import Sequence
from pathlib import Path

from results.index_file import Entry, Mark, load, save
from results.run import read_run
from results.runs import find_names, join
from results.summary import Summary, summarize

# A directory that changed less than this long (ns) before it was read may change again without its times
# showing it: file systems count time in steps, of up to two seconds (FAT).
SETTLED = 2_000_000_000
# Fewer new runs than this, and than this part of all, are quicker read again than written down.
WORTH_WRITING = 100
WORTH_PART = 50


def read_summaries(runs_dir: str | os.PathLike[str]) -> list[Summary]:
    """The summaries of all runs that `find_runs` finds, oldest first; what has changed is read.

    Raises:
        ResultsError: See `find_runs`.
    """
    runs = find_names(runs_dir)
    if len(runs) < WORTH_WRITING:
        return [summarize(read_run(Path(*run))) for run in runs]
    folders: dict[str, list[str]] = {}
    for folder, name in runs:
        folders.setdefault(folder, []).append(name)
    found = {folder: _of_folder(folder, names) for folder, names in folders.items()}
    return [found[folder][name] for folder, name in runs]


def _of_folder(folder: str, names: Sequence[str]) -> dict[str, Summary]:
    """The summaries of runs that lie in one directory; its index is brought up to date where that pays."""
    known = load(folder)
    now = time.time_ns()
    summaries, entries, new = {}, {}, 0
    for name in names:
        mark, entry = _mark(join(folder, name)), known.get(name)
        if entry is None or entry.mark != mark:
            run = read_run(Path(folder, name))
            summary, entry = summarize(run), None
            # Without an outcome a run may have ended, but nothing in its directory says so.
            if mark is not None and run.outcome and run.status.ended and max(mark[:2]) < now - SETTLED:
                entry = Entry(mark, summary)
                new += 1
        else:
            summary = entry.summary
        summaries[name] = summary
        if entry is not None:
            entries[name] = entry
    if new >= max(WORTH_WRITING, len(names) // WORTH_PART):
        # Where it can't be written (someone else's directory, a full disk) the runs are read each time.
        with contextlib.suppress(OSError):
            save(folder, entries)
    return summaries


def _mark(path: str) -> Mark | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ctime_ns, found.st_ino
