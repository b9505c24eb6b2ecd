"""A study that goes on in other circumstances: changed, mended, damaged, or beside others."""

import fcntl
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import search.tuning
from gridruns import GridrunsError
from results import layout, leaderboard
from search import resume, tuning_run
from search.cli import main
from search.lock import StudyLockedError, study_lock
from search.study import StudyError
from search.study_folder import holds_study
from tests.search.support import Write

SCRIPT = """
    import os
    from results import log_metrics
    from spaces import flag_integer, flag_numeric, flags
    FLAGS = flags(flag_integer("a", 1), flag_integer("b", 1), flag_numeric("lr", 0.1))
    log_metrics(1, val_loss=FLAGS.a + FLAGS.b / 10)
    if os.path.exists("broken") and FLAGS.a == 2:
        raise ValueError("broken")
"""
GRID = {"a": [1, 2, 3], "b": [1, 2]}


@pytest.fixture
def script(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return write(SCRIPT)


def tune(script: Path, flags: Any = None, study: str = "s", **asked: Any) -> pd.DataFrame:
    return tuning_run(
        script, GRID if flags is None else flags, study=study, quiet=True, executor="inline", **asked
    )


def statuses(runs: pd.DataFrame) -> Counter[tuple[int, str]]:
    return Counter(zip(runs["flag_a"], runs["status"], strict=True))


def cut_off(study: str = "s") -> None:
    """Take the outcome from one run, as if the search had been killed while it ran."""
    os.unlink(min(Path("runs", study).glob("*/outcome.json")))


def change(study: str = "s", **values: Any) -> None:
    path = Path("runs", study, layout.STUDY)
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def test_an_extended_study_gives_no_seed_twice(script: Path) -> None:
    tune(script, {"a": [1, 2]})
    runs = tune(script, {"a": [2, 3, 4], "b": [1, 2]}, extend=True)
    assert len(runs) == 7
    assert runs["number"].is_unique
    assert runs["seed"].is_unique


def test_points_without_a_result_are_run_again_where_that_is_asked_for(script: Path) -> None:
    Path("broken").touch()
    before = tune(script)
    Path("broken").unlink()
    assert len(resume("s", quiet=True)) == 6
    runs = resume("s", rerun=["failed"], quiet=True)
    assert statuses(runs) == {(1, "completed"): 2, (2, "failed"): 2, (2, "completed"): 2, (3, "completed"): 2}
    assert set(before["run_dir"]) < set(runs["run_dir"])
    of_two = runs[runs["flag_a"] == 2]
    assert of_two.groupby("flag_b")["seed"].nunique().eq(1).all()
    assert of_two.groupby("flag_b")["number"].nunique().eq(1).all()
    assert len(resume("s", rerun="failed", quiet=True)) == 8


def test_a_search_that_runs_points_again_can_be_resumed(script: Path) -> None:
    Path("broken").touch()
    tune(script)
    runs = resume("s", rerun="failed,diverged", quiet=True, keep_going=True)
    assert statuses(runs)[2, "failed"] == 4  # failed again: settled again
    assert len(resume("s", quiet=True)) == 8
    Path("broken").unlink()
    resume("s", rerun="failed", quiet=True)
    again = sorted(Path("runs/s").glob("*/outcome.json"))[-1]
    again.unlink()
    runs = resume(quiet=True)  # unfinished, though each of its points has a run that failed
    assert statuses(runs) == {
        (1, "completed"): 2, (3, "completed"): 2,
        (2, "failed"): 4, (2, "completed"): 2, (2, "interrupted"): 1,
    }  # fmt: skip


def test_a_mended_script_takes_the_failed_points_with_it(script: Path) -> None:
    Path("broken").touch()
    tune(script)
    script.write_text(script.read_text().replace('raise ValueError("broken")', "pass"))
    runs = tune(script, extend=True, rerun="failed")
    assert statuses(runs)[2, "completed"] == 2
    with pytest.raises(StudyError, match="there is no study 'new' in 'runs' to run points of again"):
        tune(script, study="new", rerun="failed")
    with pytest.raises(StudyError, match="unknown end 'completed'"):
        tune(script, rerun="completed")


def test_points_that_went_over_a_limit_are_run_again_with_another(script: Path) -> None:
    tune(script)
    ends = sorted(Path("runs/s").glob("*/outcome.json"))
    for path, status in zip(ends, ("timeout", "oom", "oom"), strict=False):
        path.write_text(json.dumps({"status": status}))
    assert len(resume("s", retries=0, quiet=True)) == 6
    assert len(resume("s", retries=0, rerun=("timeout", "oom"), quiet=True)) == 9
    assert len(resume("s", quiet=True)) == 9


def test_the_end_says_how_many_points_have_no_result(
    script: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("broken").touch()
    sets = ["--set", "a=1,2,3", "--set", "b=1,2"]
    assert main(["tune", str(script), *sets, "--study", "s", "--quiet", "--runs-dir", "my runs"]) == 0
    shown = capsys.readouterr().out
    assert "2 points ended without a result: 2 failed." in shown
    assert "  gridruns resume s --runs-dir 'my runs' --rerun failed\n" in shown
    Path("broken").unlink()
    assert main(["resume", "--rerun", "failed", "--quiet", "--runs-dir", "my runs"]) == 0
    assert "without a result" not in capsys.readouterr().out
    assert main(["resume", "s", "--rerun", "lost", "--runs-dir", "my runs"]) == 2
    assert "unknown end 'lost'" in capsys.readouterr().err


def test_points_of_a_former_space_do_not_finish_a_study(script: Path) -> None:
    tune(script, {"a": [4, 5, 6, 7], "b": [1, 2]}, study="s")
    tune(script, extend=True)
    cut_off_run = max(Path("runs/s").glob("*/outcome.json"))
    cut_off_run.unlink()
    tune(script, study="other")
    assert set(resume(quiet=True)["study"]) == {"s"}


def test_what_is_done_already_counts_only_points_of_the_plan(
    script: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tune(script, {"a": [2, 3, 4, 5]})
    tuning_run(script, GRID, study="s", extend=True, executor="inline")
    assert "2 are done already" in capsys.readouterr().out


def test_resume_passes_over_studies_that_cannot_go_on_and_names_them(
    script: Path, write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    tune(script)
    for name in ("gone", "done", "torn"):
        tune(write(SCRIPT, f"{name}.py"), study=name)
    for name in ("s", "gone", "torn"):
        cut_off(name)
    for name in ("gone", "done"):
        script.with_name(f"{name}.py").unlink()
    change("torn", planned="many")
    assert set(resume(quiet=True)["study"]) == {"s"}
    told = capsys.readouterr().err.splitlines()
    assert [line for line in told if line.startswith("study 'gone' can't go on: the script")]
    assert [line for line in told if "study 'torn' can't go on" in line and "'many'" in line]
    assert not [line for line in told if "'done'" in line]
    with pytest.raises(
        StudyError, match=r"there is no unfinished study in 'runs'; .*study 'gone' can't go on"
    ):
        resume(quiet=True)


@pytest.mark.parametrize(
    ("execution", "message"),
    [
        ({"worker": 2}, r"execution: unknown key 'worker'; did you mean 'workers'"),
        ({"workers": [2]}, r"execution: workers must be .*but got \[2\]"),
        ({"retries": None}, "execution: retries must be .*but got None"),
        ({"retries": "1"}, "execution: retries must be .*but got '1'"),
        ({"keep_going": 1}, "execution: keep_going must be .*but got 1"),
        ({"threads": True}, "execution: threads must be .*but got True"),
        ({"workers": -1, "executor": "local"}, "workers must be .*but got -1"),
        ({"executor": "loca"}, "unknown executor 'loca'"),
        ([], "isn't a study's"),
        ("abc", "isn't a study's"),
    ],
)
def test_damaged_settings_are_one_line(execution: Any, message: str, script: Path) -> None:
    tune(script, trials=1)
    change(execution=execution, planned=2)
    for study in ("s", None):
        with pytest.raises(GridrunsError, match=message) as caught:
            resume(study, quiet=True)
        assert "\n" not in str(caught.value)
        assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ({"planned": "many"}, "planned must be a whole number of at least 1, but got 'many'"),
        ({"seed": "x"}, "seed must be a whole number"),
        ({"base": 3}, "isn't a study's"),
        ({"script": []}, "isn't a study's|names no script"),
    ],
)
def test_a_damaged_study_is_one_line(damage: Any, message: str, script: Path) -> None:
    tune(script, trials=1)
    change(**damage)
    for again in (lambda: resume("s", quiet=True), lambda: tune(script), lambda: tune(script, extend=True)):
        with pytest.raises(StudyError, match=message):
            again()


@pytest.mark.parametrize("rerun", [[], {"lost": "2026-01-01T00:00:00Z"}, {"failed": 3}, {"failed": "x"}])
def test_a_damaged_rerun_is_one_line(rerun: Any, script: Path) -> None:
    tune(script, trials=1)
    change(rerun=rerun)
    for again in (lambda: resume("s", quiet=True), lambda: tune(script)):
        with pytest.raises(StudyError, match="rerun must be a time for each end"):
            again()


def test_a_study_that_another_search_has_changed_meanwhile_is_left_alone(
    script: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tune(script, trials=2)
    run_study = search.tuning.run_study

    def run_after_another(*given: Any, **more: Any) -> Path:
        monkeypatch.setattr(search.tuning, "run_study", run_study)
        tune(script, trials=5)
        return run_study(*given, **more)

    monkeypatch.setattr(search.tuning, "run_study", run_after_another)
    with pytest.raises(StudyError, match="study 's' has been changed by another search just now"):
        tune(script, trials=3)
    assert len(leaderboard("runs/s")) == 5
    assert json.loads(Path("runs/s/study.json").read_text())["planned"] == 5


def test_who_looks_at_a_study_locks_nothing(script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tune(script, trials=1)

    def refuse(*given: Any) -> None:
        raise AssertionError("locked")

    monkeypatch.setattr(fcntl, "flock", refuse)
    assert holds_study(Path("runs/s"))
    assert not holds_study(Path("runs/t"))


def test_who_looks_is_told_who_holds_a_study_while_it_is_held(script: Path) -> None:
    tune(script, trials=1)
    code = (
        "import pathlib\nfrom search.lock import study_lock\n"
        "with study_lock(pathlib.Path('runs/s')):\n    print('held', flush=True)\n    input()\n"
        "print('free', flush=True)\ninput()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        with pytest.raises(StudyLockedError, match=f"is being run by process {process.pid} on .* since 20"):
            holds_study(Path("runs/s"))
        print(file=process.stdin, flush=True)
        assert process.stdout.readline() == "free\n"
        assert holds_study(Path("runs/s"))  # that process lives, and holds it no more
        with study_lock(Path("runs/s")):
            assert holds_study(Path("runs/s"))  # who holds it may look
        print(file=process.stdin, flush=True)


@pytest.mark.parametrize(
    "holder", ["", "{", "[]", '{"pid": -1, "host": "HOST", "since": 3}', '{"pid": 1, "host": "HOST"}']
)
def test_a_damaged_lock_is_nobodys(holder: str, script: Path) -> None:
    import socket

    tune(script, trials=1)
    Path("runs/s", layout.LOCK).write_text(holder.replace("HOST", socket.gethostname()))
    assert holds_study(Path("runs/s"))
    assert len(tune(script, trials=2)) == 2
