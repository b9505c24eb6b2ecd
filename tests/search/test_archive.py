import importlib
import importlib.util
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


def test_local_modules_are_found_behind_one_that_is_loaded_again(tmp_path: Path) -> None:
    importlib.import_module("near_a")
    local_modules(tmp_path)
    newest = sys.modules[next(reversed(sys.modules))]
    importlib.import_module("near_b")
    importlib.reload(newest)
    assert set(local_modules(tmp_path)) == {"near_a", "near_b"}


def test_a_module_that_waits_for_its_first_use_goes_on_waiting(tmp_path: Path) -> None:
    (tmp_path / "near_a.py").write_text("import a_package_that_is_not_there")
    spec = importlib.util.find_spec("near_a")
    assert spec is not None
    assert spec.loader is not None
    spec.loader = importlib.util.LazyLoader(spec.loader)
    sys.modules["near_a"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules["near_a"])
    assert local_modules(tmp_path) == {"near_a": tmp_path / "near_a.py"}
    with pytest.raises(ModuleNotFoundError):
        sys.modules["near_a"].anything  # noqa: B018


def test_what_is_no_module_is_not_local(tmp_path: Path) -> None:
    sys.modules["near_c"] = object()  # type: ignore[assignment]
    assert local_modules(tmp_path) == {}


def test_installed_and_own_modules_are_not_local() -> None:
    root = Path(importlib.import_module("search").__file__ or "").parent.parent
    found = local_modules(root)
    assert not any(name.split(".")[0] in ("search", "results", "spaces", "pytest") for name in found)
