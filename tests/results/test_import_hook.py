import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from results.import_hook import when_imported

NAME = "a_module_for_the_import_hook"


@pytest.fixture(autouse=True)
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / f"{NAME}.py").write_text("value = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    before = list(sys.meta_path)
    yield
    sys.modules.pop(NAME, None)
    assert sys.meta_path == before


def test_the_action_runs_once_right_after_the_import() -> None:
    seen = []
    when_imported(NAME, lambda module: seen.append(module.value))
    assert seen == []
    importlib.import_module(NAME)
    importlib.import_module(NAME)
    assert seen == [1]


def test_a_module_that_is_there_is_acted_on_at_once() -> None:
    importlib.import_module(NAME)
    seen = []
    when_imported(NAME, lambda module: seen.append(module.value))
    assert seen == [1]


def test_several_may_wait_for_one_module() -> None:
    seen = []
    when_imported(NAME, lambda module: seen.append("first"))
    when_imported(NAME, lambda module: seen.append("second"))
    importlib.import_module(NAME)
    assert sorted(seen) == ["first", "second"]


def test_a_withdrawn_request_does_nothing() -> None:
    seen = []
    withdraw = when_imported(NAME, seen.append)
    withdraw()
    withdraw()
    importlib.import_module(NAME)
    assert seen == []


def test_looking_for_a_module_is_not_importing_it() -> None:
    seen = []
    withdraw = when_imported(NAME, lambda module: seen.append(module.value))
    assert importlib.util.find_spec(NAME) is not None
    assert seen == []
    importlib.import_module(NAME)
    assert seen == [1]
    withdraw()


def test_a_module_that_fails_to_import_fails_as_ever(tmp_path: Path) -> None:
    (tmp_path / f"{NAME}.py").write_text("1 / 0\n")
    seen = []
    withdraw = when_imported(NAME, seen.append)
    with pytest.raises(ZeroDivisionError):
        importlib.import_module(NAME)
    assert seen == []
    withdraw()
