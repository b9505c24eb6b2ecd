"""The archived source of runs: its files, and how it differs between runs."""

import difflib
import hashlib
import itertools
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from results import layout
from results.printed import excerpt
from results.run import Run

PAIRS = 15  # the most pairs of different sources that are all compared: those of six sources
LONGEST = 200_000  # bytes of a file that is compared line by line
MODEL = "model summary"


@dataclass(frozen=True)
class SourceDifference:
    """How a file differs between two runs.

    Attributes:
        first: The name of a run.
        second: The name of another.
        file: The file's path below source/, or `MODEL`.
        lines: A unified difference, from the first to the second, without line ends.
    """

    first: str
    second: str
    file: str
    lines: tuple[str, ...]


def source_files(run: str | os.PathLike[str]) -> list[Path]:
    """The files of a run's source, by name; links are left alone, for they lead out of the run."""
    folder = Path(run, layout.SOURCE)
    if folder.is_symlink():
        return []
    found = [Path(parent, name) for parent, _, names in os.walk(folder) for name in names]
    return sorted(file for file in found if file.is_file() and not file.is_symlink())


def source_differences(runs: Mapping[str, Run]) -> tuple[SourceDifference, ...]:
    """Every file that differs, of the pairs of runs whose sources do.

    Runs of the same source count as one, the first of them. All pairs of different sources are compared where
    there are at most `PAIRS`; else each with the first. A run without an archived source has no files.

    Args:
        runs: By the name under which they are shown.
    """
    files = {name: _digests(run.path) for name, run in runs.items()}
    return tuple(
        SourceDifference(first, second, file, lines)
        for first, second in _pairs({name: tuple(sorted(files[name].items())) for name in runs})
        for file in sorted(files[first].keys() | files[second].keys())
        if files[first].get(file) != files[second].get(file)
        for lines in [_unified(_lines(runs[first], file), _lines(runs[second], file))]
    )


def model_differences(runs: Mapping[str, Run]) -> tuple[SourceDifference, ...]:
    """How the summaries of models differ, for the pairs of different ones; see `source_differences`."""
    models = {name: str(run.properties.get("model") or "") for name, run in runs.items()}
    return tuple(
        SourceDifference(
            first, second, MODEL, _unified(models[first].splitlines(), models[second].splitlines())
        )
        for first, second in _pairs(models)
    )


def _pairs(contents: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """The pairs of names, of those with different contents."""
    different: dict[object, str] = {}
    for name, content in contents.items():
        different.setdefault(content, name)
    names = list(different.values())
    pairs = itertools.combinations(names, 2)
    return (
        pairs
        if len(names) * (len(names) - 1) // 2 <= PAIRS
        else zip(itertools.repeat(names[0]), names[1:], strict=False)
    )


def _digests(run: Path) -> dict[str, str]:
    found = {}
    for file in source_files(run):
        name = file.relative_to(run / layout.SOURCE).as_posix()
        try:
            with file.open("rb") as opened:
                found[name] = hashlib.file_digest(opened, "blake2b").hexdigest()
        except OSError as error:
            found[name] = f"can't be read: {error.strerror}"
    return found


def _lines(run: Run, file: str) -> Sequence[str]:
    path = run.path / layout.SOURCE / file
    if not path.exists():
        return ()
    found = excerpt(path, LONGEST, 0)
    if found is None:
        return ("(the file can't be read)",)
    if found.left_out:
        return (f"({found.size:,} bytes, too long to compare here: {path.as_posix()})",)
    return found.head.splitlines()


def _unified(first: Sequence[str], second: Sequence[str]) -> tuple[str, ...]:
    """The lines without the head that names files; where only line ends differ, a line that says so."""
    lines = list(difflib.unified_diff(first, second, lineterm=""))[2:]
    return tuple(lines) or ("(the same lines; line ends or bytes that aren't UTF-8 differ)",)
