"""The page of an evaluation in Chromium: the matrix, the bubbles, the mistakes; and text is only text."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from results import layout, view_evaluation
from results.evaluation import Evaluation, assess
from results.kept import HeldOut, write_held_out
from results.predicting import Answers
from results.recorder import Recorder
from results.runs import create_run

pytestmark = [pytest.mark.browser, pytest.mark.slow]

HOSTILE = '</script><img src=x onerror="hacked=1"><b>'
REFERENCE = [0, 0, 1, 1, 2, 2, 2, 2]
PREDICTED = [0, 1, 1, 1, 2, 1, 1, 0]
CONFIDENCE = [0.9, 0.8, 0.9, 0.9, 0.9, 0.7, 0.95, 0.6]


@pytest.fixture
def judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Evaluation]:
    """An evaluation of eight samples of three classes, as samples of a shape."""
    monkeypatch.chdir(tmp_path)
    run = create_run("runs", {"script": HOSTILE}).rename(Path("runs") / "a <b>run")
    recorder = Recorder(run)
    recorder.evaluated({HOSTILE: 0.5})
    recorder.close()

    def make(*shape: int, predicted: list[int] | None = None) -> Evaluation:
        said = PREDICTED if predicted is None else predicted
        chances = np.full((8, 3), 0.0)
        for row, (label, sure) in enumerate(zip(said, CONFIDENCE, strict=True)):
            chances[row] = (1 - sure) / 2
            chances[row, label] = sure
        x = np.random.default_rng(0).random((8, *shape))
        write_held_out(run / layout.HELD_OUT, HeldOut(x, np.array(REFERENCE)))
        return assess(run, np.array(REFERENCE), Answers({HOSTILE: 0.5, "loss": 0.25}, chances, False))

    return make


def open_page(page: Any, evaluation: Evaluation) -> None:
    page.goto(view_evaluation(evaluation).resolve().as_uri())


def test_the_page_shows_all_of_an_evaluation(judged: Callable[..., Evaluation], page: Any) -> None:
    open_page(page, judged(64))
    assert page.locator("h1").inner_text() == "a <b>run, evaluated"
    facts = dict(zip(page.locator("dt").all_inner_texts(), page.locator("dd").all_inner_texts(), strict=True))
    assert (facts["Samples"], facts["Mistakes"], facts["accuracy"]) == ("8", "4", "0.5000")
    assert facts[f"evaluate(): {HOSTILE}"] == "0.5 (0.5 recorded by the run)"
    assert facts["p-value, McNemar's test"] == "0.2615"  # chi square 1 + 1 + 2, 3 degrees of freedom
    cells = page.locator(".matrix tbody tr").all()
    assert [row.locator("td").all_inner_texts() for row in cells] == [
        ["1", "0", "1"],
        ["1", "2", "2"],
        ["0", "0", "1"],
    ]
    assert page.locator(".matrix td.right").all_inner_texts() == ["1", "2", "1"]
    classes = page.locator("section[aria-labelledby='classes'] tbody tr")
    assert classes.nth(1).locator("td").first.inner_text() == "1"
    assert classes.nth(1).locator("td").nth(1).inner_text() == "1"  # both samples of class 1 were found


def test_bubbles_are_as_many_as_pairs_and_as_large_as_their_counts(
    judged: Callable[..., Evaluation], page: Any
) -> None:
    open_page(page, judged(64))
    figure = page.locator(".figure")
    figure.scroll_into_view_if_needed()
    figure.locator(".point").nth(2).wait_for(state="attached")
    widths = [point.bounding_box()["width"] for point in figure.locator("path.point").all()]
    assert len(widths) == 3
    assert widths[0] ** 2 / widths[1] ** 2 == pytest.approx(2, rel=0.1)
    assert figure.locator(".textpoint").all_text_contents() == ["2", "1", "1"]


def test_mistakes_are_pictures_the_surest_first(judged: Callable[..., Evaluation], page: Any) -> None:
    open_page(page, judged(64))
    mistakes = page.locator(".mistakes li")
    said = [item.inner_text().splitlines() for item in mistakes.all()]
    assert [lines[0] for lines in said] == [
        "predicted 1, but is 2",
        "predicted 1, but is 0",
        "predicted 1, but is 2",
        "predicted 0, but is 2",
    ]
    assert said[0][1] == "95.0% against 2.5%, sample 6"
    for image in page.locator(".mistakes img").all():
        image.scroll_into_view_if_needed()
        assert image.evaluate("async image => (await image.decode(), image.naturalWidth)") == 8


def test_samples_that_are_no_images_are_a_table(judged: Callable[..., Evaluation], page: Any) -> None:
    open_page(page, judged(5))
    assert page.locator("main img").count() == 0
    rows = page.locator("section[aria-labelledby='mistakes'] tbody tr")
    assert rows.count() == 4
    assert rows.first.locator("td").all_inner_texts()[:4] == ["6", "2", "1", "0.95"]


def test_nothing_of_the_run_is_executed(judged: Callable[..., Evaluation], page: Any) -> None:
    open_page(page, judged(8, 8))
    assert page.evaluate("typeof window.hacked") == "undefined"
    assert page.locator("main b").count() == 0
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide == 0


def test_without_a_mistake_there_is_nothing_to_draw(judged: Callable[..., Evaluation], page: Any) -> None:
    open_page(page, judged(64, predicted=REFERENCE))
    assert page.locator(".figure").count() == 0
    assert "every sample was predicted right" in page.locator("main").inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_follows_the_systems_colours(
    scheme: str, judged: Callable[..., Evaluation], page_with: Callable[..., Any]
) -> None:
    evaluation = judged(64)
    with page_with(color_scheme=scheme) as page:
        open_page(page, evaluation)
        colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (sum(map(int, re.findall(r"\d+", colour)[:3])) < 3 * 128) == (scheme == "dark")
        page.locator(".figure").scroll_into_view_if_needed()
        text = page.locator(".figure .xtick text").first
        text.wait_for(state="attached")
        assert text.evaluate("text => getComputedStyle(text).fill") == page.evaluate(
            "getComputedStyle(document.body).color"
        )
