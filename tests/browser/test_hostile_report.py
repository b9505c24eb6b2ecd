"""A study whose every text is hostile, as its report shows it in Chromium: as text, and nothing more."""

import math
from pathlib import Path
from typing import Any

import pytest

from results import layout, report
from results.files import write_json
from results.recorder import Recorder
from results.runs import create_run, finish_run
from results.status import Status

pytestmark = [pytest.mark.browser, pytest.mark.slow]

HOSTILE = """</script><img src=x onerror="hacked=1"><b>'"&🎉"""
RUNS = 12


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A study of twelve runs, the seventh the best, the last diverged; name, flag and metric are hostile."""
    monkeypatch.chdir(tmp_path)
    folder = Path("runs/s")
    folder.mkdir(parents=True)
    write_json(folder / layout.STUDY, {"name": HOSTILE, "metric": {"name": "val_loss", "goal": "min"}})
    for number in range(RUNS):
        flags = {"nodes": 32 << number % 3, "text": HOSTILE if number % 2 else "plain", "long": "x" * 10_000,
                 HOSTILE: number % 4}  # fmt: skip
        run = create_run(folder, {"study": "s", "number": number, "flags": flags})
        recorder = Recorder(run)
        for step in range(1, 5):
            loss = 1 + abs(number - 6) / 10 + 1 / step
            recorder.log({"val_loss": math.nan if number == 11 else loss, f"val_{HOSTILE}": 1.0}, step=step)
        recorder.close()
        ends = number == 11
        finish_run(
            run, status=Status.DIVERGED if ends else Status.COMPLETED, reason=HOSTILE if ends else None
        )
    return folder


@pytest.fixture
def opened(study: Path, page: Any) -> Any:
    """The study's report."""
    page.goto(report(study).resolve().as_uri())
    return page


def column(page: Any, title: str) -> list[str]:
    """A column of the rows that are shown."""
    place = page.locator("#leaderboard-table th").evaluate_all(
        "(all, title) => all.findIndex(one => one.title === title)", title
    )
    rows = page.locator("#leaderboard-table tbody tr:visible")
    found: list[str] = rows.evaluate_all("(all, i) => all.map(row => row.cells[i].textContent)", place)
    return found


def test_nothing_that_a_study_says_is_executed(opened: Any) -> None:
    opened.evaluate("document.querySelectorAll('details').forEach(one => (one.open = true))")
    for figure in opened.locator(".figure").all():
        if figure.is_visible():
            figure.scroll_into_view_if_needed()
            figure.locator("svg.main-svg").first.wait_for(state="attached")
    assert opened.evaluate("typeof window.hacked") == "undefined"
    assert opened.locator("main img, td b, h1 b").count() == 0
    assert opened.locator("h1").inner_text() == HOSTILE
    assert HOSTILE in column(opened, "flag_text")
    assert HOSTILE in opened.locator("section[aria-labelledby='failures']").inner_text()
    wide = opened.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide == 0
