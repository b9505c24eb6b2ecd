"""What a search of a study in a database runs next: nothing that another machine runs or has run.

The points are dealt out as in `search.schedule`; beside that each is claimed in the database, one machine at
a time, so that all know what the others have taken. What the others find the sampler is told, too.
"""

import logging
import socket
import time
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import optuna
from optuna.trial import FrozenTrial, TrialState

from results.run import Run
from results.status import Status
from search.objective import Verdict, settled_values
from search.parameters import TrialParams
from search.past import FINAL, Past, content, point_of, read_content
from search.record import mark_cut_off
from search.sampling import SpaceExhausted
from search.schedule import Assignment, Schedule
from search.storage.board import Board
from search.storage.connection import LOCK_SECONDS, START_SECONDS, Busy, Lock, Unreachable
from search.storage.left import is_released, runs_left, told_runs
from search.storage.marks import RUN, STATUS, TOLD, Mark
from search.storage.rows import Claim, new_row, one_or_all, row_of_runs, told, told_attributes, told_of
from search.storage.twins import Twins, marks_of
from search.study import Study

POLL = 2.0  # seconds between two looks at what other machines do, while there is nothing else to do
LISTEN = 5.0  # the same for the curves of their trials, which a pruner compares

_log = logging.getLogger(__name__)


class SharedSchedule(Schedule):
    """The schedule of one machine among several, or of one alone whose study is also in a database."""

    def __init__(
        self,
        study: Study,
        sampler: optuna.samplers.BaseSampler,
        past: Past,
        earlier: Sequence[FrozenTrial],
        board: Board,
        folder: Path,
    ) -> None:
        """Bring the database up to date with the run directories, and read what it has of other machines.

        Args:
            study: What is searched.
            sampler: What proposes points.
            past: What the study's directory has.
            earlier: Results from elsewhere, for the sampler to begin with.
            board: The study in the database.
            folder: The study's directory.

        Raises:
            Unreachable: The database doesn't answer.
        """
        self._board, self._folder = board, folder
        self._taken: set[str] = set()  # the points that are run now or have been, by whomever
        self._again: dict[str, TrialParams] = {}  # points to be run again
        self._closed: set[int] = set()  # trials of the database that say nothing new any more
        self._elsewhere: set[str] = set()
        self._told: set[str] = set()  # the points whose end this search has told
        self._told_there: dict[str, tuple[float, ...] | None] = {}  # runs of points that others have left
        self._claims: dict[int, Claim] = {}  # by the number in the engine
        self._refused: list[Claim] = []
        self._ready: deque[Assignment] = deque()
        self._exhausted = False
        self._next_look = self._next_curves = 0.0
        super().__init__(study, sampler, past, earlier)
        self._plan = self._places(self._grid) if self._grid else None
        self._count()

    def next(self) -> Assignment | None:
        """The next trial, claimed for this machine; None where there is none, or none now (`waiting`)."""
        if not self._ready and time.monotonic() >= self._next_look:
            pause = POLL
            try:
                with self._board.turn() as lock:
                    self._look()
                    found = self._next_point()
                    if found is not None:
                        self._claim(*found, lock)
                    self.waiting = found is None and bool(self._board.running())
            except Unreachable as error:
                self.waiting = True
                if isinstance(error, Busy):  # as long as that took, so that the search does other things, too
                    pause = LOCK_SECONDS
            self._count()
            if not self._ready:
                self._next_look = time.monotonic() + pause
        if not self._ready:
            return None
        self.waiting = False
        return self._ready.popleft()

    def started(self, assignment: Assignment, run_dir: Path) -> None:
        """Let the database know where a trial is recorded."""
        claim = self._claims[assignment.proposal.asked.number]
        claim.runs.append(run_dir.name)
        self._board.note(claim.trial_id, RUN, one_or_all(claim.runs, self.study))

    def report(self, assignment: Assignment, step: int, metrics: Mapping[str, float]) -> bool:
        """Let the pruner learn what a running trial has logged, and the pruners of other machines, too."""
        if time.monotonic() >= self._next_curves:
            self._next_curves = time.monotonic() + LISTEN
            with suppress(Unreachable):
                self._read()
        proposal = assignment.proposal
        before = len(proposal.reported)
        stop = super().report(assignment, step, metrics)
        if len(proposal.reported) > before:
            claim = self._claims[proposal.asked.number]
            marks = marks_of(self._twins.twin(proposal.asked.number))
            new = {name: value for name, value in marks.items() if name not in claim.sent}
            claim.sent.update(new)
            self._board.report(claim.trial_id, step, metrics[self.study.metric.name], new)
        return stop

    def tell(self, assignment: Assignment, verdict: Verdict) -> None:
        """Take in how a trial went, and have it written into the database."""
        super().tell(assignment, verdict)
        proposal = assignment.proposal
        claim = self._claims[proposal.asked.number]
        if self.study.repeats > 1:
            values = None if verdict.value is None else [verdict.value, *verdict.also]
            claim.told[str(assignment.repeat)] = told(verdict.status, values)
            self._board.note(claim.trial_id, TOLD, dict(claim.told))
        if proposal.left:
            return
        ended = self._twins.twin(proposal.asked.number)
        del self._claims[proposal.asked.number]
        self._told.add(claim.key)
        self._elsewhere.discard(claim.key)
        claim.row = new_row(ended, {**claim.row.user_attrs, STATUS: verdict.status.value,
                                           RUN: one_or_all(claim.runs, self.study),
                                           **told_attributes(claim.told)},
                                   claim.row.system_attrs, self._compares)  # fmt: skip
        self._board.finish(
            claim.trial_id, ended.state, ended.values, verdict.status, lambda: self._refuse(claim)
        )

    def close(self) -> None:
        """Let go of the points that were claimed and haven't ended: other machines may run them at once."""
        try:
            for claim in self._claims.values():
                self._board.give_back(claim.trial_id)
        finally:
            self._claims.clear()
            unwritten = self._board.close()
        if unwritten:
            _log.warning(
                "the database lacks the last %d changes; the next search brings it up to date", unwritten
            )

    @property
    def _compares(self) -> bool:
        """Whether somebody reads intermediate values: the pruners of other machines."""
        return self.study.pruner is not None

    def _replay(self) -> dict[str, TrialParams]:
        """Bring database and sampler up to date, and find what is to be run again."""
        self._twins = Twins(self.engine)
        with self._board.turn(START_SECONDS) as lock:
            self._read()
            for key, params in self._known():
                runs = self._finals(key)
                self.settled += runs
                if len(runs) == self.study.repeats:
                    self._bring_up(key, runs, params)
                    lock.check()  # and so the server sees that its holder lives
                elif key not in self._taken:
                    self._again.setdefault(key, params)
            self._release_dead()
        self._again = dict(sorted(self._again.items(), key=lambda item: not self._ran_out_of_memory(item[0])))
        return {}

    def _count(self) -> None:
        self._elsewhere -= {key for key in self._elsewhere if key not in self._taken}
        self.elsewhere = len(self._elsewhere) * self.study.repeats
        points, repeats = self.study.points, self.study.repeats
        self.undealt = None if points is None else max(0, points - len(self._taken)) * repeats

    def _look(self) -> None:
        """Take in what has changed, and take over what dead machines have left."""
        self._read()
        for claim in self._refused:
            self._taken.add(claim.key)
            if claim.key in self._again:  # nobody has run it meanwhile
                self._closed.add(self._board.add(claim.row))
                del self._again[claim.key]
        self._refused.clear()
        self._release_dead()

    def _read(self) -> None:
        """Learn from the trials that are new in the database, or have changed there."""
        lost = []
        for trial in self._board.look():
            mark = Mark.of(trial)
            if mark is None or trial._trial_id in self._closed:
                continue
            mine = mark.owner == self._board.owner
            if mine and trial._trial_id in self._twins:
                continue  # this search has told it itself
            if mine and is_released(trial, {}):
                self._closed.add(trial._trial_id)
            elif mine and not trial.state.is_finished():
                lost.append(trial._trial_id)
            else:
                self._take_in(trial, mark)
        for trial_id in lost:  # last, since each look shows what has ended only once
            # The claim was written, but the answer never came: nothing runs there, and its point has been
            # claimed again by another trial, or will be.
            if self._board.release(trial_id):
                self._closed.add(trial_id)

    def _take_in(self, trial: FrozenTrial, mark: Mark) -> None:
        """Learn from a trial of another search, or one of this search's own that was written as ended."""
        values, _ = read_content(mark.key)
        for repeat, number in mark.numbers.items():
            self._numbers.take(content(values, int(repeat)), number)
        if self.study.allow_duplicates:
            self._key(point_of(mark.key, self.study) or {}, mark.key)
        self._twins.take_in(trial, self._compares)
        self._remember_told(trial, mark)
        if trial.state.is_finished():
            self._closed.add(trial._trial_id)
            if is_released(trial, self.study.rerun):
                self._free(trial, mark)
                return
            if mark.key not in self._told and len(self._finals(mark.key)) < self.study.repeats:
                self._elsewhere.add(mark.key)
                self.valued |= bool(trial.values)
        self._taken.add(mark.key)
        self._again.pop(mark.key, None)

    def _remember_told(self, trial: FrozenTrial, mark: Mark) -> None:
        values, _ = read_content(mark.key)
        for repeat, found in told_runs(trial, mark, self.study.rerun).items():
            self._told_there[content(values, repeat)] = found

    def _free(self, trial: FrozenTrial, mark: Mark) -> None:
        """Have a point run again that was begun."""
        self._taken.discard(mark.key)
        if point_of(mark.key, self.study) is not None:
            self._again[mark.key] = dict(trial.params)

    def _release_dead(self) -> None:
        """Take over the points of machines that give no sign of life."""
        for trial, mark in self._board.running():
            if trial._trial_id not in self._closed and self._board.is_dead(trial, mark):
                self._release(trial, mark)

    def _release(self, trial: FrozenTrial, mark: Mark) -> None:
        left = runs_left(self._folder, mark)
        runs = [run for run in left if run.status in FINAL]
        if len(runs) == self.study.repeats:
            self._adopt(trial, runs)
            return
        if not self._board.release(trial._trial_id):
            return  # it has ended just now
        self._closed.add(trial._trial_id)
        if trial._trial_id in self._twins:
            self._twins.tell(trial._trial_id, None)
        self._free(trial, mark)
        values, _ = read_content(mark.key)
        for run in runs:
            found = settled_values(run, self.study.metric, self.study.also)
            self._told_there[content(values, run.record.get("repeat", 0))] = found
        mark_cut_off(self._folder, [run.path.name for run in left if not run.outcome])

    def _adopt(self, trial: FrozenTrial, runs: Sequence[Run]) -> None:
        """Write down how a trial has ended whose search was killed before it could do that."""
        ended = self._ended_trial(runs, dict(trial.params))
        if self.study.repeats > 1:
            self._board.note(trial._trial_id, TOLD, told_of(runs, self.study))
        self._board.finish(trial._trial_id, ended.state, ended.values, runs[-1].status, lambda: None)
        self._closed.add(trial._trial_id)
        self._twins.tell(trial._trial_id, ended)

    def _bring_up(self, key: str, runs: Sequence[Run], params: TrialParams) -> None:
        """Let the database know of a point that the run directories know to be done."""
        ended = self._ended_trial(runs, params)
        for trial, mark in self._board.running():
            closed = trial._trial_id in self._closed
            if mark.key == key and not closed and self._board.is_dead(trial, mark):
                self._adopt(trial, runs)
        self._elsewhere.discard(key)
        if key in self._taken:
            return
        self._taken.add(key)
        self._again.pop(key, None)
        begun = max((run.start for run in runs if run.start is not None), default=datetime.now(UTC))
        mark = Mark(key, self._board.owner, self._numbers_of(key), begun)
        row = row_of_runs(self.study, ended, runs, mark, self._compares)
        self._twins.add(row)
        trial_id = self._board.add(row)
        self._closed.add(trial_id)

    def _numbers_of(self, key: str) -> dict[str, int]:
        """The numbers of a point's runs, by repeat."""
        numbers = {}
        for run in self._keys(key):
            numbers[str(read_content(run)[1])] = number = self._numbers.of(run)
            self._numbers.take(run, number)
        return numbers

    def _next_point(self) -> tuple[str, list[Assignment]] | None:
        """A point that is free, with its runs; None where there is none now."""
        for key in list(self._again):
            params = self._again.pop(key)
            if key in self._taken:
                continue
            runs = list(self._fixed(key, params))
            if runs:
                return key, runs
            self._end(key)
        if self._plan is not None:
            free = ((place, key, params) for place, key, params in self._plan if key not in self._taken)
            place, key, params = next(free, (0, "", {}))
            return (key, list(self._fixed(key, params, place))) if key else None
        points = self.study.points
        if self._exhausted or (points is not None and len(self._taken) >= points):
            return None
        try:
            asked, point = self._ask()
        except SpaceExhausted:
            self._exhausted = True
            return None
        key = self._key(point)
        return key, list(self._runs(key, self._proposal(asked, point)))

    def _end(self, key: str) -> None:
        """Write down a point, asked for just now, all of whose runs have ended, on several machines."""
        asked = self.engine.get_trials(deepcopy=False)[-1]
        found = [values for values in self._ended(key) if values is not None]
        self._tell(asked.number, found)
        mark = Mark(key, self._board.owner, self._numbers_of(key))
        status = Status.COMPLETED if found else Status.FAILED
        row = new_row(self._twins.twin(asked.number), {STATUS: status.value}, mark.attributes(), False)
        self._closed.add(self._board.add(row))
        self._taken.add(key)

    def _claim(self, key: str, runs: Sequence[Assignment], lock: Lock) -> None:
        """Take a point for this machine.

        Raises:
            Unreachable: It couldn't be written; the point stays the next to be run.
        """
        asked = runs[0].proposal.asked
        seeds = [self.study.trial_seed(run.number, run.repeat) for run in runs]
        seen = {
            "number": one_or_all([run.number for run in runs], self.study),
            "seed": one_or_all(seeds, self.study),
            "host": socket.gethostname(),
        }
        mark = Mark(key, self._board.owner, {str(run.repeat): run.number for run in runs})
        twin = self._twins.twin(asked.number)
        row = new_row(twin, seen, mark.attributes(), False)
        try:
            trial_id = self._board.claim(row, lock)
        except Unreachable:
            self.engine.tell(asked, state=TrialState.FAIL)
            values, _ = read_content(key)
            for run in runs:
                self._numbers.take(content(values, run.repeat), run.number)
            self._again = {key: dict(twin.params), **self._again}
            raise
        self._twins.own(trial_id, asked.number)
        self._claims[asked.number] = Claim(key, trial_id, row)
        self._taken.add(key)
        self._ready.extend(runs)
        # Optuna itself tries again where no answer came, so that there may be two trials: the first is
        # released before any other machine can look.
        self._read()

    def _refuse(self, claim: Claim) -> None:
        """Learn that the end of a trial couldn't be written, since it has one in the database already."""
        there = self._board.trial(claim.trial_id)
        if is_released(there, self.study.rerun):  # by a machine that took this one for dead
            self._taken.discard(claim.key)
            self._again[claim.key] = dict(claim.row.params)
            self._refused.append(claim)
            self._next_look = 0.0

    def _ended(self, key: str) -> list[tuple[float, ...] | None]:
        there = [run for run in self._keys(key) if run in self._told_there and run not in self._past.finals]
        return super()._ended(key) + [self._told_there[run] for run in there]

    def _has_ended(self, run: str) -> bool:
        return super()._has_ended(run) or run in self._told_there
