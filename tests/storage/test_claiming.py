"""Who gets which point of a shared study, and what each search learns of the others."""

from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy
from optuna.trial import TrialState

from results.status import Status
from search.objective import Verdict
from search.pruners import read_pruner
from search.storage.connection import Lock, Unreachable
from tests.storage.schedules import GOOD, Clock, Join, begin, content
from tests.storage.support import trials


@pytest.mark.parametrize("sampler", ["grid", "random", "tpe", "qmc", "keras-tuner:bayesian"])
def test_no_two_machines_get_one_point(sampler: str, join: Join, clock: Clock, database: str) -> None:
    one, two = join("one", sampler=sampler), join("two", sampler=sampler)
    points, dealt = [], []
    for turn in range(6):
        found = begin((one, two)[turn % 2])
        points.append(content(found))
        dealt.append(found.number)
        if turn != 2:
            (one, two)[turn % 2].tell(found, GOOD)
    assert len(set(points)) == 6
    assert dealt == list(range(6))
    clock.now += 3
    assert two.next() is None
    assert two.waiting  # for the third, which the first machine still runs
    assert two.elsewhere == 2
    assert one.next() is None
    assert one.elsewhere == 3


def test_a_sampler_learns_from_the_trials_of_the_other_machine(join: Join, clock: Clock) -> None:
    one, two = join("one", sampler="tpe"), join("two", sampler="tpe")
    first, second = begin(one), begin(one)
    one.tell(first, GOOD)
    mine = begin(two)
    there = two.engine.get_trials(deepcopy=False)
    assert [trial.state for trial in there] == [TrialState.COMPLETE, TrialState.RUNNING, TrialState.RUNNING]
    one.tell(second, Verdict(Status.FAILED, "broken", None))
    two.tell(mine, GOOD)
    begin(two)
    assert [trial.values for trial in two.engine.get_trials(deepcopy=False)][:3] == [[0.5], None, [0.5]]


def test_a_claim_whose_answer_was_lost_is_made_again(
    join: Join, clock: Clock, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = join("one", sampler="tpe")

    def lost(lock: Lock) -> None:
        raise sqlalchemy.exc.OperationalError("", {}, Exception("the server was restarted"))

    with monkeypatch.context() as patched:
        patched.setattr(Lock, "check", lost)
        assert one.next() is None
        assert one.waiting
    found = begin(one)
    assert found.number == 0
    there = trials(database)
    assert [trial.state for trial in there] == [TrialState.FAIL, TrialState.RUNNING]
    assert there[0].params == there[1].params
    points = {content(found)} | {content(begin(one)) for _ in range(5)}
    assert len(points) == 6


@pytest.mark.parametrize("ended", [True, False])
def test_a_claim_that_optuna_has_written_twice_is_run_once(
    ended: bool, join: Join, clock: Clock, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = join("one"), join("two")
    create = one._board._storage.create_new_trial

    def twice(*asked: Any) -> int:  # as after an answer that was lost
        create(*asked)
        return create(*asked)

    with monkeypatch.context() as patched:
        patched.setattr(one._board._storage, "create_new_trial", twice)
        found = begin(one)
    points = [content(found)]
    if ended:
        one.tell(found, GOOD)
    for turn in range(5):
        other = begin((one, two)[turn % 2])
        points.append(content(other))
        (one, two)[turn % 2].tell(other, GOOD)
    if not ended:
        one.tell(found, GOOD)
    clock.now += 3
    assert one.next() is None
    assert two.next() is None
    assert len(set(points)) == 6
    states = [trial.state for trial in trials(database)]
    assert states == [TrialState.FAIL, *[TrialState.COMPLETE] * 6]


def test_what_others_have_ended_is_known_though_a_lost_claim_cannot_be_released(
    join: Join, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*asked: Any) -> None:
        raise Unreachable("the server was restarted")

    one, two = join("one"), join("two")
    with monkeypatch.context() as patched:
        patched.setattr(Lock, "check", lost)
        assert one.next() is None
    theirs = begin(two)
    two.tell(theirs, GOOD)
    clock.now += 3
    with monkeypatch.context() as patched:
        patched.setattr(one._board, "release", lost)
        assert one.next() is None
    points = {content(begin(one)) for _ in range(5)}
    assert len(points | {content(theirs)}) == 6


def test_at_its_end_a_search_asks_the_database_seldom(
    join: Join, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = join("one")
    for _ in range(5):
        one.tell(begin(one), GOOD)
    last = begin(one)
    looks: list[int] = []
    look = one._board.look
    monkeypatch.setattr(one._board, "look", lambda: looks.append(1) or look())
    for _ in range(10):
        assert one.next() is None
    assert len(looks) == 1
    one.tell(last, GOOD)
    assert one.next() is None
    assert not one.waiting


def test_a_search_that_ends_gives_its_points_back(join: Join, clock: Clock, database: str) -> None:
    one, two = join("one"), join("two")
    left = begin(one)
    one.close()
    assert content(begin(two)) == content(left)
    assert [trial.state for trial in trials(database)] == [TrialState.FAIL, TrialState.RUNNING]


def test_pruners_compare_the_trials_of_all_machines(join: Join, clock: Clock, database: str) -> None:
    pruner = read_pruner("median:n_startup_trials=2")
    one, two = join("one", pruner=pruner), join("two", pruner=pruner)
    for value in (1.0, 2.0):
        good = begin(one)
        assert not one.report(good, 1, {"val_loss": value})
        one.tell(good, replace(GOOD, value=value))
    bad = begin(two)
    assert two.report(bad, 1, {"val_loss": 9.0})
    assert trials(database)[-1].intermediate_values == {1: 9.0}
    two.tell(bad, Verdict(Status.PRUNED, "given up", 9.0))
    assert trials(database)[-1].state is TrialState.PRUNED


def test_the_rungs_of_successive_halving_are_shared(join: Join, clock: Clock) -> None:
    pruner = read_pruner("asha:min_resource=1,reduction_factor=2")
    one, two = join("one", pruner=pruner), join("two", pruner=pruner)
    for value in (1.0, 2.0):
        good = begin(one)
        one.report(good, 1, {"val_loss": value})
    assert two.report(begin(two), 1, {"val_loss": 9.0})
