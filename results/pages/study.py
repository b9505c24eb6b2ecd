"""A study and its runs as a page needs them, read once."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from results import layout
from results.confirmation import Confirmation, confirmation
from results.errors import ResultsError
from results.files import read_json
from results.frame import frame
from results.marks import confirmed_by, mark_confirmed, mark_front
from results.ranking import Judge, Objective
from results.run import Run, read_run
from results.runs import find_runs
from results.table import winner

PathLike = str | os.PathLike[str]


@dataclass(frozen=True)
class StudyResults:
    """A study and what its runs found, read once.

    Attributes:
        name: The study's name.
        record: study.json; empty where it is unreadable.
        runs: Oldest first.
        objective: What the runs are ranked by; None where neither study.json nor a run names a metric.
        board: The leaderboard, as `results.leaderboard` makes it.
        confirmation: What `gridruns confirm` has found; None where it hasn't found anything yet.
    """

    name: str
    record: Mapping[str, Any]
    runs: tuple[Run, ...]
    objective: Objective | None
    board: pd.DataFrame
    confirmation: Confirmation | None = None

    @property
    def ranked(self) -> bool:
        """Whether any run has a rank."""
        return bool(self.board["rank"].notna().any())

    @property
    def won(self) -> bool:
        """Whether there is a winner: a run with a rank that completed."""
        return not winner(self.board).empty


def latest_study(runs_dir: PathLike = "runs") -> Path:
    """The directory of the study that was created last; a confirmation is looked at with its search.

    Args:
        runs_dir: Where it is looked for.

    Raises:
        ResultsError: `runs_dir` is no directory or holds no study.
    """
    root = Path(runs_dir)
    if not os.path.isdir(root):
        raise ResultsError(f"no directory of runs at {str(root)!r}")
    studies = [path.parent for path in root.glob(f"*/{layout.STUDY}")]
    found = [folder for folder in studies if confirmed_by(folder) is None]
    if not found:
        raise ResultsError(f"no study in {str(root)!r}")
    return max(found, key=lambda folder: (_created(folder), folder.name))


def check_study(folder: Path) -> None:
    """Refuse what is no study's directory.

    Raises:
        ResultsError: It is none.
    """
    if not os.path.isfile(folder / layout.STUDY):
        raise ResultsError(f"no study at {str(folder)!r}: it has no {layout.STUDY}")


def read_study(study_dir: PathLike, metric: str | None = None, goal: str | None = None) -> StudyResults:
    """Read a study's directory, whatever state its runs are in; arguments and errors as of `report`."""
    folder = Path(study_dir)
    check_study(folder)
    record = read_json(folder / layout.STUDY) or {}
    runs = [read_run(path) for path in find_runs(folder)]
    judge = Judge(runs, metric, goal)
    ranks = judge.ranks()
    # The order of results.leaderboard, which would read all runs a second time.
    ordered = sorted(runs, key=lambda run: (ranks.get(run.path, len(runs) + 1), run.path.name))
    board = frame(ordered, judge.best_epochs(), ranks)
    mark_front(board, ordered, judge)
    mark_confirmed(board, ordered, judge.common())
    name = record.get("name", folder.resolve().name)
    return StudyResults(str(name), record, tuple(runs), judge.common(), board, _confirmation(folder))


def _confirmation(folder: Path) -> Confirmation | None:
    try:
        return confirmation(folder)
    except ResultsError:
        return None


def _created(folder: Path) -> str:
    """A time in UTC that sorts as text; "" where study.json doesn't say."""
    return str((read_json(folder / layout.STUDY) or {}).get("created", ""))
