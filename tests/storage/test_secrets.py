"""A password is never written: to no run directory, log, error or screen."""

import json
import logging
import traceback
from pathlib import Path
from urllib.parse import unquote

import pytest

from search import resume, tuning_run
from search.storage.address import HIDDEN, Address, StorageError, read_address
from tests.storage.server import PASSWORD, QUOTED, Server
from tests.storage.support import gridruns

SECRET = "Sesame"  # how the password begins, quoted or not
TUNE = ["tune", "train.py", "--set", "a=1,2", "--study", "s"]


def check_nowhere(folder: Path, *texts: str) -> None:
    assert unquote(QUOTED) == PASSWORD
    for path in folder.rglob("*"):
        if path.is_file():
            assert SECRET.encode() not in path.read_bytes(), path
        assert SECRET not in str(path)
    for text in texts:
        assert SECRET not in text


def test_no_file_and_no_line_has_it(postgres: str, folder: Path) -> None:
    done = gridruns(*TUNE, "--storage", postgres, "--", "--seconds", "0")
    assert done.returncode == 0, done.stderr
    check_nowhere(folder, done.stdout, done.stderr)
    assert json.loads(Path("runs/s/study.json").read_text())["storage"].startswith(
        "postgresql://searcher@127"
    )


def test_no_error_has_it(server: Server, postgres: str, folder: Path) -> None:
    for url in (
        postgres.replace(f":{server.port}/", ":1/"),
        "mysql" + postgres.removeprefix("postgresql"),
        postgres.removeprefix("postgresql://"),
        f"{postgres}?x=1",
        f"postgresql://searcher:{PASSWORD}@127.0.0.1:x/y",
        f"{server.url('s', None)}?password=Sesame!",
    ):
        with pytest.raises(StorageError) as caught:
            tuning_run("train.py", {"a": [1]}, study="s", storage=url, quiet=True)
        shown = "".join(traceback.format_exception(caught.value))
        assert "storage" in str(caught.value)
        check_nowhere(folder, shown)
    done = gridruns(*TUNE, "--storage", postgres.replace(QUOTED, "Sesame-wrong"))
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert 'password authentication failed for user "searcher"' in done.stderr
    check_nowhere(folder, done.stdout, done.stderr)
    assert not Path("runs").exists()


def test_a_study_goes_on_with_a_password_from_libpqs_own_places(
    postgres: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tuning_run("train.py", {"a": [1, 2, 3]}, study="s", storage=postgres, trials=1, quiet=True)
    with pytest.raises(StorageError, match=r"can't use postgresql://searcher@127.*no password supplied"):
        resume("s", quiet=True)
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    resume("s", quiet=True)
    Path("pass").write_text(f"127.0.0.1:*:*:searcher:{PASSWORD.replace(':', chr(92) + ':')}\n")
    Path("pass").chmod(0o600)
    monkeypatch.delenv("PGPASSWORD")
    monkeypatch.setenv("PGPASSFILE", str(Path("pass").absolute()))
    resume("s", quiet=True)
    Path("pass").unlink()
    check_nowhere(folder)


def test_a_url_is_shown_without_it() -> None:
    address = read_address("postgresql://u:Sesame@h/d?password=Sesame2&sslpassword=Sesame3&sslmode=require")
    assert address.public == "postgresql://u@h/d?sslmode=require"
    assert address.clean("is Sesame\nor Sesame2 right?") == f"is {HIDDEN} or {HIDDEN} right?"
    assert SECRET not in repr(address)
    assert isinstance(address, Address)


@pytest.mark.parametrize("name", ["oauth_client_secret", "scram_client_key", "scram_server_key"])
def test_every_secret_that_libpq_takes_is_hidden(name: str) -> None:
    address = read_address(f"postgresql://h/d?{name}=Sesame&{name}=Sesame2&sslmode=require")
    assert address.public == "postgresql://h/d?sslmode=require"
    assert address.clean("is Sesame or Sesame2 right?") == f"is {HIDDEN} or {HIDDEN} right?"


def test_no_log_has_it(postgres: str, folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    for logger in ("", "sqlalchemy.engine", "sqlalchemy.pool", "optuna", "alembic"):
        caplog.set_level(logging.DEBUG, logger)
    tuning_run("train.py", {"a": [1, 2]}, study="s", storage=postgres, quiet=True)
    assert caplog.records
    assert SECRET not in caplog.text
