"""Which runs a user means: by path, by name, by study, or as rows of a table; and where they lie."""

import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gridruns import unknown
from results import layout
from results.errors import ResultsError
from results.runs import find_runs, is_run

if TYPE_CHECKING:
    import pandas as pd

    RunDirs = str | os.PathLike[str] | Iterable[str | os.PathLike[str]] | pd.DataFrame | pd.Series[Any]


def named(runs: "RunDirs") -> list[str]:
    """What a user names, one text each: a path, several, a table with the column `run_dir`, a row of one."""
    if isinstance(runs, str | os.PathLike):
        return [os.fspath(runs)]
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(runs, pandas.DataFrame | pandas.Series):
        column: Any = runs["run_dir"]
        return [column] if isinstance(column, str) else [str(path) for path in column]
    return [os.fspath(run) for run in runs]  # type: ignore[arg-type]  # mypy can't see past sys.modules


def choose(runs: "RunDirs | None", runs_dir: str | os.PathLike[str], keep: int | None = None) -> list[Path]:
    """The runs that a user means, oldest first, none of them twice.

    Args:
        runs: Paths of runs or studies, their names in `runs_dir`, or a table; None for all runs there.
        runs_dir: The directory of all runs.
        keep: So many of them, the newest, are left out; at least 0.

    Raises:
        ResultsError: There is no such run, two runs have the name, or `keep` is no such number.
    """
    if keep is not None and (isinstance(keep, bool) or not isinstance(keep, int) or keep < 0):
        raise ResultsError(f"keep must be a whole number of at least 0, but got {keep!r}")
    root = Path(runs_dir)
    if runs is None:
        found = find_runs(root)
    else:
        found = list(dict.fromkeys(path for name in named(runs) for path in _meant(name, root)))
        found.sort(key=lambda path: (path.name, path))
    return found[: max(0, len(found) - keep)] if keep is not None else found


def one_run(run: "RunDirs", runs_dir: str | os.PathLike[str]) -> Path:
    """The one run that a user means.

    Raises:
        ResultsError: It is none, or several.
    """
    found = choose(run, runs_dir)
    if len(found) != 1:
        known = named(run)
        said = f"{known[0]!r} is a study of {len(found)}" if len(known) == 1 else f"{len(found)} are named"
        raise ResultsError(f"one run is wanted, but {said}")
    return found[0]


def _meant(name: str, root: Path) -> Sequence[Path]:
    """The run of a path or name, or the runs of a study."""
    for path in (Path(name), root / name):
        if path.is_dir() and is_run(path):
            return [path]
        if (path / layout.STUDY).is_file():
            return find_runs(path)
    if Path(name).name != name:
        raise ResultsError(f"no run or study at {name!r}")
    known = find_runs(root)
    same = [path for path in known if path.name == name]
    if not same:
        raise ResultsError(unknown("run or study", name, _suggested(root, known)))
    if len(same) > 1:
        raise ResultsError(f"{name!r} is the name of {str(same[0])!r} and of {str(same[1])!r}; give the path")
    return same


def _suggested(root: Path, known: Sequence[Path]) -> list[str]:
    """The names of studies and of the ten newest runs: a message is one line."""
    studies = sorted({path.parent.name for path in known if path.parent != root})
    return [*studies, *(path.name for path in known[-10:])]


def place_in(path: Path, root: Path) -> Path:
    """Where a run or study lies in the runs directory: `run`, `study/run` or `study`.

    Links on the way to it count as where they lead, but it itself must not be one.

    Raises:
        ResultsError: It is a symbolic link, or lies elsewhere.
    """
    if path.is_symlink():
        raise ResultsError(
            f"{str(path)!r} is a symbolic link to {os.readlink(path)!r}; links aren't followed"
        )
    real = Path(os.path.realpath(path))
    base = Path(os.path.realpath(root))
    if not real.is_relative_to(base) or len(real.relative_to(base).parts) not in (1, 2):
        raise ResultsError(f"{str(path)!r} doesn't lie in the runs directory {str(root)!r}")
    return real.relative_to(base)
