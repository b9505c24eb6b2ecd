"""Arrays computed once on a machine: what processes share, and what can't be written."""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from threading import Barrier
from typing import Any

import numpy as np
import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    yield import_module("shared_arrays").shared
    del sys.modules["shared_arrays"]


def made() -> dict[str, Any]:
    return {"x": np.arange(6, dtype="float32").reshape(2, 3), "y": np.ones(2)}


def never() -> dict[str, Any]:
    raise AssertionError("computed again")


def test_arrays_are_computed_once_and_are_the_same(shared: Any) -> None:
    for found in (shared("numbers", made), shared("numbers", never)):
        assert sorted(found) == ["x", "y"]
        for name, array in made().items():
            assert found[name].dtype == array.dtype
            assert (found[name] == array).all()
            with pytest.raises(ValueError, match="read-only"):
                found[name][0] = 7


def test_each_key_has_its_own(shared: Any) -> None:
    shared("numbers", made)
    assert (shared("others", lambda: {"x": np.zeros(3)})["x"] == 0).all()


def test_processes_that_come_first_together_leave_one_folder(shared: Any, tmp_path: Path) -> None:
    together = Barrier(4, timeout=60)

    def slowly() -> dict[str, Any]:
        together.wait()
        return made()

    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda _: shared("numbers", slowly), range(4)))
    assert all((one["x"] == made()["x"]).all() for one in found)
    assert [path.name for path in (tmp_path / "keras" / "shared").iterdir()] == ["numbers"]


def test_where_nothing_can_be_written_each_has_its_own(shared: Any, tmp_path: Path) -> None:
    (tmp_path / "keras").write_text("a file where the folder would be")
    assert (shared("numbers", made)["x"] == made()["x"]).all()


def test_what_fails_leaves_nothing(shared: Any, tmp_path: Path) -> None:
    with pytest.raises(AssertionError):
        shared("numbers", never)
    with pytest.raises(ValueError, match="Object arrays cannot be saved"):
        shared("numbers", lambda: {"x": np.array([{}])})
    assert not list((tmp_path / "keras").rglob("*.npy"))
