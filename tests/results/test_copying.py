"""Runs copied, and the files of their scripts."""

import os
from pathlib import Path

import pytest

from results import copy_run, copy_run_files, run_info
from results.errors import ResultsError
from results.recorder import Recorder
from tests.results.conftest import MakeRun
from tests.results.test_manage import tree


def test_a_copy_is_whole_and_a_run(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run({"loss": 1.0}, flags={"lr": 0.1})
    assert copy_run(run.name, to="best") == [Path("best") / run.name]
    assert tree(tmp_path / "best" / run.name) == tree(run)
    (renamed,) = copy_run(run, to="best", rename="winner")
    assert run_info(renamed)["flag_lr"].tolist() == [0.1]
    assert [path.name for path in Path("best").iterdir() if path.name.startswith(".")] == []


def test_a_name_that_is_taken_is_never_overwritten(make_run: MakeRun) -> None:
    run = make_run()
    assert [copy_run(run, to="best")[0].name for _ in range(3)] == [
        run.name,
        f"{run.name}-2",
        f"{run.name}-3",
    ]
    copy_run(run, rename="mine")
    with pytest.raises(
        ResultsError, match=f"'mine' exists already, so 'runs/{run.name}' can't take its place"
    ):
        copy_run(run, rename="mine")
    Path("dangling").symlink_to("nowhere")
    with pytest.raises(ResultsError, match="'dangling' exists already"):
        copy_run(run, rename="dangling")


@pytest.mark.parametrize("name", ["..", "a/b", "", "/tmp"])
def test_a_name_is_a_name(name: str, make_run: MakeRun) -> None:
    with pytest.raises(ResultsError, match=r"rename must be a name without a directory|exists already"):
        copy_run(make_run(), rename=name)


def test_one_name_is_for_one_copy(make_run: MakeRun) -> None:
    runs = [make_run(), make_run()]
    with pytest.raises(ResultsError, match="rename names one copy, but 2 runs are copied"):
        copy_run(runs, rename="x")
    with pytest.raises(ResultsError, match="can't be copied into itself"):
        copy_run(runs[0], to=runs[0] / "copies")


def test_links_are_copied_as_links_and_pipes_refused(make_run: MakeRun, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    run = make_run()
    (run / "link").symlink_to(tmp_path / "secret")
    (copy,) = copy_run(run, to="best")
    assert (copy / "link").is_symlink()
    (copy,) = copy_run_files(run, to="files")
    assert (copy / "link").is_symlink()
    os.mkfifo(run / "pipe")
    with pytest.raises(ResultsError, match=r"pipe' is no file, directory or link, and can't be copied"):
        copy_run(run, to="best")


def test_only_the_scripts_own_files(make_run: MakeRun) -> None:
    run = make_run({"loss": 1.0, "val_loss": 1.0})
    with pytest.raises(ResultsError, match=f"the script of run {run.name} wrote no files of its own"):
        copy_run_files(run)
    Recorder(run).metadata("mine", {"a": 1})
    for name in (
        "model.keras",
        "ckpt/best.h5",
        "plots/by-hand.png",
        "plots/figure-001.png",
        "source/train.py",
    ):
        (run / name).parent.mkdir(exist_ok=True)
        (run / name).write_text(name)
    (copy,) = copy_run_files(run, to="models", rename="best")
    assert sorted(tree(copy)) == ["ckpt/best.h5", "mine.json", "model.keras", "plots/by-hand.png"]


def test_there_is_no_such_run(make_run: MakeRun) -> None:
    run = make_run()
    with pytest.raises(ResultsError, match=f"unknown run or study .*did you mean '{run.name}'"):
        copy_run(run.name[:-2] + "xZ")
    with pytest.raises(ResultsError, match="no run or study at 'runs/nothing'"):
        copy_run("runs/nothing")
