"""What an ended trial is worth: its status, why, and the value that the sampler is told."""

import math
from dataclasses import dataclass

from gridruns import GridrunsError
from results.runs import Run
from results.status import Status
from search.executor import Ending, signal_name
from search.study import Metric

ALIKE = 3  # so many first trials that fail the same way stop a search


class NoResultError(GridrunsError):
    """The search ended without one value of its metric. The command line exits with 1."""

    exit_code = 1


@dataclass(frozen=True)
class Verdict:
    """How a trial is recorded.

    Attributes:
        status: One of the ends.
        reason: One line, or None for a completed trial with nothing to say.
        value: The metric at the run's best epoch, or None where there is no finite one.
    """

    status: Status
    reason: str | None
    value: float | None


def judge(ending: Ending, run: Run, metric: Metric | None = None, given_up: str | None = None) -> Verdict:
    """Decide from a process's end and what its run directory holds.

    Only a trial that ended well has a value, as on the leaderboard.

    Args:
        ending: How the process ended.
        run: What was recorded.
        metric: What the search optimizes; without one, as in a single run, only the divergence of
            `loss` is looked for.
        given_up: Where the trial was told to stop, and why; None where it wasn't.
    """
    if ending.reason is not None:
        return Verdict(Status.KILLED, ending.reason, None)
    if ending.signal is not None:
        return Verdict(Status.KILLED, f"signal {ending.signal} ({signal_name(ending.signal)})", None)
    if ending.exit_code:
        return Verdict(Status.FAILED, run.error_summary or f"exit code {ending.exit_code}", None)
    watched = metric.name if metric else "loss"
    last = run.last_value(watched)
    if last is not None and not math.isfinite(last):
        return Verdict(Status.DIVERGED, f"{watched} is {last}", None)
    value = run.best_value(metric.name, metric.goal) if metric else None
    if given_up is not None:
        return Verdict(Status.PRUNED, given_up, value)
    if metric and value is None:
        return Verdict(Status.COMPLETED, f"no {metric.name} was logged", None)
    return Verdict(Status.COMPLETED, None, value)


def settled_value(run: Run, metric: Metric) -> float | None:
    """The value of a finished run as `judge` gave it: None unless it ended well."""
    return run.best_value(metric.name, metric.goal) if run.status.ranked else None


class FirstFailures:
    """Notices that the first trials of a search all fail the same way, so that the rest needn't."""

    def __init__(self, limit: int = ALIKE) -> None:
        """Stop after `limit` alike from the start, at least 1."""
        self.limit = limit
        self._first: str | None = None
        self._count = 0
        self._over = False

    def waive(self) -> None:
        """Notice nothing any more: the study has had a value before."""
        self._over = True

    def see(self, verdict: Verdict) -> str | None:
        """Take one trial's verdict in; return the common reason once `limit` have shared it."""
        if self._over or verdict.value is not None:
            self._over = True
            return None
        reason = verdict.reason or verdict.status.value
        if self._first is None:
            self._first = reason
        if reason != self._first:
            self._over = True
            return None
        self._count += 1
        return reason if self._count >= self.limit else None
