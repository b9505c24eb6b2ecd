"""What an ended trial is worth: its status, why, and the value that the sampler is told."""

import math
from collections.abc import Sequence
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
        also: Further metrics at that epoch, of a study that has them; empty where `value` is None.
    """

    status: Status
    reason: str | None
    value: float | None
    also: tuple[float, ...] = ()


def judge(
    ending: Ending,
    run: Run,
    metric: Metric | None = None,
    given_up: str | None = None,
    also: Sequence[Metric] = (),
) -> Verdict:
    """Decide from a process's end and what its run directory holds.

    Only a trial that ended well has a value, as on the leaderboard.

    Args:
        ending: How the process ended.
        run: What was recorded.
        metric: What the search optimizes; without one, as in a single run, only the divergence of
            `loss` is looked for.
        given_up: Where the trial was told to stop, and why; None where it wasn't.
        also: Further metrics that the search optimizes.
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
    if metric is None or not also:
        return Verdict(Status.COMPLETED, None, value)
    values = values_of(run, metric, also)
    if values is None:
        names = " and ".join(other.name for other in also)
        return Verdict(Status.COMPLETED, f"no finite {names} at the best epoch of {metric.name}", None)
    return Verdict(Status.COMPLETED, None, values[0], values[1:])


def values_of(run: Run, metric: Metric, also: Sequence[Metric] = ()) -> tuple[float, ...] | None:
    """A run's metric at its best epoch, and further metrics there; None where one isn't finite."""
    best = run.best_epoch(metric.name, metric.goal)
    if best is None:
        return None
    values = tuple(best.metrics.get(one.name, math.nan) for one in (metric, *also))
    return values if all(map(math.isfinite, values)) else None


def settled_values(run: Run, metric: Metric, also: Sequence[Metric] = ()) -> tuple[float, ...] | None:
    """The values of a finished run as `judge` gave them: None unless it ended well."""
    return values_of(run, metric, also) if run.status.ranked else None


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
