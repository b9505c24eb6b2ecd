"""What a trial may take at most: wall time and memory, and who ran out of it."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from gridruns import GridrunsError
from results.status import Status
from search.executor import Ending

LOOK = 0.2  # seconds between two looks at the trials' memory, where it has a limit


@dataclass(frozen=True)
class Limits:
    """What trials and their search may take at most; None for no limit.

    Attributes:
        trial_seconds: Wall time of a trial, more than 0.
        search_seconds: Wall time of the whole search, more than 0.
        memory_bytes: Memory of all processes of a trial together, more than 0. What they share with others
            (the warm parent) counts in proportion, as the kernel does (PSS, Linux).
        retries: How often a trial is run again that was killed, or, alone, that ran out of memory;
            at least 0.
        plan_seconds: Wall time that the search is to fit in, more than 0: a trial that most likely would end
            later isn't begun.
    """

    trial_seconds: float | None = None
    search_seconds: float | None = None
    memory_bytes: int | None = None
    retries: int = 1
    plan_seconds: float | None = None

    def __post_init__(self) -> None:
        for name, value in (
            ("max_time", self.plan_seconds),
            ("trial_timeout", self.trial_seconds),
            ("timeout", self.search_seconds),
            ("memory_limit", self.memory_bytes),
        ):
            if value is not None and not value > 0:
                raise GridrunsError(f"{name} must be more than 0, but got {value}")
        if isinstance(self.retries, bool) or not isinstance(self.retries, int) or self.retries < 0:
            raise GridrunsError(f"retries must be a whole number of at least 0, but got {self.retries!r}")
        if self.memory_bytes is not None and not Path("/proc/self/smaps_rollup").exists():
            raise GridrunsError("memory_limit needs Linux, whose /proc tells the memory of a process group")


@dataclass(frozen=True)
class Sentence:
    """How a trial is to end that has gone over a limit: its status and a line that says why.

    The line names the limit only, so that it is the same for all; the figures are in the trial's outcome.
    """

    status: Status
    reason: str


@dataclass
class Watch:
    """Keeps the time and the memory of running trials.

    Attributes:
        limits: What they may take.
        started: When each began, by number, on the monotonic clock.
        seen: The most memory that a look has found with each, in bytes, by number.
    """

    limits: Limits
    started: dict[int, float] = field(default_factory=dict)
    seen: dict[int, int] = field(default_factory=dict)

    def begin(self, number: int) -> float:
        """A trial begins: return when, on the monotonic clock."""
        self.started[number] = time.monotonic()
        return self.started[number]

    def end(self, ending: Ending) -> Ending:
        """A trial has ended: return how, with the memory that was seen where that is more.

        The kernel counts the trial's own process only, and children that it has waited for.
        """
        self.started.pop(ending.number, None)
        seen = self.seen.pop(ending.number, 0)
        if seen <= (ending.peak_memory_bytes or 0):
            return ending
        return replace(ending, peak_memory_bytes=seen)

    @property
    def tick(self) -> float:
        """Seconds until the next look: 1, or less where a limit is near or memory is watched."""
        ticks = [1.0]
        if self.limits.memory_bytes is not None:
            ticks.append(LOOK)
        if self.limits.trial_seconds is not None and self.started:
            ticks.append(min(self.started.values()) + self.limits.trial_seconds - time.monotonic())
        return max(0.01, min(ticks))

    def exceeded(self, used: Mapping[int, int]) -> dict[int, Sentence]:
        """The trials that have gone over a limit: how each is to end, and why.

        Args:
            used: The memory of each running trial in bytes, by number, where known.
        """
        over: dict[int, Sentence] = {}
        limit = self.limits.memory_bytes
        if limit is not None:
            for number, count in used.items():
                self.seen[number] = max(count, self.seen.get(number, 0))
                if count > limit:
                    over[number] = Sentence(Status.OOM, f"over the memory limit of {_mib(limit)}")
        seconds = self.limits.trial_seconds
        if seconds is not None:
            now = time.monotonic()
            for number, start in self.started.items():
                if now - start >= seconds:
                    over[number] = Sentence(Status.TIMEOUT, f"over the trial timeout of {seconds:g} s")
        return over


def _mib(count: int) -> str:
    return f"{count / (1 << 20):,.0f} MiB"
