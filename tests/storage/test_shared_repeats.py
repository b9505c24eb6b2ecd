"""Repeats of a point whose searches share a study."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from optuna.trial import FrozenTrial, TrialState

from results.runs import Epoch, Run
from results.status import Status
from search.engine import study_sampler
from search.grid import GridSampler
from search.objective import Verdict
from search.past import NOTHING
from search.past import content as key_of
from search.storage.connection import Unreachable
from search.storage.marks import Owner
from search.study import Study
from tests.storage.schedules import GOOD, Clock, Join, begin, idle
from tests.storage.support import trials


def test_the_repeats_that_have_not_begun_are_undealt(join: Join, clock: Clock) -> None:
    one = join("one", repeats=3, planned=6)
    left = [one.undealt]
    for _ in range(6):
        begin(one)
        left.append(one.undealt)
    assert left == [6, 5, 4, 3, 2, 1, 0]


def test_a_repeat_that_is_missing_here_gets_the_number_of_its_place(
    join: Join, clock: Clock, model: Study, tmp_path: Path
) -> None:
    sampler = study_sampler(model)
    assert isinstance(sampler, GridSampler)
    first = key_of(model.values(sampler.place(0)[1]))
    run = Run(tmp_path, Status.COMPLETED, {}, epochs=(Epoch(1, {"val_loss": 1.0}),))
    past = replace(NOTHING, finals={first: run}, numbers={first: 0}, next_number=1)
    one = join("one", past, repeats=2, planned=12)
    found = begin(one)
    assert (found.number, found.repeat) == (1, 1)


def test_of_a_point_with_repeats_only_the_missing_ones_are_run_again(
    join: Join, clock: Clock, database: str
) -> None:
    one, two = join("one", repeats=3, planned=3), join("two", repeats=3, planned=3)
    first, second = begin(one), begin(one)
    one.tell(first, GOOD)
    one.tell(second, Verdict(Status.FAILED, "broken", None))
    clock.now += 3
    assert two.next() is None
    idle(two, clock)
    last = begin(two)
    assert (last.repeat, last.number) == (2, 2)
    two.tell(last, Verdict(Status.COMPLETED, None, 1.0))
    clock.now += 3
    assert two.next() is None
    assert trials(database)[-1].values == [0.75]


def test_repeats_that_failed_elsewhere_are_run_again_where_that_is_asked_for(
    join: Join, clock: Clock, database: str
) -> None:
    one = join("one", repeats=2, planned=2)
    one.tell(begin(one), Verdict(Status.FAILED, "broken", None))
    one.tell(begin(one), GOOD)
    asked = {Status.FAILED: datetime.now(UTC)}
    two = join("two", repeats=2, planned=2, rerun=asked)
    again = begin(two)
    assert (again.repeat, again.number) == (0, 0)
    two.tell(again, Verdict(Status.COMPLETED, None, 1.0))
    for schedule in (two, one, join("three", repeats=2, planned=2, rerun=asked)):
        clock.now += 3
        assert schedule.next() is None
        assert not schedule.waiting
    assert [trial.values for trial in trials(database)] == [[0.5], [0.75]]


def test_a_point_whose_repeats_have_ended_on_two_machines_is_settled(
    join: Join, clock: Clock, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(row: FrozenTrial) -> int:
        raise Unreachable("the server was stopped")

    one = join("one", repeats=2, planned=2)
    one._board.owner = replace(Owner(), pid=2**22 + 1)  # gone
    first, second = begin(one), begin(one)
    one.tell(first, GOOD)
    # The second ended in this machine's directory, but its search was killed before it could say so.
    there = Run(tmp_path, Status.COMPLETED, {"repeat": 1}, epochs=(Epoch(1, {"val_loss": 1.0}),))
    two = join("two", replace(NOTHING, finals={key_of(second.values, 1): there}), repeats=2, planned=2)
    with monkeypatch.context() as patched:
        patched.setattr(two._board, "add", away)
        assert two.next() is None
        assert two.waiting
    assert TrialState.COMPLETE not in [trial.state for trial in two.engine.get_trials(deepcopy=False)]
    clock.now += 3
    assert two.next() is None
    assert not two.waiting
    assert (trials(database)[-1].state, trials(database)[-1].values) == (TrialState.COMPLETE, [0.75])
    three = join("three", repeats=2, planned=2)
    assert three.next() is None
