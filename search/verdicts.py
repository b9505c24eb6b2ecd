"""Why a trial ended, from all that the search knows: what it was sentenced to, who was stopped, memory.

`search.objective.judge` reads a process's end and its run directory; this adds what neither of them tells.
"""

import signal
from collections.abc import Sequence

from results.run import Run
from results.status import Status
from search.executor import Ending
from search.interrupts import ENDS
from search.memory import kernel_kills
from search.objective import Verdict, judge
from search.record import shortage
from search.study import Metric
from search.watch import Sentence

# What ends a trial together with its search: we, or whoever ends all processes of a session or a container.
STOPS = frozenset({signal.SIGKILL, *ENDS})


class Judge:
    """Judges ended trials. One that ended by itself is judged by its exit code, whatever else goes on."""

    def __init__(self, metric: Metric | None = None, also: Sequence[Metric] = ()) -> None:
        """Begin.

        Args:
            metric: What the search optimizes; None for a single run.
            also: Further metrics that it optimizes.
        """
        self.metric = metric
        self.also = also
        self._stopped: str | None = None
        self._kernel_kills = kernel_kills()

    def stop(self, reason: str) -> None:
        """From now on trials are ended because the search stops: such an end is an interruption."""
        self._stopped = reason

    def verdict(
        self, ending: Ending, run: Run, sentence: Sentence | None = None, given_up: str | None = None
    ) -> Verdict:
        """How a trial is recorded.

        Args:
            ending: How its process ended.
            run: What was recorded.
            sentence: How it was to end, where it was ended for going over a limit.
            given_up: Where the pruner told it to stop, and why; None where it didn't.

        Returns:
            `interrupted` only where the point isn't to blame: its machine was lost, or the search stops, and
            ended it or has no room on the disk.
        """
        if ending.signal is None:
            return self._of_itself(ending, run, given_up)
        if sentence is not None:
            return Verdict(sentence.status, sentence.reason, None)
        if self._stopped is not None and ending.signal in STOPS:
            return Verdict(Status.INTERRUPTED, self._stopped, None)
        if ending.lost:
            return Verdict(Status.INTERRUPTED, ending.reason, None)
        if ending.out_of_memory or (ending.out_of_memory is None and self._is_the_kernels(ending)):
            return Verdict(Status.OOM, ending.reason or "killed by the kernel for want of memory", None)
        return judge(ending, run, self.metric)

    def _of_itself(self, ending: Ending, run: Run, given_up: str | None) -> Verdict:
        if ending.exit_code is None:
            return Verdict(Status.INTERRUPTED, self._stopped or "its end is unknown", None)
        verdict = judge(ending, run, self.metric, given_up, self.also)
        no_room = shortage(run) if verdict.status is Status.FAILED else None
        return verdict if no_room is None else Verdict(Status.INTERRUPTED, str(no_room), None)

    def _is_the_kernels(self, ending: Ending) -> bool:
        return ending.signal == signal.SIGKILL and ending.reason is None and self._kernel_killed()

    def _kernel_killed(self) -> bool:
        """Whether the kernel has killed one more for want of memory; each of its kills explains one trial."""
        if kernel_kills() <= self._kernel_kills:
            return False
        self._kernel_kills += 1
        return True
