"""A node's side of a run's directory: what is new in it, sent to the search.

Of the files that a run appends to, what has been added since the last look is sent. Small files are sent
whole when they have changed, and everything, however large, when the trial has ended.
"""

import os
import stat
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path

from results import layout

LOOK = 0.25  # seconds between two looks, or more where a look takes long
SMALL = 1 << 18  # bytes of a file that is sent before the trial has ended
CHUNK = 1 << 20  # bytes of a message
FRESH = 100_000_000  # nanoseconds within which a file may change without its time of change telling
SCALARS = (f"{layout.TRAIN}/{layout.SCALAR_EVENTS}", f"{layout.VALIDATION}/{layout.SCALAR_EVENTS}")
GROWING = frozenset({layout.METRICS, layout.OUTPUT, *SCALARS})
# What the search itself writes; a script that writes them writes its node's copies.
KEPT_BACK = frozenset({layout.RUN, layout.OUTCOME, layout.SESSION_EVENTS, layout.NODE, layout.NOTES})

Say = Callable[..., None]
State = tuple[int, int, int]


class Outgoing:
    """Sends what changes in a run's directory."""

    def __init__(self, run_dir: Path, say: Say) -> None:
        """Begin with a directory of which the search knows nothing.

        Args:
            run_dir: The directory.
            say: Sends a message (`search.cluster.frames.frame`).
        """
        self.pause = LOOK
        self._run_dir = run_dir
        self._say = say
        self._sent: dict[str, State | None] = {}
        self._grown: dict[str, tuple[int, int]] = {}  # of growing files: inode, and how much is sent

    def look(self, last: bool = False) -> None:
        """Send what has changed.

        Args:
            last: Whether the trial has ended, so that nothing changes any more: the rest is sent, too.
        """
        began = time.monotonic()
        there: dict[str, Path] = {}
        for folder, folders, files in os.walk(self._run_dir):
            for name in (*files, *folders):
                path = Path(folder, name)
                relative = path.relative_to(self._run_dir).as_posix()
                if relative not in KEPT_BACK and not _is_temporary(name):
                    there[relative] = path
        # First, since what was a file may be a directory now, or the other way round.
        self._take_back({name for name, path in there.items() if path.is_file() and not path.is_symlink()})
        for relative, path in there.items():
            self._send(path, relative, last)
        self.pause = max(LOOK, 10 * (time.monotonic() - began))

    def _send(self, path: Path, name: str, last: bool) -> None:
        with suppress(FileNotFoundError):  # it is gone since it was listed
            found = path.lstat()
            if stat.S_ISLNK(found.st_mode):
                if last:
                    self._say(op="link", path=name, target=os.readlink(path))
            elif stat.S_ISDIR(found.st_mode):
                if last:
                    self._say(op="folder", path=name)
            elif stat.S_ISREG(found.st_mode):
                if name in GROWING:
                    self._append(path, name, found)
                elif last or found.st_size <= SMALL:
                    self._put(path, name, found)

    def _append(self, path: Path, name: str, found: os.stat_result) -> None:
        inode, start = self._grown.get(name, (found.st_ino, 0))
        if inode != found.st_ino or found.st_size < start:
            start = 0  # another file, or one begun anew
        elif found.st_size == start and name in self._grown:
            return
        with path.open("rb") as file:
            file.seek(start)
            for part in iter(lambda: file.read(CHUNK), b""):
                self._say(part, op="append", path=name, at=start)
                start += len(part)
        if start == 0:
            self._say(op="append", path=name, at=0)
        self._grown[name] = (found.st_ino, start)

    def _put(self, path: Path, name: str, found: os.stat_result) -> None:
        state = (found.st_ino, found.st_size, found.st_mtime_ns)
        if self._sent.get(name) == state:
            return
        with path.open("rb") as file:
            at, part = 0, file.read(CHUNK)
            while True:
                following = file.read(CHUNK)
                end = not following
                self._say(part, op="put", path=name, at=at, end=end, mode=stat.S_IMODE(found.st_mode))
                if end:
                    break
                at, part = at + len(part), following
        settled = time.time_ns() - found.st_mtime_ns > FRESH
        self._sent[name] = state if settled else None

    def _take_back(self, there: Collection[str]) -> None:
        for name in [name for name in (*self._sent, *self._grown) if name not in there]:
            self._sent.pop(name, None)
            self._grown.pop(name, None)
            self._say(op="remove", path=name)


def _is_temporary(name: str) -> bool:
    """Whether a file is one that is to take another's place (`results.files.replace`)."""
    return name.startswith(".") and name.endswith(".tmp")
