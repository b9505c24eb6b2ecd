"""What a study has done so far, read from its run directories: the ground that resume and growth stand on."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from results.run import Run
from results.runs import find_runs, read_run
from results.status import Status
from spaces import Flag, Value

# Ends that say something about the point, so that it isn't run again.
FINAL = frozenset({Status.COMPLETED, Status.PRUNED, Status.FAILED, Status.DIVERGED, Status.TIMEOUT})
# Ends that are no fault of the point: it is run again as often as retries allow.
RETRIED = frozenset({Status.KILLED, Status.OOM})


def content(values: Mapping[str, Value]) -> str:
    """A text that is equal for equal values of all flags: typed, whatever the order of the flags."""
    return json.dumps(dict(values), sort_keys=True)


@dataclass(frozen=True)
class Past:
    """The runs of a study before this search, by the values of their flags (see `content`).

    Attributes:
        finals: For each point that needn't be run again, the run that settles it.
        attempts: For each point, how often it was killed or ran out of memory.
        cut_off: The numbers and values of trials that began and have no run that settles them, by number.
        numbers: All numbers that trials have had.
    """

    finals: Mapping[str, Run]
    attempts: Mapping[str, int]
    cut_off: Mapping[int, Mapping[str, Value]]
    numbers: frozenset[int]

    @property
    def next_number(self) -> int:
        """The first number that no trial has had."""
        return max(self.numbers, default=-1) + 1


NOTHING = Past({}, {}, {}, frozenset())


def read_past(folder: Path, declared: Sequence[Flag], retries: int) -> Past:
    """Read the runs of a study.

    A flag that a run doesn't know, because the script didn't declare it then, counts with its default.

    Args:
        folder: The study's directory.
        declared: The flags that the script declares now.
        retries: How often a trial that was killed, or ran out of memory, is run again; after that its
            last run settles the point.
    """
    finals: dict[str, Run] = {}
    attempts: dict[str, int] = {}
    began: dict[int, dict[str, Value]] = {}
    numbers: set[int] = set()
    for run in _runs(folder):
        values = {flag.name: run.flags.get(flag.name, flag.default) for flag in declared}
        key = content(values)
        if run.status in RETRIED:
            attempts[key] = attempts.get(key, 0) + 1
        # A completed run outranks another end of the same point.
        outranked = key in finals and finals[key].status is Status.COMPLETED
        if (run.status in FINAL or attempts.get(key, 0) > retries) and not outranked:
            finals[key] = run
        number = run.record.get("number")
        if isinstance(number, int):
            numbers.add(number)
            began[number] = values
    cut_off = {number: began[number] for number in sorted(began) if content(began[number]) not in finals}
    return Past(finals, attempts, cut_off, frozenset(numbers))


def _runs(folder: Path) -> Iterator[Run]:
    """The runs with readable flags, oldest first; without its flags a run can't be told from another."""
    return (run for run in map(read_run, find_runs(folder)) if run.flags)
