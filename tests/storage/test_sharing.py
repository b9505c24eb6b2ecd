"""Two searches' schedules on one database, without processes: who gets which point, and what each learns."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import optuna
import pytest
import sqlalchemy
from optuna.trial import FrozenTrial, TrialState

from results import layout
from results.files import write_json
from results.owner import is_stopped
from results.runs import Epoch, Run, create_run, finish_run
from results.status import Status
from search import tuning_run
from search.assignment import Assignment
from search.engine import study_sampler
from search.grid import GridSampler
from search.objective import Verdict
from search.past import NOTHING, Past
from search.past import content as key_of
from search.pruners import read_pruner
from search.script import Entry
from search.storage import board, heart
from search.storage.address import StorageError
from search.storage.connection import Busy, Lock, Unreachable
from search.storage.left import is_released, runs_left
from search.storage.link import opened_link
from search.storage.marks import Mark, Owner
from search.storage.shared import SharedSchedule
from search.study import Study
from search.study_file import load, read_raw
from tests.faults.support import wait_until
from tests.storage.support import trials

GRID = {"a": [1, 2, 3], "b": [1, 2]}
GOOD = Verdict(Status.COMPLETED, None, 0.5)


class Clock:
    """Stands for the module `time` where signs of life are watched."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr("search.storage.board.time", made)
    monkeypatch.setattr("search.storage.shared.time", made)
    return made


@pytest.fixture
def database(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/studies.db"


@pytest.fixture
def model(folder: Path) -> Study:
    """A study of six points, as study.json has it."""
    tuning_run("train.py", GRID, trials=1, study="s", runs_dir="model", seed=3, arguments=["--seconds", "0"],
               quiet=True)  # fmt: skip
    return replace(load(Path("model/s"), read_raw(Path("model/s"))), planned=6)


@pytest.fixture
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Move this process to a time zone (POSIX, so that no data are needed)."""

    def move(name: str) -> None:
        monkeypatch.setenv("TZ", name)
        time.tzset()

    yield move
    monkeypatch.undo()
    time.tzset()


Join = Callable[..., SharedSchedule]


@pytest.fixture
def join(database: str, model: Study) -> Iterator[Join]:
    """Make the schedule of a machine; each is on another host unless it is told where."""
    with ExitStack() as held:

        def make(host: str, past: Past = NOTHING, **changed: Any) -> SharedSchedule:
            study = replace(model, **changed)
            link = held.enter_context(opened_link(database))
            assert link is not None
            study = link.agree(study, seed_is_drawn=False)
            made = link.schedule(study, study_sampler(study), past, (), Path("nowhere"))
            assert isinstance(made, SharedSchedule)
            made._board.owner = Owner(host=host)
            held.callback(made.close)
            return made

        yield make


def begin(schedule: SharedSchedule) -> Assignment:
    """Take the next trial and begin it."""
    clock = getattr(board.time, "now", None)
    if clock is not None:
        board.time.now += 3  # type: ignore[attr-defined]  # long enough for another look
    found = schedule.next()
    assert found is not None
    schedule.started(found, Path(f"run-{found.number}-{found.attempt}"))
    return found


def idle(schedule: SharedSchedule, clock: Clock, seconds: float = board.GRACE) -> None:
    """Let time go by in which a search has nothing to begin, but looks."""
    while seconds > 0:
        clock.now += min(seconds, 10.0)
        seconds -= 10.0
        assert schedule.next() is None


def content(found: Assignment) -> tuple[Any, Any]:
    return (found.values["a"], found.values["b"])


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


def test_who_was_taken_for_dead_and_lives_has_its_result_counted(
    join: Join, clock: Clock, database: str
) -> None:
    one, two = join("one", planned=2), join("two", planned=2)
    slow, slower = begin(one), begin(one)
    clock.now += 3
    assert two.next() is None
    idle(two, clock)
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

    one, two = join("one", planned=2), join("two", planned=2)
    slow, slower = begin(one), begin(one)
    clock.now += 3
    assert two.next() is None
    idle(two, clock)
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
    one, two = join("one", planned=2), join("two", planned=2)
    begin(one)
    slower = begin(one)
    clock.now += 3
    assert two.next() is None
    idle(two, clock)
    two.tell(begin(two), GOOD)
    one.tell(slower, Verdict(Status.COMPLETED, None, 0.25))
    one.close()
    assert (trials(database)[-1].state, trials(database)[-1].values) == (TrialState.COMPLETE, [0.25])
    clock.now += 3
    assert two.next() is None
    assert not two.waiting


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


def test_times_of_machines_in_other_zones_are_compared_as_they_are(
    join: Join, database: str, tmp_path: Path, zone: Callable[[str], None]
) -> None:
    zone("EAST-9")
    one = join("one")
    found = begin(one)
    run = create_run(tmp_path / "s", {"number": found.number})
    write_json(run / layout.RUN, {"number": found.number, "host": "one", "pid": one._board.owner.pid})
    (trial,) = trials(database)
    mark = Mark.of(trial)
    assert mark is not None
    before = datetime.now(UTC) - timedelta(hours=1)
    one.tell(found, Verdict(Status.FAILED, "broken", None))
    (ended,) = trials(database)
    for name in ("EAST-9", "UTC", "WEST8"):
        zone(name)
        assert [left.path for left in runs_left(tmp_path / "s", mark)] == [run], name
        assert not is_released(ended, {Status.FAILED: before}), name
        assert is_released(ended, {Status.FAILED: datetime.now(UTC)}), name


def test_a_study_that_is_deleted_from_the_database_is_one_line(
    join: Join, clock: Clock, database: str
) -> None:
    one = join("one")
    found = begin(one)
    optuna.delete_study(study_name="s", storage=database)
    for ending in (lambda: one.tell(found, GOOD), one.close):
        with pytest.raises(StorageError, match="the study 's' is no longer in the database"):
            ending()
    assert not one._board._heart._thread.is_alive()
    one._board._unwritten.clear()  # so that it may be closed again


def test_a_study_that_is_deleted_and_made_anew_is_left_alone(join: Join, clock: Clock, database: str) -> None:
    one = join("one")
    found = begin(one)
    begin(one)
    optuna.delete_study(study_name="s", storage=database)
    two = join("two")
    begin(two)
    begin(two)
    before = trials(database)
    assert one._claims[found.proposal.asked.number].trial_id == before[0]._trial_id  # SQLite's way
    clock.now += 3
    for ending in (one.next, lambda: one.tell(found, GOOD), one.close):
        with pytest.raises(StorageError, match="the study 's' is no longer in the database"):
            ending()
    assert trials(database) == before
    one._board._unwritten.clear()  # so that it may be closed again


def test_a_study_that_is_deleted_before_a_search_has_begun_is_one_line(database: str, model: Study) -> None:
    with opened_link(database) as link:
        assert link is not None
        study = link.agree(model, seed_is_drawn=False)
        optuna.delete_study(study_name="s", storage=database)
        with pytest.raises(StorageError, match="the study 's' is no longer in the database"):
            link.schedule(study, study_sampler(study), NOTHING, (), Path("nowhere"))


def test_a_hypermodel_may_lie_elsewhere_on_each_machine(database: str, model: Study) -> None:
    def at(home: str, data: str = "data.py") -> Study:
        path = Path(home, "model.py")
        entry = Entry("build", Path(home, data), "load")
        return replace(model, script=replace(model.script, path=path, digests={path: "1"}, entry=entry))

    with opened_link(database) as link:
        assert link is not None
        link.agree(at("/one"), seed_is_drawn=False)
        assert link.agree(at("/two/there"), seed_is_drawn=False).script.path == Path("/two/there/model.py")
        assert "/one" not in json.dumps(link.known("s"))
        with pytest.raises(StorageError, match="hypermodel and data build with load -> build with load"):
            link.agree(at("/two", "other.py"), seed_is_drawn=False)


def test_a_database_that_goes_away_while_a_search_starts_is_one_line(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def gone(*asked: Any) -> Iterator[Lock]:
        raise Unreachable("the server was stopped")
        yield

    with opened_link(database) as link:
        assert link is not None
        monkeypatch.setattr(link._connection, "lock", gone)
        with pytest.raises(StorageError, match=r"can't use sqlite.*the server was stopped"), link.turn("s"):
            pass


def test_a_lock_that_another_machine_holds_is_told_from_a_database_that_is_away(url: str) -> None:
    with opened_link(url) as one, opened_link(url) as two:
        assert one is not None
        assert two is not None
        held = pytest.raises(Busy, match="another process holds")
        with one._connection.lock("x"), held, two._connection.lock("x", 0.05):
            pass
        with two._connection.lock("x"):
            pass


def test_a_machine_waits_for_another_that_holds_the_lock_for_long(
    join: Join, clock: Clock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    @contextmanager
    def held(*asked: Any) -> Iterator[Lock]:
        raise Busy("another process holds the lock")
        yield

    one = join("one")
    with monkeypatch.context() as patched:
        patched.setattr(one._board._connection, "lock", held)
        assert one.next() is None
        assert one.waiting
    assert not one._board.away
    assert not caplog.records
    clock.now += 10
    begin(one)


def test_a_search_that_has_lost_its_lock_brings_nothing_up_to_date(
    join: Join, model: Study, database: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def lost(lock: Lock) -> None:
        raise sqlalchemy.exc.OperationalError("", {}, Exception("the server was restarted"))

    monkeypatch.setattr(Lock, "check", lost)
    run = Run(tmp_path, Status.COMPLETED, {}, epochs=(Epoch(1, {"val_loss": 1.0}),))
    done = {key_of({"a": a, "b": 1, "seconds": 0}): run for a in (1, 2, 3)}
    with pytest.raises(StorageError, match="the server was restarted"):
        join("one", replace(NOTHING, finals=done))
    assert len(trials(database)) == 1


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
