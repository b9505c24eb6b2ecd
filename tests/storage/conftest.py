"""A real PostgreSQL server for the tests: on loopback, in a throw-away directory, never as root."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.support import SCRIPT, check_no_process
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
