"""`gridruns ls`: filter, sort, columns, limit, watch."""

import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from results import layout
from results.files import write_json
from results.recorder import Recorder
from results.runs import create_run, finish_run
from results.status import Status
from search.cli import main


def make_run(loss: float, **flags: object) -> Path:
    run = create_run("runs/s", {"flags": flags, "study": "s", "script": "train.py"})
    recorder = Recorder(run)
    recorder.log({"val_loss": loss})
    recorder.close()
    finish_run(run, status=Status.COMPLETED)
    return run


@pytest.fixture(autouse=True)
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    monkeypatch.chdir(tmp_path)
    Path("runs/s").mkdir(parents=True)
    write_json(Path("runs/s", layout.STUDY), {"name": "s", "metric": {"name": "val_loss", "goal": "min"}})
    return [
        make_run(loss, optimizer=optimizer, nodes=nodes)
        for loss, optimizer, nodes in (
            (0.3, "adam", 64),
            (0.1, "sgd", 128),
            (0.2, "adam", 128),
            (0.05, "adam", 64),
        )
    ]


def rows(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, object]]:
    assert main(["ls", *arguments, "--json"]) == 0
    found: list[dict[str, object]] = json.loads(capsys.readouterr().out)
    return found


def losses(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[object]:
    return [row["best_val_loss"] for row in rows(capsys, *arguments)]


def test_a_name_that_nothing_has_is_told_what_there_is(
    study: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    for command in ("ls", "best", "report", "tensorboard"):
        assert main([command, "t"]) == 2
        assert capsys.readouterr().err == "gridruns: unknown study 't' (known: s)\n"
    make_run(0.4)
    for arguments in (["show", "s"], ["show", "s", "--html"]):
        assert main(arguments) == 2
        assert capsys.readouterr().err == "gridruns: one run is wanted, but 's' is a study of 5\n"


def test_tags_notes_and_what_does_not_apply_are_shown(
    study: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["tag", str(study[3]), "best", "paper"]) == 0
    record = json.loads((study[3] / layout.RUN).read_text())
    write_json(study[3] / layout.RUN, {**record, "inactive": ["nodes"]})
    capsys.readouterr()
    assert main(["ls", "s"]) == 0
    head, first, *_ = capsys.readouterr().out.splitlines()
    assert "tags" in head and "best, paper" in first and "note" not in head
    assert "64" not in first and " - " in first
    assert main(["best", "s"]) == 0
    assert "--nodes 64" in capsys.readouterr().out, "what the script got, though it didn't apply"


def test_where_sort_and_limit(capsys: pytest.CaptureFixture[str]) -> None:
    assert losses(capsys) == [0.05, 0.2, 0.1, 0.3], "newest first"
    assert losses(capsys, "s") == [0.05, 0.1, 0.2, 0.3], "best first"
    assert losses(capsys, "--where", "best_val_loss < 0.25 and flag_optimizer == 'adam'") == [0.05, 0.2]
    assert losses(capsys, "s", "--sort", "-best_val_loss", "--limit", "2") == [0.3, 0.2]
    assert losses(capsys, "--sort", "flag_nodes", "--sort=-best_val_loss") == [0.3, 0.05, 0.2, 0.1]
    assert rows(capsys, "s", "--columns", "flag_nodes, rank", "--limit", "1") == [
        {"flag_nodes": 64, "rank": 1}
    ]


def test_columns_are_shown_in_the_order_asked_for(
    capsys: pytest.CaptureFixture[str], study: list[Path]
) -> None:
    assert main(["ls", "s", "--columns", "rank,best_val_loss,flag_optimizer", "--limit", "3"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "rank  best_val_loss  flag_optimizer",
        "1     0.05           adam",
        "2     0.1            sgd",
        "3     0.2            adam",
        "",
        "The first 3 of 4 runs",
    ]
    (study[3] / layout.OUTPUT).write_text("hello")
    assert main(["ls", "s", "--columns", "output", "--csv"]) == 0
    assert capsys.readouterr().out.splitlines()[:2] == ["output", "hello"]
    assert "output" not in rows(capsys)[0]


def test_tags_and_note_are_columns(capsys: pytest.CaptureFixture[str], study: list[Path]) -> None:
    write_json(study[0] / "notes.json", {"tags": ["good", "slow"], "note": "look again"})
    assert rows(capsys, "--where", "note == note", "--columns", "tags,note") == [
        {"tags": "good, slow", "note": "look again"}
    ]


def test_nothing_found_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ls", "--where", "best_val_loss > 7"]) == 0
    assert capsys.readouterr().out == "no runs\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--where", "best_val_los < 1"], "unknown column 'best_val_los'; did you mean 'best_val_loss'"),
        (["--sort", "-rnk"], "unknown column 'rnk'; did you mean 'rank'"),
        (["--columns", "rank,flag_node"], "unknown column 'flag_node'; did you mean 'flag_nodes'"),
        (
            ["--columns", "rank,,status"],
            "--columns takes names with commas between them, but got 'rank,,status'",
        ),
        (["--limit", "0"], "limit must be at least 1, but got 0"),
        (["--watch"], "--watch needs a terminal to draw on"),
        (["--watch", "--json"], "--watch draws a table, so it can't be combined with --json or --csv"),
    ],
)
def test_mistakes_are_one_line(
    capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert main(["ls", *arguments]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert message in shown.err
    assert shown.err.count("\n") == 1


def test_watch_redraws_until_ctrl_c() -> None:
    """On a real terminal: a run made while it watches appears, and Ctrl-C ends it well."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "gridruns", "ls", "s", "--watch", "--columns", "best_val_loss"]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "80", "LINES": "40"}
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment) as process:
        os.close(theirs)
        wait_for(ours, b"0.05")
        make_run(0.0123, optimizer="sgd", nodes=64)
        wait_for(ours, b"0.0123")
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    os.close(ours)


def wait_for(terminal: int, text: bytes) -> None:
    """Read until the text has come; a terminal that says nothing more ends the test with an error."""
    shown = b""
    while text not in shown:
        shown += os.read(terminal, 65536)
