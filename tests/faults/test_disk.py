"""A full disk, one that turns read-only, a folder that vanishes: the search stops, what is recorded stays."""

import os
import resource
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from results import leaderboard
from tests.faults.support import (
    DEADLINE,
    check_no_process,
    check_readers,
    gridruns,
    points,
    runs_of,
    started,
    wait_until,
)

TUNE = ["tune", "train.py", "--set", "a=1,2,3,4,5,6,7,8", "--workers", "2", "--study", "s"]
ALONE = [*TUNE, "--order", "grid", "--workers", "1"]
HEAD = """
import os
from results import log_metrics, run_dir
from spaces import flag_integer, flags
FLAGS = flags(flag_integer("a", 1), flag_integer("b", 1))
"""
CHECKPOINT = (
    HEAD
    + """
log_metrics(1, val_loss=FLAGS.a)
(run_dir() / "checkpoint").write_bytes(bytes(400_000))
"""
)
TIDY = (
    HEAD
    + """
log_metrics(1, val_loss=FLAGS.a)
checkpoint = run_dir() / "checkpoint"
try:
    checkpoint.write_bytes(bytes(5_000_000 if FLAGS.a > 2 else 1000))
finally:
    checkpoint.unlink()
"""
)


def mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True, capture_output=True)


@pytest.fixture
def small(folder: Path) -> Iterator[Path]:
    """The runs folder as a file system of its own of 2 MB."""
    runs = Path("runs")
    runs.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(runs)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        pytest.skip(f"NOT TESTED: a full disk takes root who may mount: {done.stderr.strip()}")
    yield runs
    for path in (runs, runs, "same"):
        subprocess.run(["umount", "-l", str(path)], capture_output=True, check=False)


def check_stopped(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """Exit code 1 and one last line that says what is the matter and where; no traceback."""
    assert done.returncode == 1, done.stderr
    last = done.stderr.splitlines()[-1]
    assert last.startswith("gridruns: ") and all(word in last for word in words), done.stderr
    assert "Traceback" not in done.stderr


def ended(process: subprocess.Popen[str]) -> subprocess.CompletedProcess[str]:
    output, errors = process.communicate(timeout=DEADLINE)
    return subprocess.CompletedProcess([], process.returncode, output, errors)


def completed_now() -> dict[int, tuple[int, int, int]]:
    check_readers()
    assert set(leaderboard("runs/s")["status"]) <= {"completed", "interrupted"}
    return points()


def test_a_full_disk_stops_the_search_and_with_room_it_goes_on(folder: Path, small: Path) -> None:
    Path("train.py").write_text(CHECKPOINT)
    check_stopped(gridruns(*TUNE), "No space left on device", "runs/s")
    check_no_process(folder)
    before = completed_now()
    assert 1 <= len(before) < 8
    check_stopped(gridruns("resume", "s"), "No space left on device")
    assert completed_now() == before
    mount("-o", "remount,size=20m", str(small))
    done = gridruns("resume", "s")
    assert done.returncode == 0, done.stderr
    assert completed_now().items() > before.items()
    assert sorted(points()) == list(range(8))


def test_a_trial_that_meets_a_full_disk_is_not_to_blame(folder: Path, small: Path) -> None:
    # The trial tidies up, so that there is room again when the search looks.
    Path("train.py").write_text(TIDY)
    check_stopped(gridruns(*ALONE), "a trial found no room", "No space left on device")
    check_no_process(folder)
    assert len(completed_now()) == 2
    board = leaderboard("runs/s")
    reasons = board[board["status"] == "interrupted"]["reason"]
    assert any("No space left on device" in reason for reason in reasons)
    assert board["error"].str.contains("checkpoint.write_bytes").any()
    mount("-o", "remount,size=40m", str(small))
    assert gridruns("resume", "s").returncode == 0
    assert sorted(points()) == list(range(8))


def test_where_nothing_fits_the_study_is_not_begun_and_can_be_later(folder: Path, small: Path) -> None:
    Path("train.py").write_text(CHECKPOINT)
    with open(small / "ballast", "wb", buffering=0) as file, pytest.raises(OSError):
        while True:
            file.write(bytes(4096))
    check_stopped(gridruns(*TUNE), "No space left on device", "runs/s")
    assert main_ls() == "no runs"
    (small / "ballast").unlink()
    mount("-o", "remount,size=20m", str(small))
    assert gridruns(*TUNE).returncode == 0


def main_ls() -> str:
    return gridruns("ls").stdout.strip()


def test_files_over_the_limit_of_ulimit_stop_the_search_too(folder: Path) -> None:
    Path("train.py").write_text(TIDY)
    limit = (1 << 20, 1 << 20)
    done = gridruns(*ALONE, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit))
    check_stopped(done, "a trial found no room", "File too large")
    check_no_process(folder)
    assert len(completed_now()) == 2
    assert gridruns("resume", "s").returncode == 0
    assert sorted(points()) == list(range(8))


def test_a_disk_that_turns_read_only_stops_the_search(folder: Path, small: Path) -> None:
    mount("-o", "remount,size=20m", str(small))
    with started(*TUNE, "--", "--seconds", "0.5") as process:
        wait_until(lambda: len(runs_of()) >= 4, "a fourth run")
        Path("same").mkdir()
        mount("--bind", str(small), "same")  # a second way to the same files ...
        mount("-o", "remount,bind,ro", "same")  # ... that bears no writing, whoever has what open ...
        mount("--bind", "same", str(small))  # ... takes the place of the first
        check_stopped(ended(process), "Read-only file system")
    check_no_process(folder)
    before = completed_now()
    assert len(before) >= 2
    check_stopped(gridruns("resume", "s"), "Read-only file system")
    subprocess.run(["umount", str(small)], check=True)
    assert gridruns("resume", "s").returncode == 0
    assert completed_now().items() > before.items()
    assert sorted(points()) == list(range(8))


@pytest.mark.parametrize("what", ["runs", "runs/s"])
@pytest.mark.parametrize("again", [False, True])
def test_a_folder_that_vanishes_stops_the_search(what: str, again: bool, folder: Path) -> None:
    with started(*TUNE, "--", "--seconds", "600" if what == "runs" else "0.5") as process:
        wait_until(lambda: len(runs_of()) >= (2 if what == "runs" else 4), "runs")
        os.rename(what, "elsewhere")
        if again:
            os.makedirs("runs/s")
        # A trial that the vanished folder has failed says so before the search notices another in its place.
        check_stopped(ended(process), "runs/s", "" if again else "No such file or directory")
    check_no_process(folder)
    assert Path(what).exists() == again
    kept = leaderboard("elsewhere")
    assert len(kept) >= (2 if what == "runs" else 4)
    # Of one that had only its directory nobody can know whose it was.
    assert set(kept[kept["problems"].isna()]["status"]) <= {"completed", "interrupted"}
    assert what == "runs" or (kept["status"] == "completed").sum() >= 2
