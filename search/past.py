"""What a study has done so far, read from its run directories: the ground that resume and growth stand on.

A point is known by its content: the values of all its flags (`content`). Runs of one content, of whatever
search, sampler or plan, are attempts at one point.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from gridruns import unknown
from results.run import Run
from results.runs import find_runs, read_run
from results.status import Status
from search.study import Study, StudyError
from spaces import Flag, Value

# Ends that say something about the point, so that it isn't run again.
FINAL = frozenset({Status.COMPLETED, Status.PRUNED, Status.FAILED, Status.DIVERGED, Status.TIMEOUT})
# Ends that are no fault of the point: it is run again as often as retries allow.
RETRIED = frozenset({Status.KILLED, Status.OOM})
# Ends without a result, whose points are run again where the user asks for that.
RERUN = (Status.FAILED, Status.DIVERGED, Status.TIMEOUT, Status.KILLED, Status.OOM)


def content(values: Mapping[str, Value], repeat: int = 0) -> str:
    """A text that is equal for equal values of all flags: typed, whatever the order of the flags.

    Args:
        values: Of all flags.
        repeat: Which of the runs of a point that is run several times, from 0.
    """
    text = json.dumps(dict(values), sort_keys=True)
    return f"{text}#{repeat}" if repeat else text


def read_content(key: str) -> tuple[dict[str, Value], int]:
    """What `content` was given."""
    values, end = json.JSONDecoder().raw_decode(key)
    return values, int(key[end + 1 :] or 0)


def point_of(key: str, study: Study) -> dict[str, Value] | None:
    """The point of a study that has a content, or None where none has.

    The flags outside the space count too: a run with other fixed values is no run of this study's points.
    """
    values, repeat = read_content(key)
    point = study.space.point_of(values)
    if point is None or (repeat >= study.repeats and not study.allow_duplicates):
        return None
    return point if content(study.values(point)) == content(values) else None


def ends_to_rerun(asked: str | Sequence[str]) -> frozenset[Status]:
    """The ends whose points are to be run again.

    Args:
        asked: Their names, in a sequence or in one text with commas.

    Raises:
        StudyError: One is no end without a result; the message lists those that are.
    """
    if isinstance(asked, str):
        asked = [name.strip() for name in asked.split(",")] if asked else []
    for name in asked:
        if name not in RERUN:
            raise StudyError(f"rerun: {unknown('end', str(name), [status.value for status in RERUN])}")
    return frozenset(Status(name) for name in asked)


@dataclass(frozen=True)
class Past:
    """The runs of a study before this search, by the content of their points.

    Attributes:
        finals: For each point that needn't be run again, the run that settles it.
        attempts: For each point, how often it was killed or ran out of memory.
        out_of_memory: The points that ran out of memory; with nothing beside it each may have enough.
        cut_off: The points that were begun and that no run settles, in the order of their numbers.
        numbers: The number of each point. Where two points once had the same it is the first one's.
        next_number: The first number that is above all that runs have had.
    """

    finals: Mapping[str, Run]
    attempts: Mapping[str, int]
    out_of_memory: frozenset[str]
    cut_off: Sequence[str]
    numbers: Mapping[str, int]
    next_number: int


NOTHING = Past({}, {}, frozenset(), (), {}, 0)


def read_past(
    folder: Path, declared: Sequence[Flag], retries: int, rerun: Mapping[Status, datetime] | None = None
) -> Past:
    """Read the runs of a study.

    A flag that a run doesn't know, because the script didn't declare it then, counts with its default.

    Args:
        folder: The study's directory.
        declared: The flags that the script declares now.
        retries: How often a trial that was killed, or ran out of memory, is run again; after that its
            last run settles the point.
        rerun: Ends that settle nothing where the run began before a time (see `Study.rerun`).
    """
    finals: dict[str, Run] = {}
    attempts: dict[str, int] = {}
    out_of_memory: set[str] = set()
    begun: dict[str, None] = {}  # in order, each once
    owners: dict[int, str] = {}
    for run in _runs(folder):
        repeat = run.record.get("repeat", 0)
        if isinstance(repeat, bool) or not isinstance(repeat, int) or repeat < 0:
            continue  # damaged: it can't be told which run of its point it is
        key = content({flag.name: run.flags.get(flag.name, flag.default) for flag in declared}, repeat)
        number = run.record.get("number")
        if isinstance(number, int) and not isinstance(number, bool):
            owners.setdefault(number, key)
        begun[key] = None
        if run.status is Status.OOM:
            out_of_memory.add(key)
        if to_be_rerun(run.status, run.start, rerun or {}):
            continue
        if run.status in RETRIED:
            attempts[key] = attempts.get(key, 0) + 1
        # A completed run outranks another end of the same point.
        outranked = key in finals and finals[key].status is Status.COMPLETED
        if (run.status in FINAL or attempts.get(key, 0) > retries) and not outranked:
            finals[key] = run
    numbers = {key: number for number, key in sorted(owners.items(), reverse=True)}
    last = max(owners, default=-1)
    cut_off = [key for key in begun if key not in finals]
    cut_off.sort(key=lambda key: numbers.get(key, last + 1))
    return Past(finals, attempts, frozenset(out_of_memory), cut_off, numbers, last + 1)


def to_be_rerun(status: Any, start: datetime | None, rerun: Mapping[Status, datetime]) -> bool:
    """Whether the user wants the point of a run that ended so, and began then, to be run again."""
    before = rerun.get(status)
    return before is not None and (start is None or start < before)


def _runs(folder: Path) -> Iterator[Run]:
    """The runs with readable flags, oldest first; without its flags a run can't be told from another."""
    return (run for run in map(read_run, find_runs(folder)) if run.flags)
