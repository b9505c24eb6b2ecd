"""The commands that manage runs: what they ask, say and do."""

from pathlib import Path

import pytest

from results import layout, leaderboard
from results.files import write_json
from results.runs import create_run, finish_run
from results.status import Status
from search.cli import main


class Terminal:
    """Standard input of a user who has typed an answer."""

    def __init__(self, answer: str) -> None:
        self.answer = answer

    def isatty(self) -> bool:
        return True

    def readline(self) -> str:
        return self.answer + "\n"


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of two runs, the second in the study `s`."""
    monkeypatch.chdir(tmp_path)
    made = [create_run("runs", {"flags": {"a": 1}}), create_run("runs/s", {"flags": {"a": 2}, "study": "s"})]
    write_json(Path("runs/s") / layout.STUDY, {"name": "s", "metric": {"name": "val_loss", "goal": "min"}})
    for run in made:
        (run / "model.txt").write_text("weights")
        finish_run(run, status=Status.COMPLETED)
    return [run.name for run in made]


def answer(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("sys.stdin", Terminal(text))
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setattr("click.termui.visible_prompt_func", lambda prompt="": text)


@pytest.mark.parametrize(
    ("command", "question"),
    [
        (["clean"], "Move 2 runs to runs/archive?"),
        (["restore"], "Move 1 run from the archive back?"),
        (["purge"], "Delete 1 run in the archive for good?"),
        (["rm", "s"], "Delete runs/s with 1 run for good?"),
    ],
)
def test_without_a_terminal_and_without_yes_nothing_happens(
    command: list[str], question: str, runs: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    if command[0] in ("restore", "purge"):
        main(["clean", runs[0], "--yes"])
    before = sorted(Path("runs").rglob("*"))
    capsys.readouterr()
    assert main(command) == 2
    assert capsys.readouterr().err == f"gridruns: {question} There is no terminal to ask at; give --yes\n"
    assert sorted(Path("runs").rglob("*")) == before


def test_the_answer_counts(
    runs: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    answer(monkeypatch, "n")
    assert main(["rm", "s"]) == 130
    assert Path("runs/s").exists()
    answer(monkeypatch, "y")
    assert main(["rm", "s"]) == 0
    assert not Path("runs/s").exists()
    assert "deleted runs/s with 1 run" in capsys.readouterr().out


def test_clean_restore_purge(runs: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    single, inner = runs
    assert main(["clean", "--keep", "1", "--yes"]) == 0
    assert main(["clean", "s", "--yes"]) == 0
    assert main(["clean", "--yes"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"archived runs/archive/{single}",
        f"archived runs/archive/s/{inner}",
        "no runs",
    ]
    assert main(["restore", inner, "--yes"]) == 0
    assert main(["purge", "--yes"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown == [f"restored runs/s/{inner}", f"deleted runs/archive/{single}"]


def test_copy_export_import(runs: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["copy", runs[0], "--to", "best", "--rename", "winner"]) == 0
    assert main(["copy-files", *runs, "--to", "models"]) == 0
    assert main(["export", "all.zip"]) == 0
    assert main(["import", "all.zip", "--runs-dir", "there"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "copied to best/winner",
        *(f"copied to models/{name}" for name in runs),
        "2 runs in all.zip",
        f"imported there/{runs[0]}",
        f"imported there/s/{runs[1]}",
    ]
    assert [path.name for path in Path("models", runs[1]).iterdir()] == ["model.txt"]
    assert main(["import", "all.zip"]) == 2
    assert "exists already" in capsys.readouterr().err


def test_tags_and_notes_stand_on_the_leaderboard(runs: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tag", runs[1], "best", "paper"]) == 0
    assert main(["note", runs[1], "for the paper"]) == 0
    assert main(["tag", runs[1], "--remove", "paper"]) == 0
    assert capsys.readouterr().out.splitlines() == ["tags: best, paper", "note: for the paper", "tags: best"]
    row = leaderboard("runs/s").iloc[0]
    assert (row["tags"], row["note"]) == ("best", "for the paper")
    assert leaderboard("runs").set_index("status")["tags"].isna().sum() == 1
