"""The report as a browser gets it, parsed; and the command that writes it."""

import html
import json
import math
import re
import subprocess
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import results
from results import layout, leaderboard, note_run, report, tag_run
from results.errors import ResultsError
from results.files import write_json
from results.pages.study import latest_study
from results.recorder import Recorder
from results.status import Status
from search.cli import main

MakeRun = Callable[..., Path]
MakeStudy = Callable[..., Path]

NASTY = "</script><b>\"'&🎉"


class Page(HTMLParser):
    """The text of a page's cells, facts and figures, and every attribute of every element."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.texts: dict[str, list[str]] = {}
        self.figures: dict[str, dict[str, Any]] = {}
        self._name = ""
        self._leaders = False
        self._open: list[str] = []
        self._json = False
        self.source = path.read_text(encoding="utf-8")
        self.feed(self.source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in ("meta", "link", "img", "br", "input"):
            self._open.append(tag)
        self._json = ("type", "application/json") in attrs
        if tag == "table":
            self._leaders = ("id", "leaderboard-table") in attrs
        if ("class", "figure") in attrs:
            self._name = dict(attrs)["data-name"] or ""
        if tag == "tr" and self._leaders:
            self.rows.append([])
        if tag in ("td", "th") and self._leaders:
            self.rows[-1].append("")
        self.texts.setdefault(tag, []).append("")

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self._open:
            return
        if self._json and self._open[-1] == "script":
            self.figures[self._name] = json.loads(data)
        if self._leaders and "tr" in self._open and ("td" in self._open or "th" in self._open):
            self.rows[-1][-1] += data
        self.texts[self._open[-1]][-1] += data

    def column(self, name: str) -> list[str]:
        place = self.rows[0].index(name)
        return [row[place] for row in self.rows[1:]]


@pytest.fixture
def study(make_study: MakeStudy, make_run: MakeRun) -> Path:
    folder = make_study("s")
    record = {
        "name": NASTY, "created": "2026-11-21T09:00:00.000000Z", "script": {"shown": "train.py"},
        "planned": 146, "sample": 0.05, "sampler": {"name": "grid", "order": "random"}, "seed": 7,
        "metric": {"name": "val_loss", "goal": "min"},
    }  # fmt: skip
    write_json(folder / layout.STUDY, record)
    for number, (value, status) in enumerate(
        [(3.0, Status.COMPLETED), (1.0, Status.PRUNED), (2.0, Status.COMPLETED), (math.nan, Status.DIVERGED),
         (None, Status.FAILED), (4.0, None)]
    ):  # fmt: skip
        epochs = [] if value is None else [{"loss": 9.0, "val_loss": value, "val_accuracy": 0.5}]
        flags = {"lr": (number + 1) / 10, "text": NASTY if number else "x", "<b>": "\ud800", "same": 5}
        run_dir = make_run(*epochs, study="s", status=status, flags=flags, number=number)
        Recorder(run_dir).evaluated({"loss": 0.123456789})
    return folder


def test_rows_come_in_the_order_of_the_ranks(study: Path) -> None:
    page = Page(report(study))
    assert page.rows[0] == ["rank", "status", "best_val_loss", "best_epoch", "best_val_accuracy", "eval_loss",
                            "lr", "text", "run"]  # fmt: skip
    assert page.column("rank") == ["1", "2", "3", "-", "-", "-"]
    assert page.column("best_val_loss") == ["1", "2", "3", "-", "-", "4"]
    assert page.column("status") == ["pruned", "completed", "completed", "diverged", "failed", "running"]
    assert page.column("lr") == ["0.2", "0.3", "0.1", "0.4", "0.5", "0.6"]
    assert page.column("eval_loss") == ["0.12346"] * 6
    assert ("td", "title", "0.123456789") in page.attributes
    assert all(layout.RUN_NAME.fullmatch(name) for name in page.column("run"))


def test_the_page_says_what_was_searched(study: Path) -> None:
    page = Page(report(study))
    facts = dict(zip(page.texts["dt"], page.texts["dd"], strict=True))
    assert facts.pop("Report")[:2] == "20"
    assert facts == {
        "Script": "train.py",
        "Plan": "146 trials, sample 0.05, sampler grid, random order",
        "Metric": "val_loss (min)",
        "Seed": "7",
        "Created": "2026-11-21T09:00:00.000000Z",
        "Runs": "6: 2 completed, 1 diverged, 1 failed, 1 pruned, 1 running",
    }
    assert page.texts["h1"] == [NASTY]
    assert any(text.startswith("The same in all rows: ") for text in page.texts["p"])
    assert re.search(r"<b>&lt;b&gt;</b> \\ud800, <b>same</b> 5</p>", page.source)


def test_any_text_is_shown_as_text(study: Path, make_run: MakeRun) -> None:
    make_run({"val_loss": 1.0, "val_<i>": 1.0}, study="s", flags={"text": NASTY, "<b>": None}, number=6)
    page = Page(report(study))
    assert page.column("text").count(NASTY) == 6
    assert "best_val_<i>" in page.rows[0]
    assert page.column("<b>").count("None") == 1
    assert "i" not in page.texts
    assert "b" not in page.texts  # no flag is the same in all rows
    assert "pair <b> text" in page.figures or "pair text <b>" in page.figures
    parallel = page.figures["flags"]["data"][0]
    assert [axis["label"] for axis in parallel["dimensions"]] == [
        "lr",
        "text",
        "&lt;b&gt;",
        "same",
        "val_loss",
    ]
    assert parallel["dimensions"][1]["ticktext"] == [NASTY, "x"]


def test_tags_and_notes_stand_on_the_leaderboard(study: Path) -> None:
    assert "tags" not in Page(report(study)).rows[0]
    best = leaderboard(study)["run_dir"].iloc[0]
    tag_run(best, "paper", "<b>")
    note_run(best, NASTY)
    page = Page(report(study))
    assert page.column("tags") == ["paper, <b>", *[""] * 5]
    assert page.column("note")[0] == NASTY


def test_a_flag_that_does_not_apply_has_an_empty_cell_and_the_figures_say_so(
    make_study: MakeStudy, make_run: MakeRun
) -> None:
    folder = make_study("c")
    for number in range(12):
        layers, nodes = 1 + number % 3, 16 << number % 2
        idle = [] if layers == 3 else ["nodes3"]
        flags = {"layers": layers, "nodes3": nodes}
        make_run({"val_loss": layers / nodes}, study="c", number=number, flags=flags, inactive=idle)
    path = report(folder)
    assert sorted(Page(path).column("nodes3")) == [*[""] * 8, "16", "16", "32", "32"]
    said = "(not set) stands for runs that a flag doesn't apply to, or that don't have it: nodes3."
    for section in ("effects", "importances", "pairs", "flags"):
        part = path.read_text().split(f'<div id="{section}-part"')[1].split("</section>")[0]
        assert said in html.unescape(part)


def test_nothing_is_fetched_from_a_network(study: Path) -> None:
    page = Page(report(study))
    fetching = [item for item in page.attributes if item[1] in ("src", "href", "srcset", "data", "action")]
    assert all(name == "href" and value.startswith("#") for _, name, value in fetching)
    assert page.texts.keys().isdisjoint({"link", "iframe", "img", "object", "base"})
    (policy,) = [value for _, name, value in page.attributes if name == "content" and "default-src" in value]
    assert policy.startswith("default-src 'none'; ")
    assert "http" not in policy
    style, *scripts = page.texts["style"] + page.texts["script"]
    assert "@import" not in style
    assert "url(" not in style
    assert sum("plotly.js v" in text[:200] for text in scripts) == 1
    (drawing,) = [text for text in scripts if 'showSendToCloud: false, plotlyServerURL: ""' in text]
    assert "fetch(" not in drawing + next(text for text in scripts if "sortable" in text)


def test_another_metric_can_rank_the_runs(study: Path) -> None:
    page = Page(report(study, metric="val_accuracy", goal="max"))
    assert page.rows[0][:3] == ["rank", "status", "best_val_accuracy"]
    assert "val_accuracy (max)" in page.texts["dd"]


@pytest.mark.parametrize("runs", [0, 1, 3])
def test_a_study_without_a_winner_says_so(make_study: MakeStudy, make_run: MakeRun, runs: int) -> None:
    folder = make_study("s")
    for status in [None, Status.FAILED, Status.KILLED][:runs]:
        make_run(study="s", status=status, flags={"lr": 0.1}, number=0)
    page = Page(report(folder))
    said = "No run has started yet." if runs == 0 else (
        "No run has completed with a finite val_loss: there is no winner yet.")  # fmt: skip
    assert said in page.texts["p"]
    assert set(page.figures) == ({"timeline"} if runs else set())
    assert ("script" in page.texts) == (runs > 0)
    assert len(page.rows) == (runs + 1 if runs else 0)


def test_damaged_files_break_nothing(study: Path) -> None:
    (study / layout.STUDY).write_text('{"name": 5, "torn')
    first = min(path for path in study.iterdir() if path.is_dir())
    (first / layout.RUN).write_text("torn")
    page = Page(report(study))
    assert page.texts["h1"] == ["s"]
    assert len(page.rows) == 7
    assert "Not shown: 3 runs without a number or a finite val_loss." in page.texts["p"]


def test_the_file_is_replaced_and_nothing_is_left_beside_it(study: Path, tmp_path: Path) -> None:
    before = {path.name for path in study.iterdir()}
    assert report(study) == report(str(study)) == study / "report.html"
    assert {path.name for path in study.iterdir()} == {*before, "report.html"}
    assert report(study, output="other.html") == Path("other.html")
    assert (tmp_path / "other.html").stat().st_size > 4_000_000
    with pytest.raises(ResultsError, match=r"^can't write the page 'no/x.html': No such file or directory$"):
        report(study, output="no/x.html")
    with pytest.raises(ResultsError, match=r"^can't write the page 'runs': Is a directory$"):
        report(study, output="runs")
    assert not list(tmp_path.glob(".*"))


def test_the_latest_study_is_the_one_created_last(study: Path, make_study: MakeStudy) -> None:
    later = make_study("a")
    write_json(later / layout.STUDY, {"created": "2026-11-21T09:00:01.000000Z"})
    assert latest_study() == later
    confirming = make_study("a-confirm")
    write_json(confirming / layout.STUDY, {"created": "2026-11-21T09:00:02.000000Z"})
    assert latest_study() == later
    assert report() == later / "report.html"


def test_a_study_that_is_not_there_is_an_error(study: Path, make_run: MakeRun, tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match=r"^no study at 'runs': it has no study.json$"):
        report("runs")
    with pytest.raises(ResultsError, match=r"^no directory of runs at 'nowhere'$"):
        report(runs_dir="nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ResultsError, match=r"^no study in 'empty'$"):
        report(runs_dir="empty")
    with pytest.raises(ResultsError, match=r"^unknown metric 'val_los'; did you mean 'val_loss'\?"):
        report(study, metric="val_los")


def test_the_command_prints_the_path(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, expected in (
        ([], "runs/s/report.html"),
        (["s"], "runs/s/report.html"),
        (["runs/s", "--output", "x.html"], "x.html"),
    ):
        assert main(["report", *arguments]) == 0
        assert capsys.readouterr().out == f"{expected}\n"
        assert Path(expected).is_file()
    assert main(["report", "nowhere"]) == 2
    assert capsys.readouterr().err == "gridruns: unknown study 'nowhere' (known: s)\n"


def test_the_name_is_the_function_however_often_it_is_imported(study: Path) -> None:
    report(study)
    assert callable(results.report)
    code = "import sys, results, search.cli; sys.exit('plotly' in sys.modules or 'pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
