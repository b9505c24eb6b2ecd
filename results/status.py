"""The states of a run."""

from enum import StrEnum


class Status(StrEnum):
    """How a run stands, or how it ended."""

    RUNNING = "running"
    COMPLETED = "completed"
    PRUNED = "pruned"
    FAILED = "failed"
    DIVERGED = "diverged"
    TIMEOUT = "timeout"
    KILLED = "killed"
    OOM = "oom"
    INTERRUPTED = "interrupted"

    @property
    def ended(self) -> bool:
        """Whether nothing more comes: true for all but `running`."""
        return self is not Status.RUNNING

    @property
    def ranked(self) -> bool:
        """Whether a run so ended takes a place on the leaderboard: `completed` and `pruned`."""
        return self in (Status.COMPLETED, Status.PRUNED)
