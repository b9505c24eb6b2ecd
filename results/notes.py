"""What a person says of a run: tags and a note, in a file of its own that no search writes."""

import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from results import layout
from results.chosen import one_run
from results.errors import ResultsError
from results.files import read_json, write_json
from results.trees import told

if TYPE_CHECKING:
    from results.chosen import RunDirs


@dataclass(frozen=True)
class Notes:
    """What is said of a run.

    Attributes:
        tags: In the order in which they were given, none twice.
        note: A text; empty where there is none.
    """

    tags: tuple[str, ...] = ()
    note: str = ""


def read_notes(run_dir: str | os.PathLike[str]) -> Notes:
    """What is said of a run; nothing where its file is missing or damaged."""
    found = read_json(Path(run_dir) / layout.NOTES) or {}
    tags: Any = found.get("tags")
    note: Any = found.get("note")
    return Notes(
        tuple(tag for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else (),
        note if isinstance(note, str) else "",
    )


def tag_run(
    run: "RunDirs",
    *tags: str,
    remove: Iterable[str] = (),
    runs_dir: str | os.PathLike[str] = "runs",
) -> Notes:
    """Give a run tags, or take some away; the leaderboard shows them in the column `tags`.

    Args:
        run: Its path or name, or a row of a table of runs.
        *tags: To give: texts without commas, line breaks and spaces around them.
        remove: To take away.
        runs_dir: Where a name is looked for.

    Returns:
        What is said of the run now.

    Raises:
        ResultsError: There is no such run, a tag can't be one, or one to take away isn't there.
    """
    for tag in tags:
        if not tag or "," in tag or tag != tag.strip() or not tag.isprintable():
            raise ResultsError(
                f"a tag must be a text without commas, line breaks and spaces around it, but got {tag!r}"
            )
    with _changing(one_run(run, runs_dir)) as (path, said):
        missing = [tag for tag in remove if tag not in said.tags]
        if missing:
            has = ", ".join(said.tags) or "none"
            raise ResultsError(f"run {path.name} has no tag {missing[0]!r} (it has: {has})")
        kept = [tag for tag in said.tags if tag not in set(remove)]
        return _write(path, Notes(tuple(dict.fromkeys([*kept, *tags])), said.note))


def note_run(run: "RunDirs", note: str, runs_dir: str | os.PathLike[str] = "runs") -> Notes:
    """Say something of a run, in place of what was said before; the leaderboard shows it in `note`.

    Args:
        run: Its path or name, or a row of a table of runs.
        note: Any text; an empty one takes the note away.
        runs_dir: Where a name is looked for.

    Returns:
        What is said of the run now.

    Raises:
        ResultsError: There is no such run.
    """
    with _changing(one_run(run, runs_dir)) as (path, said):
        return _write(path, Notes(said.tags, note))


@contextmanager
def _changing(path: Path) -> Iterator[tuple[Path, Notes]]:
    """What is said of a run while nobody else changes it.

    Raises:
        ResultsError: It can't be written, or its file is damaged: what is in it mustn't be lost.
    """
    with told(f"write notes in {str(path)!r}"):
        handle = os.open(path, os.O_RDONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            if (path / layout.NOTES).exists() and read_json(path / layout.NOTES) is None:
                raise ResultsError(
                    f"{str(path / layout.NOTES)!r} isn't a readable JSON object; mend or delete it"
                )
            yield path, read_notes(path)
        finally:
            os.close(handle)


def _write(path: Path, notes: Notes) -> Notes:
    write_json(path / layout.NOTES, asdict(notes))
    return notes
