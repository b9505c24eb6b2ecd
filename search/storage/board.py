"""A study's trials in a database, as one search sees them: claimed, told, and watched for signs of life."""

import logging
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import FrozenTrial, TrialState

from results.owner import is_stopped
from results.status import Status
from search.quiet import quiet_optuna
from search.storage.address import StorageError
from search.storage.connection import LOCK_SECONDS, MADE, Busy, Connection, Lock, Unreachable, study_lock_name
from search.storage.heart import BEAT, INTERVAL, Heart
from search.storage.marks import RELEASED, STATUS, Mark, Owner

GRACE = 60.0  # seconds without a sign of life after which a machine counts as dead
LONGEST_GAP = INTERVAL  # so much of the time between two looks counts
LONGEST_PAUSE = 20.0  # seconds between two attempts to reach the database

_log = logging.getLogger(__name__)
_open: "set[Board]" = set()  # those of this process


class Board:
    """One search's view of a study in a database.

    Attributes:
        owner: Who this search is.
        away: Whether the database couldn't be reached when it was last tried.
    """

    def __init__(self, connection: Connection, name: str) -> None:
        """Open a study that is there.

        Raises:
            Unreachable: The database doesn't answer.
            StorageError: The study has been deleted from it.
        """
        self.owner = Owner()
        self.away = False
        self._connection, self._name, self._storage = connection, name, connection.storage
        with connection.reaching(), quiet_optuna():
            try:
                self._study_id = self._storage.get_study_id_from_name(name)
                self._made = self._storage.get_study_system_attrs(self._study_id).get(MADE)
                self._study = optuna.load_study(study_name=name, storage=self._storage)
            except KeyError:
                raise self._deleted() from None
        self._pause, self._next_try, self._inside = 1.0, 0.0, False
        self._unwritten: deque[Callable[[], object]] = deque()
        self._read, self._unended = 0, dict[int, FrozenTrial]()
        self._beats: dict[int, tuple[object, float]] = {}  # each sign of life, and the silence since
        self._looked = 0.0
        self._heart = Heart(connection, self._is_there)
        self._heart.start()
        _open.add(self)

    @contextmanager
    def turn(self, seconds: float = LOCK_SECONDS) -> Iterator[Lock]:
        """The right to claim: no other machine has it meanwhile. What wasn't written yet is written first.

        Args:
            seconds: How long to wait for it.

        Raises:
            Busy: Another machine has it for longer.
            Unreachable: The database doesn't answer; it isn't tried more often than it makes sense.
            StorageError: The study has been deleted from it.
        """
        with self._contact(), self._connection.lock(study_lock_name(self._name), seconds) as lock:
            self._write()
            yield lock

    def look(self) -> list[FrozenTrial]:
        """The trials that are new or have changed since the last look, in their order.

        Raises:
            Unreachable: The database doesn't answer.
            StorageError: The study has been deleted from it.
        """
        with self._contact():
            self._check()
            trials = self._study.get_trials(deepcopy=False)
        found = [trials[number] for number in self._unended] + trials[self._read :]
        self._read = len(trials)
        self._unended = {trial.number: trial for trial in found if not trial.state.is_finished()}
        now = time.monotonic()
        # Between looks that are far apart this search was stopped, or the database away: who knows.
        gap, self._looked = min(now - self._looked, LONGEST_GAP), now
        before, self._beats = self._beats, {}
        for trial in self._unended.values():
            beat = trial.system_attrs.get(BEAT)
            seen = before.get(trial.number)
            silent = seen[1] + gap if seen is not None and seen[0] == beat else 0.0
            self._beats[trial.number] = (beat, silent)
        return found

    def running(self) -> list[tuple[FrozenTrial, Mark]]:
        """The trials of other searches that hadn't ended at the last look."""
        found = [(trial, Mark.of(trial)) for trial in self._unended.values()]
        return [(trial, mark) for trial, mark in found if mark and mark.owner.token != self.owner.token]

    def is_dead(self, trial: FrozenTrial, mark: Mark) -> bool:
        """Whether whoever runs a trial is gone.

        A process of this machine is looked at: a search dies with it, one of this very process when it is
        closed. Any other is dead where its sign of life hasn't changed for `GRACE` seconds in which this
        search looked and the database could be reached, so that no clocks are compared. One that is seen to
        be stopped will go on, and its silence counts from then.
        """
        lives = mark.lives(self.owner)
        if lives is False:
            return True
        if lives and mark.owner.pid == self.owner.pid:
            boards = tuple(_open)  # a search in another thread may begin or end meanwhile
            return all(board.owner.token != mark.owner.token for board in boards)
        beat, silent = self._beats.get(trial.number, (None, 0.0))
        if lives and is_stopped(mark.owner.pid):
            self._beats[trial.number] = (beat, 0.0)
            return False
        return silent > GRACE

    def claim(self, template: FrozenTrial, lock: Lock) -> int:
        """Write down that this search runs a point; return the trial's id there.

        Raises:
            Unreachable: It is not known whether it was written. If it was, the next look shows a trial of
                this search's own that it knows nothing of.
        """
        with self._contact():
            trial_id = self._storage.create_new_trial(self._study_id, template)
            lock.check()
        self._heart.add(trial_id)
        return trial_id

    def add(self, template: FrozenTrial) -> int:
        """Write down a point that has ended; return the trial's id there.

        Raises:
            Unreachable: It is not known whether it was written.
        """
        with self._contact():
            return self._storage.create_new_trial(self._study_id, template)

    def note(self, trial_id: int, name: str, value: object) -> None:
        """Have a user attribute written, now or once the database is back."""
        self._later(lambda: self._storage.set_trial_user_attr(trial_id, name, value))

    def report(self, trial_id: int, step: int, value: float, marks: Mapping[str, Any]) -> None:
        """Have a value written that a pruner goes by, and what the pruner has made of it."""
        self._later(
            partial(self._storage.set_trial_intermediate_value, trial_id, step, value),
            *(partial(self._storage.set_trial_system_attr, trial_id, *mark) for mark in marks.items()),
        )

    def finish(
        self, trial_id: int, state: TrialState, values: Sequence[float] | None, status: Status,
        refused: Callable[[], object],
    ) -> None:  # fmt: skip
        """Have it written how a trial has ended, now or once the database is back.

        Args:
            trial_id: Its id there.
            state: Optuna's word.
            values: Its values, if it has any.
            status: gridruns' word.
            refused: Called if there is an end already: another machine took this search for dead.
        """

        def write() -> None:
            try:
                self._storage.set_trial_user_attr(trial_id, STATUS, status.value)
                self._storage.set_trial_state_values(trial_id, state, values)
            except UpdateFinishedTrialError:
                refused()
            self._heart.remove(trial_id)  # not before: others would take a trial without an end for left

        self._later(write)

    def give_back(self, trial_id: int) -> None:
        """Have a trial of this search marked that it no longer runs, so that its point is run again."""
        self.finish(trial_id, TrialState.FAIL, None, Status.INTERRUPTED, lambda: None)

    def release(self, trial_id: int) -> bool:
        """Mark a trial of a dead machine, so that its point is run again; false where it has ended meanwhile.

        Raises:
            Unreachable: The database doesn't answer.
        """
        with self._contact():
            try:
                self._storage.set_trial_system_attr(trial_id, RELEASED, True)
                self._storage.set_trial_user_attr(trial_id, STATUS, Status.INTERRUPTED.value)
                return self._storage.set_trial_state_values(trial_id, TrialState.FAIL)
            except UpdateFinishedTrialError:
                return False

    def trial(self, trial_id: int) -> FrozenTrial:
        """A trial as it is there now.

        Raises:
            Unreachable: The database doesn't answer.
        """
        with self._contact():
            return self._storage.get_trial(trial_id)

    def close(self) -> int:
        """Try once more to write what isn't written, and return how much that still is."""
        self._next_try = 0.0
        try:
            with suppress(Unreachable), self._contact():
                self._write()
        finally:
            self._heart.stop()
            _open.discard(self)
        return len(self._unwritten)

    def _later(self, *writes: Callable[[], object]) -> None:
        self._unwritten += writes
        with suppress(Unreachable), self._contact():
            self._write()

    def _write(self) -> None:
        if self._unwritten:
            self._check()
        while self._unwritten:
            # Each is repeated until it is known to be done; done twice, it changes nothing.
            with suppress(UpdateFinishedTrialError):
                self._unwritten[0]()
            self._unwritten.popleft()

    @contextmanager
    def _contact(self) -> Iterator[None]:
        """Reach the database, or learn that it is away: after a failure it is left alone for a while."""
        if self._inside:
            with self._connection.reaching():
                yield
            return
        if self.away and time.monotonic() < self._next_try:
            raise Unreachable("not tried again yet")
        self._inside = True
        try:
            with self._connection.reaching():
                yield
        except Busy:
            raise  # the database is there
        except Unreachable as error:
            self._lost(error)
            raise
        except KeyError:
            with self._connection.reaching():
                there = self._is_there()
            if there:
                raise
            raise self._deleted() from None
        finally:
            self._inside = False
        if self.away:
            self.away, self._pause = False, 1.0
            _log.warning("the database is back")

    def _check(self) -> None:
        """Write nothing into another study, whose trials may have the numbers that this one's had."""
        if not self._is_there():
            raise self._deleted()

    def _is_there(self) -> bool:
        try:
            return self._storage.get_study_system_attrs(self._study_id).get(MADE) == self._made
        except KeyError:
            return False

    def _deleted(self) -> StorageError:
        return StorageError(f"storage: the study {self._name!r} is no longer in the database")

    def _lost(self, error: Unreachable) -> None:
        if not self.away:
            _log.warning(
                "the database can't be used (%s): running trials go on, new ones wait until it is back", error
            )
        self.away = True
        self._beats.clear()  # whoever gave no sign meanwhile couldn't
        self._next_try = time.monotonic() + self._pause
        self._pause = min(2 * self._pause, LONGEST_PAUSE)
