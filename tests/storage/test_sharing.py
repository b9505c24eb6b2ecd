"""A shared study that goes away, comes back, or is met under other names, times and locks."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import optuna
import pytest
import sqlalchemy

from results import layout
from results.files import write_json
from results.runs import Epoch, Run, create_run
from results.status import Status
from search.engine import study_sampler
from search.objective import Verdict
from search.past import NOTHING
from search.past import content as key_of
from search.script import Entry
from search.storage.address import StorageError
from search.storage.connection import Busy, Lock, Unreachable
from search.storage.left import is_released, runs_left
from search.storage.link import opened_link
from search.storage.marks import Mark
from search.study import Study
from tests.storage.schedules import GOOD, Clock, Join, begin, content
from tests.storage.support import trials


@pytest.fixture
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Move this process to a time zone (POSIX, so that no data are needed)."""

    def move(name: str) -> None:
        monkeypatch.setenv("TZ", name)
        time.tzset()

    yield move
    monkeypatch.undo()
    time.tzset()


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


@pytest.mark.parametrize("own", [True, False])
def test_a_bad_end_stays_one_where_the_search_that_runs_it_again_is_interrupted(
    own: bool, join: Join, clock: Clock
) -> None:
    one, two = join("one", planned=2), join("two", planned=2)
    bad, other = begin(one), begin(one)
    one.tell(bad, Verdict(Status.FAILED, "broken", None))
    watching = one if own else two
    clock.now += 3
    assert watching.next() is None
    again = join("three", planned=2, rerun={Status.FAILED: datetime.now(UTC)})
    assert content(begin(again)) == content(bad)
    clock.now += 3
    assert watching.next() is None
    again.close()
    clock.now += 3
    assert watching.next() is None
    one.tell(other, GOOD)
