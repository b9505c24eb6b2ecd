"""Ends of trials that another search has taken over meanwhile."""

from typing import Any

import pytest
from optuna.trial import FrozenTrial, TrialState

from results.status import Status
from search.assignment import Assignment
from search.objective import Verdict
from search.storage import board
from search.storage.connection import Unreachable
from search.storage.shared import SharedSchedule
from tests.storage.schedules import GOOD, Clock, Join, begin, content, idle
from tests.storage.support import trials


def silent(join: Join, clock: Clock) -> tuple[SharedSchedule, SharedSchedule, Assignment, Assignment]:
    """Two searches, the first of which runs both points and is silent until the second takes it for dead."""
    one, two = join("one", planned=2), join("two", planned=2)
    both = begin(one), begin(one)
    clock.now += 3
    assert two.next() is None
    idle(two, clock)
    return one, two, *both


def test_who_was_taken_for_dead_and_lives_has_its_result_counted(
    join: Join, clock: Clock, database: str
) -> None:
    one, two, slow, slower = silent(join, clock)
    again = begin(two)
    assert content(again) == content(slow)
    one.tell(slow, GOOD)  # the other machine has begun it again: its result there is the other's
    one.tell(slower, GOOD)  # nobody has begun this one again
    clock.now += 3
    assert one.next() is None
    two.tell(again, Verdict(Status.COMPLETED, None, 0.75))
    assert two.next() is None
    states = [(trial.user_attrs["number"], trial.state.name, trial.values) for trial in trials(database)]
    assert states == [
        (0, "FAIL", None),
        (1, "FAIL", None),
        (0, "COMPLETE", [0.75]),
        (1, "COMPLETE", [0.5]),
    ]
    clock.now += 3
    assert one.next() is None
    assert one.elsewhere == 0  # it has run both itself
    assert len(one.engine.get_trials(deepcopy=False)) == 3  # the third is the other's second attempt


def test_an_end_that_was_refused_is_written_once_the_database_is_back(
    join: Join, clock: Clock, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(row: FrozenTrial) -> int:
        raise Unreachable("the server was stopped")

    one, two, slow, slower = silent(join, clock)
    two.tell(begin(two), GOOD)
    one.tell(slower, Verdict(Status.COMPLETED, None, 0.25))
    with monkeypatch.context() as patched:
        patched.setattr(one._board, "add", away)
        assert one.next() is None
    clock.now += 3
    assert one.next() is None
    assert (trials(database)[-1].state, trials(database)[-1].values) == (TrialState.COMPLETE, [0.25])
    one.tell(slow, GOOD)  # the other machine has ended it already
    clock.now += 3
    assert one.next() is None
    assert [trial.state.name for trial in trials(database)] == ["FAIL", "FAIL", "COMPLETE", "COMPLETE"]


def test_a_point_that_a_search_still_runs_is_not_begun_by_it_again(
    join: Join, clock: Clock, database: str
) -> None:
    one, two = join("one", planned=2), join("two", planned=2)
    slow = begin(one)
    two.tell(begin(two), GOOD)
    clock.now += 3
    assert two.next() is None
    idle(two, clock, board.GRACE - 10)
    clock.now += 10
    assert content(begin(two)) == content(slow)
    two.close()  # interrupted, while the first still runs the point
    clock.now += 3
    assert one.next() is None
    one.tell(slow, GOOD)
    clock.now += 3
    assert one.next() is None
    assert [trial.state.name for trial in trials(database)] == ["FAIL", "COMPLETE", "FAIL", "COMPLETE"]


def test_an_end_that_was_refused_is_written_before_the_search_ends(
    join: Join, clock: Clock, database: str
) -> None:
    one, two, _, slower = silent(join, clock)
    two.tell(begin(two), GOOD)
    one.tell(slower, Verdict(Status.COMPLETED, None, 0.25))
    one.close()
    assert (trials(database)[-1].state, trials(database)[-1].values) == (TrialState.COMPLETE, [0.25])
    clock.now += 3
    assert two.next() is None
    assert not two.waiting


@pytest.mark.parametrize("killed", [True, False])
def test_an_end_that_was_refused_counts_where_the_search_that_begins_it_again_does_not_end_it(
    killed: bool, join: Join, clock: Clock, database: str
) -> None:
    one, two, slow, slower = silent(join, clock)
    assert content(begin(two)) == content(slow)
    for late in (slow, slower):
        one.tell(late, GOOD)
    clock.now += 3
    assert one.next() is None
    assert one.waiting
    if killed:
        idle(one, clock)
    else:
        two.close()
    clock.now += 3
    assert one.next() is None
    ended = [(trial.user_attrs["number"], trial.state.name, trial.values) for trial in trials(database)]
    assert ended[2:] == [(0, "FAIL", None), (1, "COMPLETE", [0.5]), (0, "COMPLETE", [0.5])]


def test_nothing_is_said_to_be_lacking_where_another_search_runs_a_point_whose_end_was_refused(
    join: Join, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    one, two, slow, slower = silent(join, clock)
    begin(two)
    for late in (slow, slower):
        one.tell(late, GOOD)
    one.close()
    assert not caplog.records


def test_an_end_that_crosses_the_release_of_its_trial_is_not_lost(
    join: Join, clock: Clock, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = join("one", planned=1), join("two", planned=1)
    slow = begin(one)
    mine, theirs = one._board._storage, two._board._storage
    end, release = mine.set_trial_state_values, theirs.set_trial_state_values

    def cross(trial_id: int, state: TrialState) -> bool:  # each has written its status, not yet its state
        def late(*asked: Any) -> bool:
            assert release(trial_id, state)
            return end(*asked)

        with monkeypatch.context() as patched:
            patched.setattr(mine, "set_trial_state_values", late)
            one.tell(slow, GOOD)
        return True

    clock.now += 3
    assert two.next() is None
    idle(two, clock)
    with monkeypatch.context() as patched:
        patched.setattr(theirs, "set_trial_state_values", cross)
        begin(two)
    two.close()
    three = join("three", planned=1)
    assert content(begin(three)) == content(slow)
    three.close()
    clock.now += 3
    assert one.next() is None
    assert [trial.values for trial in trials(database)] == [None, None, None, [0.5]]
