"""Readers that nothing breaks: real run directories, damaged in every way, are listed with all the others."""

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridruns import GridrunsError
from results import layout, leaderboard, ls_runs, report, run_info
from results.runs import find_runs
from search import tuning_run
from search.cli import main

SCRIPT = """
import matplotlib
from results import log_metrics, write_run_metadata
from spaces import flag_integer, flag_string, flags
FLAGS = flags(flag_integer("a", 1), flag_string("word", "x"))
write_run_metadata("properties", {"samples": 10, "batch_size": 5, "model": "dense"})
for step in (1, 2, 3):
    log_metrics(step, loss=1 / step, val_loss=FLAGS.a / step)
write_run_metadata("evaluation", {"loss": 0.5})
print("output")
if FLAGS.a == 4:
    raise ValueError("four")
"""


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The runs folder of a real search of five trials, one of which failed."""
    folder = tmp_path_factory.mktemp("recorded")
    (folder / "train.py").write_text(SCRIPT)
    tuning_run(
        folder / "train.py", {"a": [1, 2, 3, 4, 5]}, study="s", runs_dir=folder / "runs",
        workers=2, seed=1, quiet=True,
    )  # fmt: skip
    return folder / "runs"


FILES = [
    layout.RUN, layout.OUTCOME, layout.METRICS, layout.PROPERTIES, layout.EVALUATION, layout.ERROR,
    layout.OUTPUT, layout.SOURCE, layout.SESSION_EVENTS,
]  # fmt: skip
KEYS = [
    "flags", "status", "start", "end", "metrics", "reason", "error", "pid", "host", "number", "study", "seed",
    "step", "type", "message", "traceback", "epochs_completed", "metric", "space", "sampler", "script",
    "created", "planned", "name", "goal", "loss", "val_loss", "a", "rank", "run_dir", "\ud800", "_x",
]  # fmt: skip
ODD = st.recursive(
    st.none()
    | st.booleans()
    | st.floats()
    | st.integers()
    | st.text(max_size=5)
    | st.sampled_from(
        ["NaN", "Infinity", "\ud800", "\x1b[2J", 10**400, -(2**63) - 1, "9999-12-31T23:59:59-23:59", "x\ny"]
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=3),
    max_leaves=6,
)
DAMAGE = st.one_of(
    st.tuples(st.just("cut"), st.integers(0, 600)),
    st.tuples(st.just("flip"), st.lists(st.tuples(st.integers(0, 600), st.integers(0, 7)), min_size=1)),
    st.tuples(st.just("delete"), st.none()),
    st.tuples(st.just("directory"), st.none()),
    st.tuples(st.just("loop"), st.none()),
    st.tuples(st.just("garbage"), st.binary(max_size=50)),
    st.tuples(st.just("append"), st.binary(max_size=50)),
    st.tuples(st.just("change"), st.dictionaries(st.sampled_from(KEYS), ODD, min_size=1, max_size=4)),
)


def damage(path: Path, how: str, detail: object) -> None:
    """Do to one file what a crash, a disk or a curious user might."""
    content = path.read_bytes() if path.is_file() else b"{}"
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    match how, detail:
        case "cut", int(length):
            path.write_bytes(content[:length])
        case "flip", list(bits):
            flipped = bytearray(content or b"\0")
            for place, bit in bits:
                flipped[place % len(flipped)] ^= 1 << bit
            path.write_bytes(bytes(flipped))
        case "directory", None:
            path.mkdir()
        case "loop", None:
            path.symlink_to(path.name)
        case "garbage", bytes(garbage):
            path.write_bytes(garbage)
        case "append", bytes(garbage):
            path.write_bytes(content + garbage)
        case "change", dict(changes):
            path.write_bytes(changed(content, changes))


def changed(content: bytes, changes: dict[str, object]) -> bytes:
    """The first JSON object of a file with other and unknown keys; as Python writes it, with NaN and all."""
    try:
        found = json.loads(content.decode().split("\n")[0])
    except ValueError:
        found = {}
    return json.dumps({**(found if isinstance(found, dict) else {}), **changes}).encode() + b"\n"


@pytest.fixture(scope="module")
def copied(recorded: Path) -> Iterator[Path]:
    """A directory to copy the recorded runs into, as the working directory."""
    with TemporaryDirectory() as folder, chdir(folder):
        yield Path("runs")


def restore(recorded: Path, copied: Path) -> list[Path]:
    shutil.rmtree(copied, ignore_errors=True)
    shutil.copytree(recorded, copied, symlinks=True)
    return find_runs(copied)


def check_listing(runs: list[Path], damaged: set[Path]) -> None:
    """Every reader answers or refuses in words; the listing has all runs, the sound ones as they were."""
    listed = ls_runs(runs_dir="runs")
    assert set(listed["run_dir"]) == {path.as_posix() for path in runs}
    sound = listed[~listed["run_dir"].isin([path.as_posix() for path in damaged])]
    assert set(sound["status"]) <= {"completed", "failed"}
    assert not sound["problems"].notna().any()
    assert (sound["metric_val_loss"] * 3 == sound["flag_a"]).all()
    for path in runs:
        assert len(run_info(path)) == 1
    assert main(["ls"]) == 0
    assert main(["ls", "--json"]) == 0
    assert main(["ls", "--csv"]) == 0
    assert main(["ls", "s"]) in (0, 2)
    assert main(["show", str(runs[0])]) == 0
    assert main(["best"]) in (0, 2)
    for read in (leaderboard, lambda: leaderboard("runs/s"), lambda: report("runs/s")):
        try:
            assert isinstance(read(), (pd.DataFrame, Path))
        except GridrunsError as error:
            assert "\n" not in str(error)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from(FILES), DAMAGE), min_size=1, max_size=4))
def test_no_damage_to_runs_hides_the_others(
    recorded: Path, copied: Path, damages: list[tuple[int, str, tuple[str, object]]]
) -> None:
    runs = restore(recorded, copied)
    for number, name, (how, detail) in damages:
        damage(runs[number] / name, how, detail)
    check_listing(runs, {runs[number] for number, _, _ in damages})


@settings(max_examples=25, deadline=None)
@given(DAMAGE)
def test_no_damage_to_a_study_hides_its_runs(recorded: Path, copied: Path, hurt: tuple[str, object]) -> None:
    runs = restore(recorded, copied)
    damage(copied / "s" / layout.STUDY, *hurt)
    check_listing(runs, set())


def test_what_is_no_run_is_passed_over(recorded: Path, copied: Path) -> None:
    runs = restore(recorded, copied)
    (copied / "loop").symlink_to("loop")
    (copied / "nowhere").symlink_to("/nonexistent")
    (copied / "s" / "loop").symlink_to("loop")
    (copied / "file").write_bytes(b"\0")
    os.mkfifo(copied / "pipe")
    check_listing(runs, set())


def test_texts_that_no_terminal_shows_are_escaped(recorded: Path, copied: Path) -> None:
    runs = restore(recorded, copied)
    odd = {"flags": {"a\ud800": "\x1b[2J", "\x1b[3J": "\ud800"}, "study": "\ud800", "script": "s\ud800"}
    damage(runs[0] / layout.RUN, "change", odd)
    damage(runs[0] / layout.OUTCOME, "change", {"reason": "\ud800\n"})
    for arguments in (["ls"], ["ls", "--csv"], ["ls", "--json"], ["show", str(runs[0])], ["report"]):
        command = [sys.executable, "-m", "gridruns", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert not done.stderr, done.stderr
        assert done.returncode == 0
        assert "\x1b" not in done.stdout or "--csv" in arguments
    assert len(json.loads(subprocess.check_output([*command[:3], "ls", "--json"]))) == 5


def test_a_run_that_is_deleted_while_it_is_read_hides_no_other(recorded: Path, copied: Path) -> None:
    runs = restore(recorded, copied)
    over = threading.Event()

    def delete_and_restore() -> None:
        while not over.is_set():
            shutil.rmtree(runs[2])
            shutil.copytree(recorded / "s" / runs[2].name, runs[2], symlinks=True)
            shutil.copytree(recorded / "s", copied / "t")
            shutil.rmtree(copied / "t")

    other = threading.Thread(target=delete_and_restore)
    other.start()
    try:
        for _ in range(40):
            listed = set(ls_runs(runs_dir="runs")["run_dir"])
            assert {path.as_posix() for path in runs if path != runs[2]} <= listed
            assert main(["ls", "s", "--metric", "val_loss"]) == 0
    finally:
        over.set()
        other.join()


READ_AS_NOBODY = """
import os, sys
from results import leaderboard, ls_runs, run_info
from search.cli import main
ls_runs(runs_dir="runs"), main(["ls"])  # all that is imported is imported before
locked = sys.argv[1:]
for path in locked:
    os.chmod(path, 0)
if os.getuid() == 0:
    os.setgroups([]), os.setgid(65534), os.setuid(65534)
listed = ls_runs(runs_dir="runs")
assert len(listed) == 5, listed
assert set(listed[listed["problems"].notna()]["run_dir"]) >= set(locked[:1])
assert len(leaderboard("runs/s")) == 5
assert len(run_info(locked[0])) == 1
assert main(["ls"]) == 0 and main(["ls", "s"]) == 0
"""


def test_runs_and_studies_without_permission_hide_no_other(recorded: Path) -> None:
    with TemporaryDirectory() as folder:  # not below pytest's own, which are root's alone
        os.chmod(folder, 0o755)
        runs = restore(recorded, Path(folder, "runs"))
        private = Path(folder, "runs", "private")
        private.mkdir()
        paths = (runs[0], runs[1] / layout.METRICS, runs[2] / layout.SOURCE, private)
        locked = [str(path.relative_to(folder)) for path in paths]
        done = subprocess.run(
            [sys.executable, "-c", READ_AS_NOBODY, *locked],
            cwd=folder, capture_output=True, text=True, check=False,
        )  # fmt: skip
        for path in locked:
            os.chmod(Path(folder, path), 0o755)
        assert done.returncode == 0, done.stderr
