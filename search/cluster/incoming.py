"""The search's side of a run's directory: what a node sends is written into it, and nowhere else.

Each attempt at a trial has a run directory and an `Incoming` of its own. Once it is closed, whatever a
machine that was thought lost still has to say is refused.
"""

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from search.cluster.carry import parts_of
from search.cluster.outgoing import KEPT_BACK
from search.executor import ExecutorError

PART = ".part"


class Incoming:
    """Writes what a node sends of one run."""

    def __init__(self, run_dir: Path) -> None:
        """Begin with a directory that exists.

        Args:
            run_dir: The directory.
        """
        self._run_dir = run_dir
        self._parts: set[Path] = set()
        self._closed = False

    def write(self, message: Mapping[str, Any], payload: bytes) -> None:
        """Do what a message says.

        Raises:
            ExecutorError: It is none that a trial's node may send, or comes late.
            OSError: It can't be written.
        """
        if self._closed:
            raise ExecutorError(f"{self._run_dir.name}: its trial has ended, but its node still sends")
        path = self._place(message["path"])
        match message["op"]:
            case "append":
                self._append(path, message["at"], payload)
            case "put":
                self._put(path, message, payload)
            case "folder":
                path.mkdir(exist_ok=True)
            case "link":
                with suppress(FileNotFoundError):
                    path.unlink()
                path.symlink_to(message["target"])
            case "remove":
                self._remove(path)
            case unknown:
                raise ExecutorError(f"{self._run_dir.name}: its node sent {unknown!r}, which means nothing")

    def close(self) -> None:
        """Take no more; what was begun and not finished is removed."""
        self._closed = True
        for part in self._parts:
            with suppress(FileNotFoundError):
                part.unlink()
        self._parts.clear()

    def _place(self, name: str) -> Path:
        """The path of a file, whose directory is made; never outside the run's directory."""
        try:
            *folders, last = parts_of(name)
        except ValueError:
            folders, last = [], ""
        if not last or "/".join((*folders, last)) in KEPT_BACK:
            raise ExecutorError(
                f"{self._run_dir.name}: its node sent the file {name!r}, which isn't its to write"
            )
        here = self._run_dir
        for folder in folders:
            here = here / folder
            if here.is_symlink():
                raise ExecutorError(
                    f"{self._run_dir.name}: its node sent {name!r}, which leads through a link"
                )
            here.mkdir(exist_ok=True)
        return here / last

    def _remove(self, path: Path) -> None:
        """Remove a file, and the directories that hold nothing else: they may be gone on the node, too."""
        with suppress(FileNotFoundError):
            path.unlink()
        for folder in path.parents:
            if folder == self._run_dir or next(folder.iterdir(), None) is not None:
                return
            folder.rmdir()

    def _append(self, path: Path, at: int, payload: bytes) -> None:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o644)
        try:
            _write(handle, payload, at)
            os.ftruncate(handle, at + len(payload))
        finally:
            os.close(handle)

    def _put(self, path: Path, message: Mapping[str, Any], payload: bytes) -> None:
        part = path.with_name(f".{path.name}{PART}")
        self._parts.add(part)
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o644)
        try:
            _write(handle, payload, message["at"])
            if message["end"]:
                os.ftruncate(handle, message["at"] + len(payload))
                os.fchmod(handle, message["mode"] & 0o777)
        finally:
            os.close(handle)
        if message["end"]:
            os.replace(part, path)
            self._parts.discard(part)


def _write(handle: int, data: bytes, at: int) -> None:
    view = memoryview(data)
    while view:
        count = os.pwrite(handle, view, at)
        view, at = view[count:], at + count
