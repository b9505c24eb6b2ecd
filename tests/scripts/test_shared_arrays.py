"""Arrays computed once on a machine: what processes share, and what can't be written."""

import os
import signal
import subprocess
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
    assert [path.name for path in (tmp_path / "keras" / "shared").glob("*/")] == ["numbers"]


def test_where_nothing_can_be_written_each_has_its_own(shared: Any, tmp_path: Path) -> None:
    (tmp_path / "keras").write_text("a file where the folder would be")
    assert (shared("numbers", made)["x"] == made()["x"]).all()


def test_what_fails_leaves_nothing(shared: Any, tmp_path: Path) -> None:
    with pytest.raises(AssertionError):
        shared("numbers", never)
    with pytest.raises(ValueError, match="Object arrays cannot be saved"):
        shared("numbers", lambda: {"x": np.array([{}])})
    assert not list((tmp_path / "keras").rglob("*.npy"))


def test_an_empty_folder_is_none(shared: Any, tmp_path: Path) -> None:
    (tmp_path / "keras" / "shared" / "numbers").mkdir(parents=True)
    for make in (made, never):
        assert (shared("numbers", make)["x"] == made()["x"]).all()


@pytest.mark.parametrize("content", [b"", b"torn"])
def test_damaged_arrays_are_computed_again(content: bytes, shared: Any, tmp_path: Path) -> None:
    shared("numbers", made)
    (tmp_path / "keras" / "shared" / "numbers" / "x.npy").write_bytes(content)
    assert shared("numbers", made)["x"].tolist() == made()["x"].tolist()


def test_whoever_may_read_other_files_may_read_the_arrays(shared: Any, tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        shared("numbers", made)
    finally:
        os.umask(before)
    folder = tmp_path / "keras" / "shared" / "numbers"
    assert [path.stat().st_mode & 0o777 for path in (folder, folder / "x.npy")] == [0o750, 0o640]


ANOTHER_USER = """
import os
import numpy as np
from shared_arrays import shared
os.setgroups([])
os.setgid(54321)
os.setuid(54321)
print(shared("numbers", lambda: {"x": np.arange(3)})["x"].tolist())
"""


@pytest.mark.skipif(os.getuid() != 0, reason="only root can be another user")
@pytest.mark.parametrize("home", ["another's", "closed", "none"])
def test_a_user_who_can_not_look_there_has_his_own(home: str, tmp_path: Path) -> None:
    folder = tmp_path / "keras" / "shared" / "numbers"
    folder.mkdir(parents=True)
    np.save(folder / "x.npy", np.zeros(3))
    closed = {"another's": folder, "closed": tmp_path / "keras"}
    for path in (tmp_path, *tmp_path.parents[:2]):
        path.chmod(0o755)
    if home in closed:
        closed[home].chmod(0o700)
    env = {"PATH": os.environ["PATH"]} | ({"KERAS_HOME": str(tmp_path / "keras")} if home in closed else {})
    asked = subprocess.run(
        [sys.executable, "-c", ANOTHER_USER], env=env, cwd=SCRIPTS, capture_output=True, text=True
    )
    assert asked.stdout == "[0, 1, 2]\n", asked.stderr


KILLED = """
import os, signal
import numpy as np
from shared_arrays import shared
save = np.save
def first(*args, **options):
    save(*args, **options)
    os.kill(os.getpid(), signal.SIGKILL)
np.save = first
shared("numbers", lambda: {"x": np.zeros(1_000), "y": np.zeros(1_000)})
"""


def test_the_next_writer_removes_what_a_killed_one_left(shared: Any, tmp_path: Path) -> None:
    killed = subprocess.run([sys.executable, "-c", KILLED], cwd=SCRIPTS)
    assert killed.returncode == -signal.SIGKILL
    assert len(list((tmp_path / "keras").rglob("*.npy"))) == 1
    shared("numbers", made)
    assert len(list((tmp_path / "keras").rglob("*.npy"))) == 2
