"""URLs of databases: what is none is said in one line, before anything is written."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from gridruns import GridrunsError
from search import tuning_run
from search.storage.address import StorageError, read_address
from tests.storage.support import gridruns

BAD = {
    "a text": r"must be a URL, sqlite:///FILE or postgresql://USER@HOST/DATABASE, but got a text without ://",
    "mysql://u@h/d": "but got the scheme 'mysql'",
    "postgresql+psycopg2://u@h/d": "but got the scheme 'postgresql\\+psycopg2'",
    "sqlite://": "must name a file, as in sqlite:///studies.db, but got none",
    "sqlite:///:memory:": "must name a file",
    "sqlite:///nowhere/studies.db": "there is no directory '.*/nowhere' for 'studies.db'",
    "sqlite:///.": "must name a file, but '.*' is a directory",
    "sqlite:///train.py": "can't use sqlite:///.*train.py: file is not a database",
    "postgresql://u@h:port/d": "but got another form of postgresql://...",
}


@pytest.mark.parametrize("url", BAD)
def test_what_is_no_database_is_refused(url: str, folder: Path) -> None:
    if url.startswith("postgresql://") and find_spec("psycopg") is None:
        pytest.skip("NO POSTGRESQL: psycopg is missing; pip install 'gridruns[postgres]'")
    with pytest.raises(StorageError, match=BAD[url]):
        tuning_run("train.py", {"a": [1]}, study="s", storage=url, quiet=True)
    assert [path.name for path in folder.iterdir() if path.name != "__pycache__"] == ["train.py"]


def test_the_command_line_says_it_in_one_line(folder: Path) -> None:
    done = gridruns("tune", "train.py", "--set", "a=1", "--study", "s", "--storage", "mysql://u:secret@h/d")
    assert done.returncode == 2
    assert done.stderr == (
        "gridruns: storage must be sqlite:///FILE or postgresql://USER@HOST/DATABASE, "
        "but got the scheme 'mysql'\n"
    )


def test_a_study_in_a_database_needs_a_name_and_no_dry_run(folder: Path) -> None:
    for asked, message in (
        ({}, "needs the study's name"),
        ({"study": "s", "dry_run": True}, "dry_run shows what one machine would run"),
    ):
        with pytest.raises(StorageError, match=message):
            tuning_run("train.py", {"a": [1]}, storage="sqlite:///studies.db", quiet=True, **asked)  # type: ignore[arg-type]
    assert not Path("studies.db").exists()


def test_a_space_that_cannot_be_leaves_no_database(folder: Path) -> None:
    with pytest.raises(GridrunsError, match="nosuch"):
        tuning_run("train.py", {"nosuch": [1]}, study="s", storage="sqlite:///studies.db", quiet=True)
    assert [path.name for path in folder.iterdir() if path.name != "__pycache__"] == ["train.py"]


def test_without_psycopg_the_extra_is_named(folder: Path) -> None:
    code = (
        "import importlib.util as util\n"
        "find = util.find_spec\n"
        "util.find_spec = lambda name, *more: None if name == 'psycopg' else find(name, *more)\n"
        "from search.storage.address import read_address\n"
        "read_address('postgresql://u@h/d')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.splitlines()[-1].endswith(
        "storage in PostgreSQL needs the package psycopg, which isn't installed: "
        "pip install 'gridruns[postgres]'"
    )


def test_a_file_is_known_by_its_whole_path(folder: Path) -> None:
    assert read_address("sqlite:///studies.db").public == f"sqlite:///{folder}/studies.db"
