"""What a database says of a study's points: which are taken, which are free again, and how they ended."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from optuna.trial import FrozenTrial

from results.run import Run
from search.assignment import Numbers
from search.objective import settled_values
from search.parameters import TrialParams
from search.past import FINAL, content, point_of, read_content, to_be_rerun
from search.record import mark_cut_off
from search.settled import Settled
from search.storage.board import Board
from search.storage.left import is_released, runs_left, told_runs
from search.storage.marks import TOLD, Mark
from search.storage.rows import row_of_runs, told_of
from search.storage.twins import Twins
from search.study import Study


class Points:
    """The points of one machine among several, as far as the database knows of them.

    Attributes:
        taken: The points that are run now or have been, by whomever.
        running: The points that this search runs.
        held: For a point, the trials of other searches that run it or have ended it.
        again: Points to be run again, with what stands for them in the Optuna study.
        closed: Trials of the database that say nothing new any more.
        elsewhere: The points that other machines have settled.
        told: The points whose end this search has told.
        told_there: The values of runs that needn't be run again, of points that others have left.
        valued: Whether another machine has had a value.
    """

    def __init__(
        self, board: Board, folder: Path, study: Study, twins: Twins, numbers: Numbers, done: Settled
    ) -> None:
        """Know of no point yet.

        Args:
            board: The study in the database.
            folder: The study's directory.
            study: What is searched.
            twins: The trials of the database in memory.
            numbers: What numbers the runs have.
            done: What the study's directory has.
        """
        self.taken: set[str] = set()
        self.running: set[str] = set()
        self.held: dict[str, set[int]] = {}
        self.again: dict[str, TrialParams] = {}
        self.closed: set[int] = set()
        self.elsewhere: set[str] = set()
        self.told: set[str] = set()
        self.told_there: dict[str, tuple[float, ...] | None] = {}
        self.valued = False
        self._board, self._folder, self._study = board, folder, study
        self._twins, self._numbers, self._done = twins, numbers, done

    @property
    def compares(self) -> bool:
        """Whether somebody reads intermediate values: the pruners of other machines."""
        return self._study.pruner is not None

    def read(self) -> None:
        """Learn from the trials that are new in the database, or have changed there."""
        lost = []
        for trial in self._board.look():
            mark = Mark.of(trial)
            if mark is None or trial._trial_id in self.closed:
                continue
            mine = mark.owner == self._board.owner
            if mine and trial._trial_id in self._twins:
                continue  # this search has told it itself
            if mine and is_released(trial, {}):
                self.closed.add(trial._trial_id)
            elif mine and not trial.state.is_finished():
                lost.append(trial._trial_id)
            else:
                self._take_in(trial, mark)
        for trial_id in lost:  # last, since each look shows what has ended only once
            # The claim was written, but the answer never came: nothing runs there, and its point has been
            # claimed again by another trial, or will be.
            if self._board.release(trial_id):
                self.closed.add(trial_id)

    def _take_in(self, trial: FrozenTrial, mark: Mark) -> None:
        """Learn from a trial of another search, or one of this search's own that was written as ended."""
        values, _ = read_content(mark.key)
        for repeat, number in mark.numbers.items():
            self._numbers.take(content(values, int(repeat)), number)
        if self._study.allow_duplicates:
            self._done.key(point_of(mark.key, self._study) or {}, mark.key)
        self._twins.take_in(trial, self.compares)
        self._remember_told(trial, mark)
        if trial.state.is_finished():
            self.closed.add(trial._trial_id)
            if is_released(trial, self._study.rerun):
                self._free(trial, mark)
                return
            if mark.key not in self.told and len(self._done.finals(mark.key)) < self._study.repeats:
                self.elsewhere.add(mark.key)
                self.valued |= bool(trial.values)
        self.held.setdefault(mark.key, set()).add(trial._trial_id)
        self.taken.add(mark.key)
        self.again.pop(mark.key, None)

    def _remember_told(self, trial: FrozenTrial, mark: Mark) -> None:
        values, _ = read_content(mark.key)
        for repeat, found in told_runs(trial, mark, self._study.rerun).items():
            self.told_there[content(values, repeat)] = found

    def _free(self, trial: FrozenTrial, mark: Mark) -> None:
        """Have a point run again that was begun, unless another trial has it, or this search itself."""
        held = self.held.get(mark.key, set())
        held.discard(trial._trial_id)
        if held or mark.key in self.running or mark.key in self.told:
            return
        self.taken.discard(mark.key)
        if point_of(mark.key, self._study) is not None:
            self.again[mark.key] = dict(trial.params)

    def release_dead(self) -> None:
        """Take over the points of machines that give no sign of life."""
        for trial, mark in self._board.running():
            if trial._trial_id not in self.closed and self._board.is_dead(trial, mark):
                self._release(trial, mark)

    def _release(self, trial: FrozenTrial, mark: Mark) -> None:
        left = runs_left(self._folder, mark)
        rerun = self._study.rerun
        runs = [run for run in left if run.status in FINAL and not to_be_rerun(run.status, run.start, rerun)]
        if len(runs) == self._study.repeats:
            self._adopt(trial, runs)
            return
        if not self._board.release(trial._trial_id):
            return  # it has ended just now
        self.closed.add(trial._trial_id)
        if trial._trial_id in self._twins:
            self._twins.tell(trial._trial_id, None)
        self._free(trial, mark)
        values, _ = read_content(mark.key)
        for run in runs:
            found = settled_values(run, self._study.metric, self._study.also)
            self.told_there[content(values, run.record.get("repeat", 0))] = found
        mark_cut_off(self._folder, [run.path.name for run in left if not run.outcome])

    def _adopt(self, trial: FrozenTrial, runs: Sequence[Run]) -> None:
        """Write down how a trial has ended whose search was killed before it could do that."""
        ended = self._done.ended_trial(runs, dict(trial.params))
        if self._study.repeats > 1:
            self._board.note(trial._trial_id, TOLD, told_of(runs, self._study))
        self._board.finish(trial._trial_id, ended.state, ended.values, runs[-1].status, lambda: None)
        self.closed.add(trial._trial_id)
        self._twins.tell(trial._trial_id, ended)

    def bring_up(self, key: str, runs: Sequence[Run], params: TrialParams) -> None:
        """Let the database know of a point that the run directories know to be done."""
        ended = self._done.ended_trial(runs, params)
        for trial, mark in self._board.running():
            closed = trial._trial_id in self.closed
            if mark.key == key and not closed and self._board.is_dead(trial, mark):
                self._adopt(trial, runs)
        self.elsewhere.discard(key)
        if key in self.taken:
            return
        self.taken.add(key)
        self.again.pop(key, None)
        begun = max((run.start for run in runs if run.start is not None), default=datetime.now(UTC))
        mark = Mark(key, self._board.owner, self.numbers_of(key), begun)
        row = row_of_runs(self._study, ended, runs, mark, self.compares)
        self._twins.add(row)
        trial_id = self._board.add(row)
        self.closed.add(trial_id)

    def numbers_of(self, key: str) -> dict[str, int]:
        """The numbers of a point's runs, by repeat."""
        numbers = {}
        for run in self._done.keys(key):
            numbers[str(read_content(run)[1])] = number = self._numbers.of(run)
            self._numbers.take(run, number)
        return numbers
