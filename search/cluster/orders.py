"""What the search tells a host of a trial, and what it makes of a script's flags that a host has read."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from results import layout
from results.files import write_json
from search.cluster.attempt import Attempt
from search.cluster.carry import below, entry_from_json, entry_to_json
from search.cluster.frames import frame
from search.executor import Declarations, Trial
from search.local import read_declarations
from search.record import recording_in
from search.script import Entry


def start_order(attempt: Attempt, trial: Trial, entry: Entry | None, root: Path) -> bytes:
    """The order that starts a trial, with the files that its run directory begins with.

    Args:
        attempt: The attempt at it.
        trial: The trial.
        entry: What of the script is run.
        root: The directory that the script's files lie below.

    Raises:
        RecordingError: The run directory can't be read.
    """
    with recording_in(trial.run_dir):
        paths = [trial.run_dir / name for name in (layout.RUN, layout.SESSION_EVENTS)]
        files = {path.name: path.read_bytes() for path in paths if path.exists()}
    return frame(
        b"".join(files.values()),
        op="start",
        id=attempt.id,
        number=trial.number,
        name=trial.run_dir.name,
        flags=dict(trial.flags),
        seed=trial.seed,
        asks=attempt.give_up is not None,
        files={name: len(content) for name, content in files.items()},
        entry=None if entry is None else entry_to_json(entry, root),
    )


def note_node(run_dir: Path, facts: Mapping[str, Any]) -> None:
    """Write node.json: where a run runs.

    Raises:
        RecordingError: It can't be written.
    """
    with recording_in(run_dir):
        write_json(run_dir / layout.NODE, {name: facts.get(name) for name in ("host", "node", "gpus")})


def read_declared(answer: Mapping[str, Any], root: Path, shown: str) -> Declarations:
    """What a script declares, with paths as this machine has them.

    Args:
        answer: What a host has said.
        root: The directory that the script's files lie below here.
        shown: The script as the user named it.

    Raises:
        ExecutorError: It declares nothing.
    """
    found = answer["found"]
    entry = entry_from_json(found["entry"], root)
    there = {**found, "file": below(found["file"], Path(answer["root"]), root), "entry": None}
    return replace(read_declarations(there, shown), entry=entry)
