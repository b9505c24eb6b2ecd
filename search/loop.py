"""The loop of a search: the one place where schedule, executor and run directories meet."""

import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from gridruns import GridrunsError
from results.kept import SAVE_MODEL, keeping
from results.keras_hooks import EPOCH_SECONDS
from results.run import Run
from results.runs import read_run
from results.status import Status
from results.stepping import STEPS_PER_EXECUTION, stepping
from search.assignment import Assignment
from search.executor import Ending, Executor, Report, Trial
from search.forecast import Pace, TimeLeft
from search.interrupts import Interrupted, Stop, listening
from search.objective import FirstFailures, NoResultError, Verdict, settled_values
from search.past import RETRIED
from search.progress import Reporter, State
from search.record import RecordingError, begin_run, close_run, run_record, staying
from search.schedule import Schedule
from search.script import ScriptError
from search.study import Study
from search.verdicts import Judge
from search.watch import Limits, Sentence, Watch

MOST_LOSSES = 3  # so many machines may be lost below a trial; the next loss counts as its own end
GRACE = 10.0  # seconds for ended trials to be reported; after that they are recorded without numbers


@dataclass
class Running:
    """A trial that runs.

    Attributes:
        assignment: What it is.
        run_dir: Where it is recorded.
        sentence: How it is to end, once it has been ended for going over a limit.
        begun: When, on the monotonic clock.
        given_up: Where the pruner told it to stop, and why.
        went_on: The last step that it has logged in spite of that.
    """

    assignment: Assignment
    run_dir: Path
    sentence: Sentence | None = None
    begun: float = field(default_factory=time.monotonic)
    given_up: str | None = None
    went_on: int | None = None

    @property
    def end(self) -> str | None:
        """Where the pruner ended it, in words."""
        if self.given_up is None or self.went_on is None:
            return self.given_up
        return f"{self.given_up}, but the script caught that and went on to step {self.went_on}"


@dataclass(frozen=True)
class Ended:
    """A trial that has ended and is recorded.

    Attributes:
        assignment: What it was.
        run: Its record, read before its outcome was written.
        verdict: How it ended.
    """

    assignment: Assignment
    run: Run
    verdict: Verdict


@dataclass
class Search:
    """The loop over one study's trials.

    Attributes:
        study: What is searched.
        folder: The study's directory; the caller holds its lock.
        executor: What runs the trials.
        schedule: What runs next.
        threads: Threads of each trial, for the record.
        reporter: What shows the state.
        limits: What trials and search may take.
        keep_going: Whether to go on when the first trials fail alike.
        out_of_time: Whether the search's own timeout ended it.
        out_of_plan: Whether trials were left because they wouldn't have ended within `max_time`.
    """

    study: Study
    folder: Path
    executor: Executor
    schedule: Schedule
    threads: int | None
    reporter: Reporter
    limits: Limits = field(default_factory=Limits)
    keep_going: bool = False
    out_of_time: bool = field(default=False, init=False)
    out_of_plan: bool = field(default=False, init=False)

    def run(self) -> None:
        """Run what the schedule deals out.

        Raises:
            NoResultError: No trial logged the metric, or the first ones failed alike.
            ScriptError: The script changed meanwhile.
            RecordingError: A run can't be recorded.
            Interrupted: Ctrl-C or SIGTERM.
        """
        self._begun = time.monotonic()
        self._running: dict[int, Running] = {}
        self._endings: deque[Ending] = deque()
        self._verdicts: list[Verdict] = []
        self._waiting: deque[Assignment] = deque()
        self._failures = FirstFailures()
        self._metrics: set[str] = set()
        self._best: float | None = None
        self._failed = 0
        self._pruned = 0
        self._pace = Pace()
        self._names = {metric.name for metric in (self.study.metric, *self.study.also)}
        self._settled = 0
        self._ending = False
        self._watch = Watch(self.limits)
        self._judge = Judge(self.study.metric, self.study.also)
        with staying(self.folder) as self._check_folder, listening() as stop:
            try:
                self._loop(stop)
            except BaseException:
                self._end_all("the search was stopped")
                raise
            finally:
                try:
                    self.schedule.close()
                finally:
                    self.reporter.close()
            stop.check()
        self._check_results()

    def _loop(self, stop: Stop) -> None:
        self._count_settled()
        while True:
            self._check_folder()
            while not (stop.asked or self.out_of_time) and len(self._running) < self.executor.slots:
                assignment = self._next()
                self._count_settled()
                if assignment is None:
                    break
                self._start(assignment)
            self._show()
            if self._running:
                self._endings += self.executor.wait(self._watch.tick, stop)
            elif self._may_go_on(stop):
                stop.wait(self._watch.tick)
            else:
                return
            if stop.at_once:
                raise Interrupted(stop.signal)
            while self._endings:
                self._finish(self._endings.popleft())
            self._keep_limits()

    def _may_go_on(self, stop: Stop) -> bool:
        """Whether there may be a trial later, though none can be begun now."""
        return self.schedule.waiting and not (stop.asked or self.out_of_time or self.out_of_plan)

    def _next(self) -> Assignment | None:
        """The next trial: what is to be run again first; what must be alone only when nothing runs."""
        if any(running.assignment.alone for running in self._running.values()):
            return None
        if self._waiting:
            if self._waiting[0].alone and self._running:
                return None
            return self._waiting.popleft()
        if self._fits():
            return self.schedule.next()
        self.out_of_plan = True
        return None

    def _fits(self) -> bool:
        """Whether one more trial most likely ends in the time that the search is to fit in."""
        seconds = self.limits.plan_seconds
        return seconds is None or self._pace.fits(self._begun + seconds - time.monotonic())

    def _start(self, assignment: Assignment) -> None:
        """Write a trial's run.json and hand it to the executor."""
        changed = self.study.script.changed()
        if changed is not None:
            raise ScriptError(f"{str(changed)!r} has changed since the search began; finished runs are kept")
        number = assignment.number
        seed = self.study.trial_seed(number, assignment.repeat)
        record = run_record(
            self.study.script, assignment.values, number, seed, self.threads,
            study=self.study.name, attempt=assignment.attempt, repeat=assignment.repeat,
            inactive=list(assignment.proposal.inactive), timed=EPOCH_SECONDS in self._names,
            **keeping(self.study.execution.get(SAVE_MODEL) is True),
            **stepping(self.study.execution.get(STEPS_PER_EXECUTION)),
        )  # fmt: skip
        run_dir = begin_run(self.folder, record, assignment.values)
        self._running[number] = Running(assignment, run_dir)
        self.schedule.started(assignment, run_dir)
        self._watch.begin(number)
        trial = Trial(number, assignment.values, seed, run_dir.absolute())
        self.executor.submit(trial, None if self.study.pruner is None else self._give_up)

    def _give_up(self, report: Report) -> bool:
        """Whether the pruner ends a trial after a step."""
        if self._ending:
            return False
        running = self._running[report.number]
        stop = self.schedule.report(running.assignment, report.step, report.metrics)
        if running.given_up is not None:
            running.went_on = report.step
            return True
        if stop and not report.last:
            running.given_up = f"given up after step {report.step} by the pruner {self.study.pruner}"
        return stop

    def _finish(self, ending: Ending) -> None:
        """Record a trial that has ended, and tell the sampler or run it again."""
        if self._running[ending.number].assignment.losses == MOST_LOSSES:
            ending = replace(ending, lost=False)  # it may be what takes the machines down
        ended = self._record(ending)
        assignment, verdict = ended.assignment, ended.verdict
        if ending.lost and verdict.status is Status.INTERRUPTED:
            self._waiting.append(replace(assignment, losses=assignment.losses + 1))
            return
        if verdict.status is Status.INTERRUPTED:
            raise RecordingError(verdict.reason)
        if verdict.status in RETRIED and assignment.attempt <= self.limits.retries:
            attempt, alone = assignment.attempt + 1, assignment.alone or verdict.status is Status.OOM
            self._waiting.append(replace(assignment, attempt=attempt, alone=alone))
            return
        self._metrics.update(ended.run.metric_names)
        self._verdicts.append(verdict)
        self._count(verdict.status, verdict.value)
        self.schedule.tell(assignment, verdict)
        if self.schedule.valued:
            self._failures.waive()
        alike = self._failures.see(verdict)
        if alike is not None and not self.keep_going:
            self._show()
            raise NoResultError(
                f"stopped: the first {len(self._verdicts)} trials all ended the same way: {alike}"
                + self._logged()
            )

    def _record(self, ending: Ending) -> Ended:
        """Judge a trial that has ended and write its outcome."""
        running = self._running.pop(ending.number)
        self._pace.ended(time.monotonic() - running.begun)
        ending = self._watch.end(ending)
        run = read_run(running.run_dir)
        verdict = self._judge.verdict(ending, run, running.sentence, running.end)
        close_run(running.run_dir, ending, verdict, run.error)
        return Ended(running.assignment, run, verdict)

    def _keep_limits(self) -> None:
        """End the trials that have gone over a limit, and all when the search has."""
        for number, running in self._running.items():
            if not self.executor.begun(number):
                running.begun = self._watch.begin(number)
        used = {} if self.limits.memory_bytes is None else self.executor.memory()
        for number, sentence in self._watch.exceeded(used).items():
            if number in self._running and self._running[number].sentence is None:
                self._running[number].sentence = sentence
                self.executor.kill(number)
        seconds = self.limits.search_seconds
        if seconds is not None and time.monotonic() - self._begun >= seconds and not self.out_of_time:
            self.out_of_time = True
            self._end_all(f"the search's timeout of {seconds:g} s was over")

    def _end_all(self, reason: str) -> None:
        """End what runs and record how each has ended, as far as that can be recorded."""
        self._judge.stop(reason)
        self._ending = True
        for number in self._running:
            self.executor.kill(number)
        while self._running:
            if not self._endings:
                with suppress(GridrunsError):  # what is lost can't be asked
                    self._endings += self.executor.wait(GRACE)
                # An executor that no longer knows a trial has nothing to say about its end.
                self._endings = self._endings or deque(Ending(number, None) for number in self._running)
            with suppress(GridrunsError):  # without an outcome it counts as cut off
                ended = self._record(self._endings.popleft())
                self._count(ended.verdict.status, ended.verdict.value)

    def _check_results(self) -> None:
        if self._best is not None or self.schedule.valued or self.out_of_time or not self._verdicts:
            return
        reasons = sorted({verdict.reason or verdict.status.value for verdict in self._verdicts})
        raise NoResultError(
            f"no trial ended with a value of the metric {self.study.metric.name!r}: "
            f"{'; '.join(reasons[:3])}{self._logged()}"
        )

    def _logged(self) -> str:
        """The metrics that were logged, where the one asked for isn't among them."""
        if not self._metrics or self.study.metric.name in self._metrics:
            return ""
        return f"; logged were: {', '.join(sorted(self._metrics))}"

    def _count_settled(self) -> None:
        """Take in the runs of earlier searches that the schedule has come across."""
        settled = self.schedule.settled
        for run in settled[self._settled :]:
            values = settled_values(run, self.study.metric, self.study.also)
            self._count(run.status, None if values is None else values[0])
            if values is not None:
                self._failures.waive()
            if run.start is not None and run.end is not None:
                self._pace.ended(max(0.0, (run.end - run.start).total_seconds()))
        self._settled = len(settled)

    def _count(self, status: Status, value: float | None) -> None:
        self._failed += not status.ranked
        self._pruned += status is Status.PRUNED
        if value is not None:
            choose = min if self.study.metric.goal == "min" else max
            self._best = value if self._best is None else choose(self._best, value)

    def _left(self) -> TimeLeft | None:
        """The time until the search has ended."""
        now = time.monotonic()
        if self.study.planned is None:
            over = max(0.0, self._begun + (self.limits.plan_seconds or 0) - now)
            return TimeLeft(over, over, over)
        running = [now - running.begun for running in self._running.values()]
        over = self._settled + self.schedule.elsewhere + len(self._verdicts)
        to_start = self.study.planned - over - len(running)
        return self._pace.left(max(0, to_start), running, self.executor.slots)

    def _show(self) -> None:
        self.reporter.show(
            State(
                planned=self.study.planned,
                before=self._settled + self.schedule.elsewhere,
                done=len(self._verdicts),
                running=len(self._running),
                failed=self._failed,
                pruned=self._pruned,
                metric=self.study.metric.name,
                best=self._best,
                left=self._left(),
            )
        )
