"""Who counts as dead among the searches that share a study, and what becomes of its points."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import FrozenTrial, TrialState

from results import layout
from results.files import write_json
from results.owner import is_stopped
from results.runs import Epoch, Run, create_run, finish_run
from results.status import Status
from search.past import NOTHING
from search.past import content as key_of
from search.storage import board, heart
from search.storage.connection import Unreachable
from search.storage.marks import Mark, Owner
from tests.faults.support import wait_until
from tests.storage.schedules import GOOD, Clock, Join, begin, content, idle
from tests.storage.support import trials


def test_a_machine_counts_as_dead_when_its_signs_of_life_stop(join: Join, clock: Clock) -> None:
    one, two = join("one"), join("two")
    left = begin(one)
    for _ in range(5):
        two.tell(begin(two), GOOD)
    trial_id = one._claims[left.proposal.asked.number].trial_id
    for beat in range(4):  # alive
        one._board._storage.set_trial_system_attr(trial_id, heart.BEAT, beat)
        idle(two, clock, board.GRACE - 10)
        assert two.waiting
    two._board._lost(Unreachable("away"))  # and so the other machine couldn't give any
    clock.now += 100
    assert two.next() is None
    idle(two, clock)
    clock.now += 10
    again = two.next()
    assert again is not None
    assert (again.number, content(again)) == (left.number, content(left))
    two.tell(again, GOOD)
    clock.now += 3
    assert two.next() is None
    assert not two.waiting


def test_time_in_which_nobody_looks_says_nothing_of_other_machines(
    join: Join, clock: Clock, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = begin(join("one"))
    add = board.Board.add

    def slow(self: board.Board, row: FrozenTrial) -> int:
        clock.now += 2 * board.GRACE
        return add(self, row)

    monkeypatch.setattr(board.Board, "add", slow)
    others = [{**left.values, "a": a} for a in (1, 2, 3) if a != left.values["a"]]
    run = Run(tmp_path, Status.COMPLETED, {}, epochs=(Epoch(1, {"val_loss": 1.0}),))
    two = join("two", replace(NOTHING, finals={key_of(values): run for values in others}))
    begin(two)  # the two rows of its past took minutes
    clock.now += 10 * board.GRACE  # all its slots were full, or the database was away
    begin(two)
    assert [trial.state for trial in trials(database)] == [
        TrialState.RUNNING, TrialState.COMPLETE, TrialState.COMPLETE, TrialState.RUNNING, TrialState.RUNNING,
    ]  # fmt: skip


def test_a_process_of_this_machine_that_has_ended_is_dead_at_once(join: Join, clock: Clock) -> None:
    one, two = join("one"), join("two")
    one._board.owner = replace(Owner(), pid=2**22 + 1)  # no process has this number
    two._board.owner = Owner()
    left = begin(one)
    assert content(begin(two)) == content(left)


def test_a_search_of_this_process_lives_until_it_is_closed_however_long_it_is_silent(
    join: Join, clock: Clock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def away(*asked: Any) -> None:
        raise optuna.exceptions.StorageInternalError("the server was stopped")

    one, two = join("one"), join("two")
    one._board.owner, two._board.owner = Owner(), Owner()
    left = begin(one)
    for _ in range(5):
        two.tell(begin(two), GOOD)
    idle(two, clock, 3 * board.GRACE)
    assert two.waiting
    with monkeypatch.context() as patched:
        patched.setattr(one._board._storage, "set_trial_user_attr", away)
        one.close()
    assert "the next search brings it up to date" in caplog.text
    one._board._unwritten.clear()  # so that it may be closed again
    assert content(begin(two)) == content(left)


def test_what_a_search_could_not_write_is_written_by_the_next_one_of_its_process(
    join: Join, clock: Clock, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*asked: Any) -> None:
        raise optuna.exceptions.StorageInternalError("the server was stopped")

    one = join("one", planned=1)
    one._board.owner = Owner()
    done = begin(one)
    with monkeypatch.context() as patched:
        patched.setattr(one._board._storage, "set_trial_state_values", away)
        one.tell(done, GOOD)
        one.close()
    one._board._unwritten.clear()  # so that it may be closed again
    run = Run(tmp_path, Status.COMPLETED, {}, epochs=(Epoch(1, {"val_loss": 0.5}),))
    two = join("two", replace(NOTHING, finals={key_of(done.values): run}), planned=1)
    assert two.next() is None
    assert not two.waiting
    assert [(trial.state, trial.values) for trial in trials(database)] == [(TrialState.COMPLETE, [0.5])]


@pytest.mark.skipif(sys.platform != "linux", reason="no other system tells what its processes do")
def test_a_process_of_this_machine_that_lives_is_dead_when_it_is_silent_unless_it_is_stopped(
    join: Join, clock: Clock
) -> None:
    one, two = join("one"), join("two")
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as notebook:
        one._board.owner, two._board.owner = replace(Owner(), pid=notebook.pid), Owner()
        left = begin(one)
        for _ in range(5):
            two.tell(begin(two), GOOD)
        os.kill(notebook.pid, signal.SIGSTOP)
        wait_until(lambda: is_stopped(notebook.pid), "the process to stop")
        idle(two, clock, 3 * board.GRACE)
        assert two.waiting
        os.kill(notebook.pid, signal.SIGCONT)
        wait_until(lambda: not is_stopped(notebook.pid), "the process to go on")
        idle(two, clock)
        clock.now += 10
        assert content(begin(two)) == content(left)
        notebook.kill()


def test_where_the_system_names_no_boot_signs_of_life_decide() -> None:
    nameless = Owner(pid=2**22 + 1, space="")
    assert Mark("{}", nameless, {}).lives(Owner(space="")) is None


@pytest.mark.skipif(sys.platform != "linux", reason="no other system says which boot this is")
def test_process_numbers_of_two_machines_of_one_name_are_told_apart() -> None:
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert boot in Owner().space


def test_signs_of_life_are_given_while_a_trial_runs(
    join: Join, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heart, "INTERVAL", 0.02)
    one = join("one")
    found = begin(one)
    wait_until(lambda: trials(database)[0].system_attrs.get(heart.BEAT, 0) > 2, "signs of life")
    one.tell(found, GOOD)
    assert not one._board._heart._trials


def test_no_signs_of_life_are_given_to_a_study_that_is_made_anew(join: Join, database: str) -> None:
    one = join("one")
    begin(one)
    optuna.delete_study(study_name="s", storage=database)
    begin(join("two"))
    one._board._heart._beat(7)
    assert heart.BEAT not in trials(database)[0].system_attrs
    one._claims.clear()  # so that it may be closed


def test_a_dead_machines_bad_end_is_run_again_where_that_is_asked_for(join: Join, clock: Clock) -> None:
    one = join("one")
    one._board.owner = replace(Owner(), pid=2**22 + 1)  # gone
    left = begin(one)
    run = create_run(Path("nowhere"), {"number": left.number})
    record = json.loads((run / layout.RUN).read_text())
    write_json(run / layout.RUN, {**record, "pid": one._board.owner.pid})
    finish_run(run, status=Status.FAILED)
    two = join("two", rerun={Status.FAILED: datetime.now(UTC)})
    assert content(begin(two)) == content(left)


def test_signs_of_life_are_given_until_the_end_is_written(
    join: Join, clock: Clock, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*asked: Any) -> None:
        raise optuna.exceptions.StorageInternalError("the server was stopped")

    one = join("one")
    found = begin(one)
    with monkeypatch.context() as patched:
        patched.setattr(one._board._storage, "set_trial_state_values", away)
        one.tell(found, GOOD)
    assert one._board._heart._trials
    begin(one)
    assert trials(database)[0].state is TrialState.COMPLETE
    assert len(one._board._heart._trials) == 1  # the second trial's
