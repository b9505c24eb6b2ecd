"""The page that compares runs, in Chromium."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from results import layout, view_comparison
from results.files import write_json
from results.recorder import Recorder
from results.runs import create_run, finish_run
from results.status import Status

pytestmark = [pytest.mark.browser, pytest.mark.slow]

HOSTILE = """</pre></script><img src=x onerror="hacked=1"><b>'"&🎉"""


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Three runs of a study, the second the best; the source of the third is another."""
    monkeypatch.chdir(tmp_path)
    Path("runs/s").mkdir(parents=True)
    write_json(Path("runs/s") / layout.STUDY, {"metric": {"name": "val_loss", "goal": "min"}})
    found = []
    for number, loss in enumerate((0.5, 0.25, 0.75)):
        flags = {"nodes": 64 << number, "text": HOSTILE * (number + 1), "long": "x" * 10_000, "same": 5}
        run = create_run("runs/s", {"study": "s", "number": number, "flags": flags, "seed": number})
        recorder = Recorder(run)
        for step in range(1, 5):
            metrics = {"loss": loss / step, "val_loss": loss + 1 / step, HOSTILE: step + 0.0}
            recorder.log(metrics, step=step)
        recorder.close()
        (run / layout.SOURCE).mkdir()
        (run / layout.SOURCE / "train.py").write_text(f"a = 1\nb = {'2' if number < 2 else HOSTILE}\n")
        (run / layout.OUTPUT).write_text(f"printed by {number}: {HOSTILE}\n")
        finish_run(run, status=Status.COMPLETED)
        found.append(run)
    return found


@pytest.fixture
def opened(runs: list[Path], page: Any) -> Any:
    """The page of the three runs."""
    page.goto(view_comparison(*runs).resolve().as_uri())
    return page


def section(page: Any, name: str) -> Any:
    """A part of the page by its heading."""
    return page.locator(f"section[aria-labelledby='{name}']")


def test_what_differs_comes_first_and_what_is_equal_is_folded(opened: Any) -> None:
    order = opened.locator("section").evaluate_all(
        "all => all.map(one => one.getAttribute('aria-labelledby'))"
    )
    assert order == ["runs", "differences", "metrics", "curves", "source", "output"]
    differences = section(opened, "differences")
    nodes = differences.locator("tr", has=opened.locator("th", has_text="nodes"))
    assert nodes.locator("td").all_inner_texts() == ["flag", "64", "128", "256"]
    same = differences.locator("details tr", has=opened.locator("th", has_text="same"))
    assert not same.is_visible()
    differences.locator("summary").click()
    assert same.locator("td").all_inner_texts() == ["flag", "5"]


def test_the_best_of_each_metric_is_marked(opened: Any) -> None:
    row = section(opened, "metrics").locator("tr", has_text="val_loss").first
    assert row.locator("td.number").all_inner_texts() == ["0.75", "0.5", "1"]
    assert row.locator("td.best").all_inner_texts() == ["0.5"]
    assert "★" in row.locator("td.best").evaluate("cell => getComputedStyle(cell, '::after').content")


def test_the_runs_curves_lie_over_each_other(opened: Any) -> None:
    figures = opened.locator(".figure")
    assert figures.count() == 2
    figures.first.scroll_into_view_if_needed()
    lines = figures.first.locator(".scatterlayer path.js-line")
    lines.first.wait_for(state="attached")
    assert lines.count() == 6
    assert all(line.bounding_box()["width"] > 100 for line in lines.all())
    assert figures.first.locator(".legendtext").first.text_content() == "trial 0: loss"


def test_the_difference_of_the_source_is_shown_once_for_equal_sources(opened: Any) -> None:
    source = section(opened, "source")
    assert source.locator("summary").all_inner_texts() == ["train.py: trial 0 against trial 2"]
    assert source.locator("del").all_inner_texts() == ["-b = 2\n"]
    assert source.locator("ins").all_inner_texts() == [f"+b = {HOSTILE}\n"]
    assert source.locator("ins").bounding_box()["height"] > 5


def test_output_is_shown_on_demand(opened: Any) -> None:
    output = section(opened, "output")
    printed = output.locator("pre").nth(1)
    assert not printed.is_visible()
    output.locator("summary").nth(1).click()
    assert printed.inner_text() == f"printed by 1: {HOSTILE}\n"


def test_nothing_that_a_run_says_is_executed(opened: Any) -> None:
    opened.evaluate("document.querySelectorAll('details').forEach(one => (one.open = true))")
    opened.locator(".figure").last.scroll_into_view_if_needed()
    opened.locator(".figure").last.locator(".scatterlayer path.js-line").first.wait_for(state="attached")
    assert opened.evaluate("typeof window.hacked") == "undefined"
    assert opened.locator("main b, main img").count() == 0
    for part in ("differences", "metrics", "curves", "source", "output"):
        assert "onerror=" in section(opened, part).text_content(), part
    assert "x" * 10_000 in section(opened, "differences").inner_text()
    wide = opened.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide == 0


def test_the_page_is_dark_where_the_system_is(runs: list[Path], page_with: Callable[..., Any]) -> None:
    path = view_comparison(*runs)
    seen = []
    for scheme in ("light", "dark"):
        with page_with(color_scheme=scheme) as page:
            page.goto(path.resolve().as_uri())
            seen.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert seen == ["rgb(255, 255, 255)", "rgb(22, 24, 29)"]
