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
from itertools import chain
from pathlib import Path

import optuna
from optuna.trial import FrozenTrial, TrialState, create_trial

from results.status import Status
from search.assignment import Assignment
from search.objective import Verdict
from search.parameters import TrialParams, distributions_of
from search.past import Past, content, read_content
from search.sampling import SpaceExhausted
from search.schedule import Schedule
from search.settled import means
from search.storage.board import Board
from search.storage.connection import LOCK_SECONDS, START_SECONDS, Busy, Lock, Unreachable
from search.storage.left import is_released
from search.storage.marks import RUN, STATUS, TOLD, Mark
from search.storage.points import Points
from search.storage.rows import Claim, new_row, one_or_all, told, told_attributes
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
        self._claims: dict[int, Claim] = {}  # by the number in the engine
        self._refused: list[Claim] = []
        self._ready: deque[Assignment] = deque()
        self._exhausted = False
        self._next_look = self._next_curves = 0.0
        super().__init__(study, sampler, past, earlier)
        self._plan = self._done.places(self._grid) if self._grid else None
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
        dealt = self._ready.popleft()
        self._count()
        return dealt

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
                self._points.read()
                self.valued = self._points.valued
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
        self._points.running.discard(claim.key)
        self._points.told.add(claim.key)
        self._points.elsewhere.discard(claim.key)
        claim.row = new_row(ended, {**claim.row.user_attrs, STATUS: verdict.status.value,
                                           RUN: one_or_all(claim.runs, self.study),
                                           **told_attributes(claim.told)},
                                   claim.row.system_attrs, self._points.compares)  # fmt: skip
        self._board.finish(
            claim.trial_id, ended.state, ended.values, verdict.status, lambda: self._refuse(claim)
        )

    def close(self) -> None:
        """Let go of the points that were claimed and haven't ended: other machines may run them at once."""
        try:
            if self._refused:
                with suppress(Unreachable), self._board.turn():
                    self._points.read()
                    self._write_refused()
            for claim in self._claims.values():
                self._board.give_back(claim.trial_id)
        finally:
            self._claims.clear()
            unwritten = self._board.close()
            unwritten += sum(not self._points.held.get(claim.key) for claim in self._refused)
        if unwritten:
            _log.warning(
                "the database lacks the last %d changes; the next search brings it up to date", unwritten
            )

    def _replay(self) -> dict[str, TrialParams]:
        """Bring database and sampler up to date, and find what is to be run again."""
        self._twins = Twins(self.engine)
        self._points = Points(self._board, self._folder, self.study, self._twins, self._numbers, self._done)
        with self._board.turn(START_SECONDS) as lock:
            self._points.read()
            for place, key, params in self._done.known():
                runs = self._done.finals(key)
                self.settled += runs
                self._places[key] = place
                if len(runs) == self.study.repeats:
                    self._points.bring_up(key, runs, params)
                    lock.check()  # and so the server sees that its holder lives
                elif key not in self._points.taken:
                    self._points.again.setdefault(key, params)
            self._points.release_dead()
        self._points.again = dict(
            sorted(self._points.again.items(), key=lambda item: not self._done.ran_out_of_memory(item[0]))
        )
        return {}

    def _count(self) -> None:
        self._points.elsewhere -= {key for key in self._points.elsewhere if key not in self._points.taken}
        self.valued = self._points.valued
        self.elsewhere = len(self._points.elsewhere) * self.study.repeats
        points, repeats = self.study.points, self.study.repeats
        free = None if points is None else max(0, points - len(self._points.taken)) * repeats
        self.undealt = None if free is None else free + len(self._ready)

    def _look(self) -> None:
        """Take in what has changed, and take over what dead machines have left."""
        self._points.read()
        self._points.release_dead()
        self._write_refused()

    def _write_refused(self) -> None:
        """Write down the points whose end was refused, unless others have ended them, or may yet."""
        for claim in list(self._refused):
            held = self._points.held.get(claim.key, set())
            if held and held.isdisjoint(self._points.closed):
                continue
            if not held:
                self._points.closed.add(self._board.add(claim.row))
                self._points.taken.add(claim.key)
                self._points.again.pop(claim.key, None)
            self._refused.remove(claim)

    def _next_point(self) -> tuple[str, list[Assignment]] | None:
        """A point that is free, with its runs; None where there is none now."""
        again = list(self._points.again)
        begun = ((self._places.get(key), key, self._points.again.pop(key)) for key in again)
        for place, key, params in chain(begun, self._plan or ()):
            if key in self._points.taken:
                continue
            runs = list(self._fixed(key, params, place))
            if runs:
                return key, runs
            self._end(key, params)
        points = self.study.points
        if self._plan is not None or self._exhausted:
            return None
        if points is not None and len(self._points.taken) >= points:
            return None
        try:
            asked, point = self._ask()
        except SpaceExhausted:
            self._exhausted = True
            return None
        key = self._done.key(point)
        return key, list(self._runs(key, self._proposal(asked, point)))

    def _end(self, key: str, params: TrialParams) -> None:
        """Write down a point, asked for just now, all of whose runs have ended, on several machines.

        Raises:
            Unreachable: It couldn't be written; the point stays the next to be looked at.
        """
        number = self.engine.get_trials(deepcopy=False)[-1].number
        found = [values for values in self._ended(key) if values is not None]
        ended = create_trial(
            state=TrialState.COMPLETE if found else TrialState.FAIL,
            values=means(found) if found else None,
            params=dict(params),
            distributions=distributions_of(params, self.study.space),
        )
        mark = Mark(key, self._board.owner, self._points.numbers_of(key))
        status = Status.COMPLETED if found else Status.FAILED
        row = new_row(ended, {STATUS: status.value}, mark.attributes(), False)
        try:
            trial_id = self._board.add(row)
        except Unreachable:
            self._put_back(number, key, params)
            raise
        self._tell(number, found)
        self._points.closed.add(trial_id)
        self._points.taken.add(key)

    def _put_back(self, number: int, key: str, params: TrialParams) -> None:
        """Let a point that couldn't be written be the next."""
        self.engine.tell(number, state=TrialState.FAIL)
        self._points.again = {key: params, **self._points.again}

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
            self._put_back(asked.number, key, dict(twin.params))
            values, _ = read_content(key)
            for run in runs:
                self._numbers.take(content(values, run.repeat), run.number)
            raise
        self._twins.own(trial_id, asked.number)
        self._claims[asked.number] = Claim(key, trial_id, row)
        self._points.taken.add(key)
        self._points.running.add(key)
        self._ready.extend(runs)
        # Optuna itself tries again where no answer came, so that there may be two trials: the first is
        # released before any other machine can look.
        self._points.read()

    def _refuse(self, claim: Claim) -> None:
        """Learn that the end of a trial couldn't be written, since it has one in the database already."""
        there = self._board.trial(claim.trial_id)
        if is_released(there, self.study.rerun):  # by a machine that took this one for dead
            self._refused.append(claim)
            self._next_look = 0.0

    def _ended(self, key: str) -> list[tuple[float, ...] | None]:
        there = [
            run
            for run in self._done.keys(key)
            if run in self._points.told_there and run not in self._past.finals
        ]
        return super()._ended(key) + [self._points.told_there[run] for run in there]

    def _has_ended(self, run: str) -> bool:
        return super()._has_ended(run) or run in self._points.told_there
