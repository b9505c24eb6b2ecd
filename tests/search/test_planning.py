"""What a search tells before and while it runs: the points, the time left, and what fits in a time."""

import json
import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import optuna
import pandas as pd
import pytest

from gridruns import GridrunsError
from results import leaderboard
from search import resume, tuning_run
from search.cli import main
from search.forecast import Pace, TimeLeft
from search.progress import State
from search.study_file import load, read_raw
from search.study_folder import unfinished
from tests.search.support import Write

SCRIPT = """
    from results import log_metrics
    from spaces import flag_integer, flag_numeric, flag_string, flags
    FLAGS = flags(
        flag_integer("a", 1), flag_integer("b", 7), flag_numeric("lr", 0.1), flag_string("word", "x")
    )
    log_metrics(1, val_loss=FLAGS.a + FLAGS.b / 10 + FLAGS.lr)
"""
RANGE = {"lr": {"low": 0.1, "high": 1.0}}
SPACE = {"a": [1, 2, 3], "b": {"values": [1, 2], "only": "a >= 2"}, "word": ["007", "no"]}


@pytest.fixture
def script(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return write(SCRIPT)


def tune(script: Path, flags: Any = None, **asked: Any) -> pd.DataFrame:
    options = {"study": "s", "quiet": True, "executor": "inline", "seed": 5, **asked}
    return tuning_run(script, SPACE if flags is None else flags, **options)


def written() -> list[str]:
    return sorted(str(path) for path in Path().rglob("*") if "__pycache__" not in path.parts)


def planned(points: pd.DataFrame) -> list[tuple[Any, ...]]:
    """Number, repeat, seed and flags that apply, of what is to be run."""
    rows = points.astype(object).where(points.notna(), None).to_dict("records")
    return [tuple(row.get(name) for name in ("number", "repeat", "seed", *FLAGS)) for row in rows]


FLAGS = ("flag_a", "flag_b", "flag_lr", "flag_word")


def happened(runs: pd.DataFrame, repeats: bool = False) -> list[tuple[Any, ...]]:
    """The same of what was run."""
    found = []
    for path in runs.sort_values("number")["run_dir"]:
        record = json.loads((Path(path) / "run.json").read_text())
        flags = {f"flag_{k}": v for k, v in record["flags"].items() if k not in record["inactive"]}
        repeat = record["repeat"] if repeats else None
        found.append((record["number"], repeat, record["seed"], *(flags.get(name) for name in FLAGS)))
    return found


@pytest.mark.parametrize(
    "asked",
    [
        {}, {"order": "grid"}, {"sample": 0.5}, {"trials": 3, "where": ["b <= 1"]}, {"repeats": 2},
        {"sampler": "random", "trials": 4}, {"sampler": "qmc", "trials": 4}, {"pruner": "median"},
        {"sampler": "random", "trials": 14, "allow_duplicates": True},
    ],
    ids=str,
)  # fmt: skip
def test_a_dry_run_shows_the_points_of_the_search_and_writes_nothing(
    asked: dict[str, Any], script: Path
) -> None:
    before = written()
    points = tune(script, dry_run=True, **asked)
    assert written() == before
    runs = tune(script, **asked)
    assert planned(points) == happened(runs, repeats="repeats" in asked)


def test_a_dry_run_of_a_study_that_goes_on_shows_what_is_left(script: Path) -> None:
    before = tune(script, trials=4)
    (Path(before["run_dir"].iloc[2]) / "outcome.json").unlink()
    files = written()
    points = tune(script, trials=7, dry_run=True)
    assert written() == files
    assert len(points) == 4
    runs = tune(script, trials=7)
    assert planned(points) == happened(runs[~runs["run_dir"].isin(before["run_dir"])])
    assert len(tune(script, trials=7, dry_run=True)) == 0
    with pytest.raises(GridrunsError, match="has 7 trials planned already"):
        tune(script, trials=2, dry_run=True)


@pytest.mark.parametrize("sampler", ["tpe", "keras-tuner:bayesian", "object"])
def test_points_that_follow_from_results_are_not_known_before(sampler: str, script: Path) -> None:
    given = optuna.samplers.RandomSampler(seed=1) if sampler == "object" else sampler
    before = written()
    with pytest.raises(
        GridrunsError, match=r"the sampler .* no list of them can be made .it can for grid, random"
    ) as caught:
        tune(script, sampler=given, trials=3, dry_run=True)
    assert "\n" not in str(caught.value) and caught.value.exit_code == 2
    assert written() == before


def test_a_dry_run_on_the_command_line(script: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["tune", str(script), "--set", "a=1,2", "--set", "b=1,2 if a >= 2", "--executor", "inline",
               "--order", "grid", "--seed", "9", "--dry-run"]  # fmt: skip
    assert main(command) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "3 of 3 combinations (100.0%); with --seed 9 these 3 trials are run:"
    assert lines[2].split() == ["number", "seed", "a", "b"]
    assert [line.split()[2:] for line in lines[3:6]] == [["1", "-"], ["2", "1"], ["2", "2"]]
    assert lines[-1] == "The same in all rows: lr=0.1, word=x"
    assert main([*command, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [(row["number"], row["flag_a"], row["flag_b"]) for row in rows] == [
        (0, 1, None),
        (1, 2, 1),
        (2, 2, 2),
    ]
    assert not Path("runs").exists()


def test_a_dry_run_that_cannot_be_is_one_line(script: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for more in (["--dry-run", "--sampler", "tpe"], ["--json"], ["--dry-run", "--trials", "3"]):
        assert main(["tune", str(script), "--set", "a=1,2", "--executor", "inline", *more]) == 2
        assert len(capsys.readouterr().err.strip().splitlines()) == 1
    assert not Path("runs").exists()


class Budget:
    """Lets so many trials fit."""

    def __init__(self, trials: int) -> None:
        self.left = trials

    def __call__(self, pace: Pace, seconds: float) -> bool:
        self.left -= 1
        return self.left >= 0


def allow(monkeypatch: pytest.MonkeyPatch, trials: int) -> None:
    budget = Budget(trials)
    monkeypatch.setattr(Pace, "fits", lambda pace, seconds: budget(pace, seconds))


def test_what_does_not_fit_is_left_to_resume(
    script: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    allow(monkeypatch, 3)
    command = ["tune", str(script), "--set", "a=1,2,3,4,5", "--executor", "inline", "--max-time", "30m",
               "--study", "s", "--runs-dir", "my runs", "--seed", "1"]  # fmt: skip
    assert main(command) == 0
    shown = capsys.readouterr().out
    assert (
        "max_time: 2 trials are left, none of which would have ended within 30 min 0 s most likely." in shown
    )
    assert "\n  gridruns resume s --runs-dir 'my runs'\n" in shown
    folder = Path("my runs/s")
    assert list(leaderboard(folder)["status"]) == ["completed"] * 3
    assert unfinished(folder, load(folder, read_raw(folder)))
    allow(monkeypatch, 9)
    assert main(["resume", "s", "--runs-dir", "my runs"]) == 0
    assert "max_time" not in capsys.readouterr().out
    assert sorted(leaderboard(folder)["flag_a"]) == [1, 2, 3, 4, 5]


def test_a_search_whose_trials_have_all_begun_leaves_none(
    script: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    allow(monkeypatch, 3)
    runs = tune(script, {"a": [1, 2, 3]}, max_time="30m", quiet=False)
    assert len(runs) == 3
    assert "max_time" not in capsys.readouterr().out


@pytest.mark.parametrize("more", [{"repeats": 2}, {"sampler": "random"}, {"sampler": "tpe"}], ids=str)
def test_what_a_time_has_cut_is_resumed_to_the_whole_plan(
    more: dict[str, Any], script: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    allow(monkeypatch, 3)
    assert len(tune(script, max_time=60, **more)) == 3
    monkeypatch.undo()
    os.chdir(script.parent.parent)
    assert len(resume("s", quiet=True, max_time="8h")) == 10 * more.get("repeats", 1)


@pytest.mark.parametrize("more", [{"sampler": "tpe"}, {"sampler": "random", "repeats": 2}], ids=str)
def test_a_space_with_ranges_is_searched_until_the_time_is_over(
    more: dict[str, Any], script: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    allow(monkeypatch, 6)
    assert len(tune(script, RANGE, max_time="30m", **more)) == 6
    raw = read_raw(Path("runs/s"))
    assert raw["planned"] is None
    assert unfinished(Path("runs/s"), load(Path("runs/s"), raw))
    allow(monkeypatch, 4)
    runs = resume(quiet=True)  # the latest, and as much time again
    assert len(runs) == 10
    assert runs["number"].is_unique
    allow(monkeypatch, 2)
    assert len(tune(script, RANGE, max_time="1h", **more)) == 12
    with pytest.raises(GridrunsError, match="as many trials as fit in max_time planned already, but got"):
        tune(script, RANGE, trials=50, **more)


def test_a_number_of_trials_grows_to_an_open_plan(script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tune(script, RANGE, sampler="tpe", trials=3)
    allow(monkeypatch, 2)
    assert len(tune(script, RANGE, sampler="tpe", max_time="30m")) == 5


def test_an_open_plan_on_the_command_line(
    script: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    allow(monkeypatch, 3)
    command = ["tune", str(script), "--set", "lr=0.1:1", "--executor", "inline", "--sampler", "tpe",
               "--max-time", "30m", "--study", "s", "--seed", "1"]  # fmt: skip
    assert main(command) == 0
    shown = capsys.readouterr()
    assert "as many points of a space with ranges as fit in max_time, 1 at a time, seed 1" in shown.out
    assert "max_time: no more trials would have ended within 30 min 0 s most likely. To go on" in shown.out
    assert "\n  gridruns resume s\n" in shown.out
    assert "3 trials: 0 running, 0 failed, best val_loss" in shown.err
    assert main(["report", "s"]) == 0
    assert "as many trials as fit in max_time" in Path("runs/s/report.html").read_text()


def test_an_open_plan_without_a_time_is_no_study(script: Path) -> None:
    tune(script, RANGE, sampler="tpe", trials=2)
    raw = read_raw(Path("runs/s"))
    Path("runs/s/study.json").write_text(json.dumps({**raw, "planned": None}))
    with pytest.raises(GridrunsError, match="planned must be a whole number of at least 1, but got None"):
        resume("s", quiet=True)


def test_a_resumed_search_knows_how_long_trials_took(script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    allow(monkeypatch, 3)
    before = tune(script, max_time="8h")
    for path in before["run_dir"]:
        file = Path(path) / "outcome.json"
        start = json.loads((Path(path) / "run.json").read_text())["start"]
        later = datetime.fromisoformat(start) + timedelta(hours=9)
        file.write_text(json.dumps({**json.loads(file.read_text()), "end": later.isoformat()}))
    monkeypatch.undo()
    monkeypatch.chdir(script.parent.parent)
    assert len(resume("s", quiet=True)) == 3  # each has taken nine hours
    assert len(resume("s", quiet=True, max_time="40h")) > 3


def test_no_time_at_all_begins_nothing(script: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["tune", str(script), "--set", "a=1,2", "--executor", "inline", "--max-time", "0.000001",
               "--study", "s"]  # fmt: skip
    assert main(command) == 0
    assert "max_time: 2 trials are left" in capsys.readouterr().out
    assert main(["resume", "s", "--max-time", "8h"]) == 0
    assert len(leaderboard("runs/s")) == 2


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"max_time": 0}, "max_time must be more than 0, but got 0"),
        ({"max_time": "soon"}, "max_time must be a number of seconds or a text"),
        ({"flags": RANGE, "sampler": "random"}, "give a number of trials, or max_time for as many as"),
        ({"flags": RANGE, "sampler": "random", "max_time": "1h", "sample": 0.5}, "give a number of trials"),
        ({"flags": RANGE, "max_time": "1h"}, "the sampler 'grid' needs a finite space, but lr is a range"),
        ({"flags": RANGE, "sampler": "random", "max_time": "1h", "dry_run": True},
         "dry_run: how many trials fit in max_time isn't known before; give a number of trials"),
    ],
)  # fmt: skip
def test_a_time_that_cannot_be_is_one_line(asked: dict[str, Any], message: str, script: Path) -> None:
    with pytest.raises(GridrunsError, match=message) as caught:
        tune(script, **asked)
    assert "\n" not in str(caught.value)
    assert not Path("runs").exists()


def state(left: TimeLeft | None, over: int = 3, planned: int | None = 10) -> State:
    return State(planned, 0, over, 2, 0, 1, "val_loss", 0.25, left)


def test_the_progress_line_has_the_time_left_with_its_interval() -> None:
    assert state(None).words() == "2 running, 0 failed, 1 pruned, best val_loss 0.25"
    assert state(TimeLeft(200, 150, 250)).words().endswith(", 3 min 20 s left (2 min 30 s to 4 min 10 s)")
    assert state(TimeLeft(200, 0, float("inf"))).words().endswith(", about 3 min 20 s left")
    assert state(TimeLeft(20.1, 20.0, 20.2)).words().endswith(", 20 s left")
    assert "left" not in state(TimeLeft(0, 0, 0), over=10).words()
    assert state(None).count() == "3/10 trials"
    assert state(None, planned=None).count() == "3 trials"
    assert state(TimeLeft(90, 90, 90), over=10, planned=None).words().endswith(", 1 min 30 s left")


def test_the_whole_command_line(script: Path, capsys: pytest.CaptureFixture[str]) -> None:
    board = "board.csv"
    tune(script, study="first", sampler="random", trials=6).to_csv(board, index=False)
    command = [
        "tune", str(script), "--set", "a=1,2,3", "--set", "b=1,2 if a >= 2", "--set", "word=007,no",
        "--where", "b <= 1 or word == 'no'", "--sampler", "tpe", "--warm-start", board, "--repeats", "2",
        "--metric", "val_loss:min", "--trials", "4", "--executor", "inline", "--study", "s",
    ]  # fmt: skip
    assert main(command) == 0
    assert len(leaderboard("runs/s")) == 8
    assert "4 of 8 combinations (50.0%), each 2 times" in capsys.readouterr().out
    assert main([*command, "--pruner", "median"]) == 2
    assert main([*command, "--metric", "val_loss:max"]) == 2
    errors = capsys.readouterr().err.strip().splitlines()
    assert len(errors) == 2
