"""A script and its local modules on their way to a node.

Where a node has the very same files in the same places, because it is the same machine or shares them,
they are run there. Elsewhere the node gets copies, laid out as the originals are.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Any

from search.cluster.frames import frame
from search.script import Entry, Script


def pack(script: Script, **more: Any) -> bytes:
    """A script with its files as one message.

    Args:
        script: What to run.
        **more: What else the node is to know.
    """
    root = _root(script)
    contents = [path.read_bytes() for path in script.digests]
    return frame(
        b"".join(contents),
        root=str(root),
        path=_inside(script.path, root),
        shown=script.shown,
        files=[
            {"name": _inside(path, root), "size": len(content), "sha256": digest}
            for (path, digest), content in zip(script.digests.items(), contents, strict=True)
        ],
        modules=list(script.modules),
        environment=script.environment,
        entry=None if script.entry is None else entry_to_json(script.entry, root),
        cwd=os.getcwd(),
        **more,
    )


def unpack(message: Mapping[str, Any], payload: bytes, copies: Path) -> tuple[Script, Path]:
    """The script on this machine, and the directory that stands for the one its files lie below.

    Args:
        message: What `pack` made.
        payload: The same.
        copies: Takes the files where they don't lie here already.
    """
    files = {str(file["name"]): str(file["sha256"]) for file in message["files"]}
    root = Path(message["root"])
    if not all(_is(root / name, digest) for name, digest in files.items()):
        root = copies
        start = 0
        for file in message["files"]:
            target = root / _checked(file["name"])
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(payload[start : start + file["size"]])
            start += file["size"]
    script = Script(
        root / message["path"],
        message["shown"],
        {root / name: digest for name, digest in files.items()},
        tuple(message["modules"]),
        dict(message["environment"]),
    )
    return replace(script, entry=entry_from_json(message["entry"], root)), root


def root_of(script: Script) -> Path:
    """The directory that all files of a script lie below."""
    return _root(script)


def entry_to_json(entry: Entry, root: Path) -> dict[str, Any]:
    """What of a file is run, with its paths from `root`."""
    return {**entry.to_json(), "data_file": _inside(entry.data_file, root)}


def entry_from_json(found: Mapping[str, Any] | None, root: Path) -> Entry | None:
    """What `entry_to_json` wrote, for files below another root."""
    return None if found is None else Entry.from_json({**found, "data_file": root / found["data_file"]})


def _root(script: Script) -> Path:
    files = [*script.digests, *([] if script.entry is None else [script.entry.data_file])]
    return Path(os.path.commonpath([str(path.parent) for path in files]))


def _inside(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()


def _checked(name: str) -> PurePosixPath:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise ValueError(f"a file of a script must lie below its root, but got {name!r}")
    return path


def _is(path: Path, digest: str) -> bool:
    try:
        return sha256(path.read_bytes()).hexdigest() == digest
    except OSError:
        return False


def below(found: Any, root: Path, ours: Path) -> Any:
    """A path below `root`, as one below `ours`; anything else as it is."""
    if not isinstance(found, str) or not Path(found).is_relative_to(root):
        return found
    return str(ours / Path(found).relative_to(root))


def parts_of(name: str) -> Iterator[str]:
    """The parts of a relative path."""
    yield from _checked(name).parts
