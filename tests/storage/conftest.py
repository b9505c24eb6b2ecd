"""A PostgreSQL server on loopback, in a throw-away directory, never as root; searches that share a study."""

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from search import tuning_run
from search.engine import study_sampler
from search.past import NOTHING, Past
from search.storage.link import opened_link
from search.storage.marks import Owner
from search.storage.shared import SharedSchedule
from search.study import Study
from search.study_file import load, read_raw
from tests.faults.support import SCRIPT, check_no_process
from tests.storage.schedules import GRID, Clock, Join
from tests.storage.server import Server, find_binaries, missing


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs the server."""
    for item in items:
        if "server" in getattr(item, "fixturenames", ()):
            item.add_marker("postgres")


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """The server, one for all tests; a test that stops it starts it again."""
    reason = missing()
    if reason:
        pytest.skip(reason)
    binaries = find_binaries()
    assert binaries is not None
    made = Server.create(binaries)
    try:
        made.start()
        yield made
    finally:
        made.stop()
        shutil.rmtree(made.folder)


@pytest.fixture
def postgres(server: Server) -> str:
    """The URL of an empty database on the server, with its password."""
    return server.new_database()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database of each kind."""
    if request.param == "postgres":
        found: str = request.getfixturevalue("postgres")
        return found
    return f"sqlite:///{tmp_path}/studies.db"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty working directory with a script train.py; no process of a search in it is left at the end."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.chdir(home)
    for name in [name for name in os.environ if name.startswith("PG")]:
        monkeypatch.delenv(name)
    Path("train.py").write_text(SCRIPT)
    yield home
    check_no_process(home)


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
