import importlib
import sys
from pathlib import Path

import pytest

from search.archive import local_modules


@pytest.fixture(autouse=True)
def modules(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Modules of a folder to import, and what was imported put back."""
    monkeypatch.setattr(sys, "modules", dict(sys.modules))
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in ("near_a", "near_b"):
        (tmp_path / f"{name}.py").write_text("")


def test_local_modules_are_found_as_they_are_imported(tmp_path: Path) -> None:
    assert local_modules(tmp_path) == {}
    importlib.import_module("near_a")
    assert local_modules(tmp_path) == {"near_a": tmp_path / "near_a.py"}
    importlib.import_module("near_b")
    assert set(local_modules(tmp_path)) == {"near_a", "near_b"}
    assert local_modules(tmp_path / "other") == {}
    assert set(local_modules(tmp_path)) == {"near_a", "near_b"}


def test_local_modules_that_are_taken_away_are_found_when_they_come_back(tmp_path: Path) -> None:
    for name in ("near_a", "near_b"):
        importlib.import_module(name)
    assert set(local_modules(tmp_path)) == {"near_a", "near_b"}
    for name in ("near_b", "near_a"):  # the newest of all, up to which modules were looked at, among them
        del sys.modules[name]
    assert local_modules(tmp_path) == {}
    importlib.import_module("near_a")
    assert set(local_modules(tmp_path)) == {"near_a"}


def test_installed_and_own_modules_are_not_local() -> None:
    root = Path(importlib.import_module("search").__file__ or "").parent.parent
    found = local_modules(root)
    assert not any(name.split(".")[0] in ("search", "results", "spaces", "pytest") for name in found)
