"""A folder of its own for each search, as the working directory."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.support import SCRIPT, check_no_process


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty working directory with a script train.py; no process of a search in it is left at the end."""
    monkeypatch.chdir(tmp_path)
    Path("train.py").write_text(SCRIPT)
    yield tmp_path
    check_no_process(tmp_path)
