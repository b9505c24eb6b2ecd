"""Directories moved, copied and walked so that nothing is overwritten and no symbolic link is followed."""

import itertools
import os
import shutil
import stat
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from results.errors import ResultsError


@contextmanager
def told(what: str) -> Iterator[None]:
    """Turn what the system says against reading or writing into one line: "can't <what>: <why>".

    Raises:
        ResultsError: Instead of an OSError.
    """
    try:
        yield
    except shutil.Error as error:
        source, _, why = error.args[0][0]
        raise ResultsError(f"can't {what}: {source!r}: {why}") from error
    except OSError as error:
        where = f"{error.filename!r}: " if error.filename else ""
        raise ResultsError(f"can't {what}: {where}{error.strerror or error}") from error


def plain_folder(path: Path) -> Path:
    """`path`, where it is a directory or nothing yet.

    Raises:
        ResultsError: It is a symbolic link, or no directory.
    """
    if path.is_symlink():
        raise ResultsError(f"{str(path)!r} is a symbolic link; a directory is wanted, links aren't followed")
    if path.exists() and not path.is_dir():
        raise ResultsError(f"{str(path)!r} is in the way: it is no directory")
    return path


def check_free(source: Path | str, target: Path) -> None:
    """Refuse a target that exists, also as a link that leads nowhere; the message names both."""
    if os.path.lexists(target):
        raise ResultsError(f"{str(target)!r} exists already, so {str(source)!r} can't take its place")


def move(source: Path, target: Path) -> None:
    """Rename a directory to a name that nothing has, within one file system.

    Where two want the name at the same moment, `mkdir` decides, and the loser's directory stays.

    Raises:
        ResultsError: The name is taken.
        OSError: The system refuses; the directory is where it was.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        target.mkdir()
    except FileExistsError:
        check_free(source, target)
        raise
    try:
        os.rename(source, target)  # replaces the empty directory and nothing else
    except OSError:
        target.rmdir()
        raise


def free_name(target: Path) -> Path:
    """`target`, or with -2, -3 ... at its end the first that nothing has."""
    names = (target.with_name(f"{target.name}-{count}") for count in itertools.count(2))
    return next(path for path in itertools.chain([target], names) if not os.path.lexists(path))


@contextmanager
def scratch(parent: Path) -> Iterator[Path]:
    """A hidden directory in `parent`, on its file system, that is gone afterwards."""
    parent.mkdir(parents=True, exist_ok=True)
    folder = parent / f".gridruns-{uuid.uuid4().hex}"
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def regular_files(folder: Path, links: bool) -> Iterator[Path]:
    """The files below a directory, by name; links aren't followed.

    Args:
        folder: Where to look.
        links: Whether symbolic links are among what is returned; else one is an error.

    Raises:
        ResultsError: There is a link where none may be, or something that is no file, directory or link.
    """
    for name in sorted(os.listdir(folder)):
        path = folder / name
        mode = path.lstat().st_mode
        if stat.S_ISDIR(mode):
            yield from regular_files(path, links)
        elif stat.S_ISREG(mode) or (links and stat.S_ISLNK(mode)):
            yield path
        elif stat.S_ISLNK(mode):
            raise ResultsError(f"{str(path)!r} is a symbolic link; put what it names in its place first")
        else:
            raise ResultsError(f"{str(path)!r} is no file, directory or link, and can't be copied")
