"""Runs to a zip and back, and zips that mean harm."""

import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from results import export_runs, import_runs, layout, leaderboard
from results.errors import ResultsError
from results.files import write_json
from tests.results.conftest import MakeRun
from tests.results.test_manage import tree, without_locks

RUN = "2026-01-01T00-00-00.000000Z"


def bomb(*entries: tuple[str, str]) -> Path:
    """A zip with a good run and these entries."""
    path = Path("bad.zip")
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(f"{RUN}/run.json", "{}")
        for name, content in entries:
            info = zipfile.ZipInfo()
            info.filename = info.orig_filename = name
            file.writestr(info, content)
    return path


def test_what_was_exported_is_imported(
    make_run: MakeRun, make_study: Callable[..., Path], runs_dir: Path
) -> None:
    make_study("s", "score", "max")
    runs = [
        make_run({"score": 1.0}, study="s"),
        make_run({"score": 2.0}, study="s"),
        make_run({"score": 0.5}),
    ]
    (runs[0] / "model.bin").write_bytes(bytes(range(256)))
    assert export_runs("all.zip") == runs
    assert import_runs("all.zip", "there") == [Path("there") / run.relative_to("runs") for run in runs]
    assert without_locks(tree(Path("there"))) == tree(runs_dir)
    assert leaderboard("there/s")["run_dir"].tolist()[0] == f"there/s/{runs[1].name}"
    assert [path for path in Path("there").iterdir() if path.name.startswith(".")] == []


def test_a_study_goes_in_two_parts(make_run: MakeRun, make_study: Callable[..., Path]) -> None:
    make_study("s")
    first, second = make_run(study="s"), make_run(study="s")
    export_runs("1.zip", first)
    export_runs("2.zip", second.name)
    import_runs("1.zip", "there")
    assert import_runs("2.zip", "there") == [Path("there/s") / second.name]


def test_a_clash_names_both_and_changes_nothing(make_run: MakeRun, make_study: Callable[..., Path]) -> None:
    folder = make_study("s")
    first, second = make_run(study="s"), make_run()
    export_runs("all.zip")
    with pytest.raises(ResultsError, match=r"'all.zip' exists already, so 'runs' can't take its place"):
        export_runs("all.zip")
    before = tree(Path("runs"))
    with pytest.raises(
        ResultsError, match=f"'runs/s/{first.name}' exists already, so 's/{first.name} of the zip'"
    ):
        import_runs("all.zip")
    assert without_locks(tree(Path("runs"))) == without_locks(before)
    import_runs("all.zip", "there")
    write_json(folder / layout.STUDY, {"name": "s", "seed": 2})
    export_runs("new.zip", make_run(study="s"))
    with pytest.raises(ResultsError, match=r"'there/s/study.json' is another study's"):
        import_runs("new.zip", "there")
    assert second.exists()


@pytest.mark.parametrize(
    "name",
    [
        "../evil",
        "/evil",
        f"{RUN}/../../evil",
        f"{RUN}\\..\\evil",
        "C:/evil",
        f"{RUN}//evil",
        "./evil",
        f"{RUN}/a\0b",
    ],
)
def test_a_name_that_leads_out_is_refused_before_anything_is_written(name: str, runs_dir: Path) -> None:
    with pytest.raises(ResultsError, match="is no name within a runs directory"):
        import_runs(bomb((name, "x")), "there")
    assert not Path("there").exists()
    assert not list(Path().rglob("*evil*"))


def test_a_link_is_neither_packed_nor_unpacked(make_run: MakeRun, runs_dir: Path) -> None:
    info = zipfile.ZipInfo(f"{RUN}/link")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    path = bomb()
    with zipfile.ZipFile(path, "a") as file:
        file.writestr(info, "/etc")
    with pytest.raises(ResultsError, match=r"link' in the zip is a link or no file"):
        import_runs(path, "there")
    run = make_run()
    (run / "link").symlink_to("/etc")
    with pytest.raises(ResultsError, match=r"link' is a symbolic link; put what it names in its place first"):
        export_runs("out.zip")
    assert not Path("out.zip").exists()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("notes.txt", "'notes.txt', which belongs to no run"),
        ("archive/x/run.json", "which belongs to no run"),
        (".hidden/run.json", "which belongs to no run"),
        ("s/study.json", "which belongs to no run"),
        (f"{RUN}/run.json", "has two files of one name"),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_what_is_in_no_run_is_refused(name: str, reason: str, runs_dir: Path) -> None:
    with pytest.raises(ResultsError, match=reason):
        import_runs(bomb((name, "{}")), "there")


def test_a_file_that_is_no_zip_or_damaged(make_run: MakeRun) -> None:
    Path("text.zip").write_text("no zip")
    with pytest.raises(ResultsError, match=r"'text.zip' is no zip file that can be read"):
        import_runs("text.zip", "there")
    with pytest.raises(ResultsError, match=r"can't import 'none.zip'"):
        import_runs("none.zip", "there")
    with zipfile.ZipFile("empty.zip", "w"):
        pass
    with pytest.raises(ResultsError, match="holds no runs"):
        import_runs("empty.zip", "there")
    path = bomb((f"{RUN}/data", "x" * 1000))
    path.write_bytes(path.read_bytes().replace(b"xxxx", b"yyyy", 1))
    with pytest.raises(ResultsError, match="Bad CRC-32"):
        import_runs(path, "there")
    assert list(Path("there").iterdir()) == []


def test_there_must_be_something_to_export(runs_dir: Path) -> None:
    with pytest.raises(ResultsError, match="no runs in 'runs' to export"):
        export_runs("x.zip")
