"""Runs moved to the archive and back, deleted, and studies removed."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from results import clean_runs, layout, ls_runs, purge_runs, remove_study, restore_runs
from results.busy import held
from results.errors import ResultsError
from results.files import read_json, write_json
from results.status import Status
from tests.results.conftest import MakeRun

MakeStudy = Callable[..., Path]


def tree(root: Path) -> dict[str, bytes]:
    """Every file below a directory, with its content."""
    return {
        str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()
    }


def without_locks(files: dict[str, bytes]) -> dict[str, bytes]:
    return {name: content for name, content in files.items() if Path(name).name != layout.LOCK}


def test_cleaned_runs_leave_every_listing_and_come_back_as_they_were(
    make_run: MakeRun, make_study: MakeStudy, runs_dir: Path
) -> None:
    make_study("s")
    single, first, second = make_run({"loss": 1.0}), make_run(study="s"), make_run(study="s")
    before = tree(runs_dir)
    moved = clean_runs([single, first])
    assert moved == [runs_dir / "archive" / single.name, runs_dir / "archive" / "s" / first.name]
    assert ls_runs()["run_dir"].tolist() == [second.as_posix()]
    assert sorted(ls_runs(runs_dir="runs/archive")["run_dir"]) == sorted(map(str, moved))
    assert restore_runs() == [single, first]
    assert without_locks(tree(runs_dir)) == before
    assert not (runs_dir / "archive").exists()


def test_a_link_to_a_study_beside_it_is_no_second_study(
    make_run: MakeRun, make_study: MakeStudy, runs_dir: Path
) -> None:
    make_study("s")
    run = make_run(study="s")
    (runs_dir / "linked").symlink_to("s")
    assert clean_runs() == [runs_dir / "archive" / "s" / run.name]
    assert restore_runs() == [run]


def test_all_but_the_newest_are_cleaned(make_run: MakeRun, make_study: MakeStudy, runs_dir: Path) -> None:
    make_study("s")
    runs = [make_run(study="s") for _ in range(4)] + [make_run()]
    assert [path.name for path in clean_runs(keep=2)] == [run.name for run in runs[:3]]
    assert clean_runs("s", keep=1) == []
    assert clean_runs(keep=5) == []
    for keep in (-1, True, 1.5):
        with pytest.raises(ResultsError, match=r"keep must be a whole number of at least 0, but got"):
            clean_runs(keep=keep)  # type: ignore[arg-type]


def test_a_table_names_runs(make_run: MakeRun, runs_dir: Path) -> None:
    good, bad = make_run({"loss": 1.0}), make_run({"loss": 9.0})
    assert clean_runs(ls_runs("metric_loss > 5")) == [runs_dir / "archive" / bad.name]
    assert clean_runs(ls_runs().iloc[0]) == [runs_dir / "archive" / good.name]


def test_a_clash_in_the_archive_names_both_and_moves_nothing(make_run: MakeRun, runs_dir: Path) -> None:
    first, second = make_run(), make_run()
    clean_runs(second)
    second.mkdir()
    write_json(second / layout.RUN, {"flags": {}})
    before = tree(runs_dir)
    with pytest.raises(
        ResultsError, match=f"'runs/archive/{second.name}' exists already, so 'runs/{second.name}'"
    ):
        clean_runs([first, second])
    with pytest.raises(ResultsError, match=f"'runs/{second.name}' exists already, so 'runs/archive/"):
        restore_runs()
    assert tree(runs_dir) == before


@pytest.mark.parametrize("name", ["{}", "runs/{}", "runs/archive/{}"])
def test_an_archived_run_is_named_as_before_or_as_now(name: str, make_run: MakeRun, runs_dir: Path) -> None:
    run, other = make_run(), make_run()
    clean_runs()
    assert restore_runs(name.format(run.name)) == [run]
    assert purge_runs(name.format(other.name)) == [runs_dir / "archive" / other.name]
    assert ls_runs()["run_dir"].tolist() == [run.as_posix()]


def test_purge_deletes_only_what_is_archived(
    make_run: MakeRun, make_study: MakeStudy, runs_dir: Path
) -> None:
    make_study("s")
    kept, gone = make_run(), make_run(study="s")
    clean_runs(gone)
    (runs_dir / "archive" / "mine.txt").write_text("mine")
    with pytest.raises(ResultsError, match="unknown run or study"):
        purge_runs(kept.name)
    assert purge_runs() == [runs_dir / "archive" / "s" / gone.name]
    assert kept.is_dir()
    assert list((runs_dir / "archive").iterdir()) == [runs_dir / "archive" / "mine.txt"]
    assert purge_runs() == []


def test_links_are_not_followed_out_of_the_runs_directory(
    make_run: MakeRun, make_study: MakeStudy, runs_dir: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "elsewhere"
    outside.mkdir()
    precious = outside / "precious.txt"
    precious.write_text("precious")
    make_study("s")
    run = make_run(study="s")
    (run / "models").symlink_to(outside)
    clean_runs(run)
    purge_runs()
    assert not run.exists()
    assert precious.read_text() == "precious"

    link = runs_dir / "2026-01-01T00-00-00.000000Z"
    link.symlink_to(outside)
    with pytest.raises(ResultsError, match="is a symbolic link to"):
        clean_runs()
    link.unlink()
    (runs_dir / "linked").symlink_to(outside)
    (outside / "2026-01-01T00-00-00.000001Z").mkdir()
    with pytest.raises(ResultsError, match="doesn't lie in the runs directory 'runs'"):
        clean_runs()
    (runs_dir / "linked").unlink()
    (runs_dir / "archive").symlink_to(outside)
    make_run()
    for act in (clean_runs, purge_runs, restore_runs):
        with pytest.raises(ResultsError, match="'runs/archive' is a symbolic link"):
            act()
    assert precious.exists()


def test_what_runs_is_left_alone(make_run: MakeRun, make_study: MakeStudy, runs_dir: Path) -> None:
    folder = make_study("s")
    run = make_run(study="s")
    with held(folder):
        for act in (lambda: clean_runs(run), lambda: remove_study("s")):
            with pytest.raises(ResultsError, match="study 's' is being run by another process"):
                act()
    single = make_run(status=None)
    with pytest.raises(ResultsError, match=f"has no outcome and its process {os.getpid()} is alive"):
        clean_runs()
    write_json(single / layout.RUN, {**(read_json(single / layout.RUN) or {}), "host": "far"})
    with pytest.raises(ResultsError, match=r"may be running as process .* on far"):
        clean_runs()
    assert ls_runs().shape[0] == 2
    assert len(clean_runs(force=True)) == 2


def test_a_study_is_removed_with_its_runs_and_nothing_else(
    make_run: MakeRun, make_study: MakeStudy, runs_dir: Path
) -> None:
    for name in ("s", "t"):
        folder = make_study(name)
        make_run(study=name, status=Status.FAILED)
        write_json(folder / "study.1.json", {})
    other = make_run()
    (runs_dir / "t" / "paper.tex").write_text("mine")
    assert remove_study("s") == []
    assert remove_study(runs_dir / "t") == [runs_dir / "t" / "paper.tex"]
    assert sorted(path.name for path in runs_dir.iterdir()) == sorted([other.name, "t"])
    with pytest.raises(ResultsError, match="there is no study 's' in 'runs'"):
        remove_study("s")


def test_a_study_elsewhere_or_behind_a_link_is_not_removed(
    make_run: MakeRun, make_study: MakeStudy, runs_dir: Path, tmp_path: Path
) -> None:
    make_study("s")
    run = make_run(study="s")
    (tmp_path / "other").mkdir()
    (runs_dir / "alias").symlink_to("s")
    with pytest.raises(ResultsError, match="doesn't lie in the runs directory 'other'"):
        remove_study("runs/s", runs_dir="other")
    with pytest.raises(ResultsError, match="symbolic link"):
        remove_study("alias")
    assert run.exists()


def test_a_directory_of_runs_is_asked_for(make_run: MakeRun, make_study: MakeStudy) -> None:
    make_study("s")
    make_study("archive")
    with pytest.raises(ResultsError, match="'runs/archive' is a study, so it can't take archived runs"):
        clean_runs()
    with pytest.raises(ResultsError, match="runs_dir must be the directory of all runs, but 'runs/s'"):
        clean_runs(runs_dir="runs/s")
    with pytest.raises(ResultsError, match="no directory of runs at 'nowhere'"):
        clean_runs(runs_dir="nowhere")
