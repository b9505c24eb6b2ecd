"""The page of a run in Chromium: what a person looks for is there, and what a script printed is only text."""

import base64
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from results import layout, note_run, tag_run, view_run
from results.files import write_json
from results.recorder import Recorder
from results.runs import create_run, finish_run
from results.status import Status

pytestmark = [pytest.mark.browser, pytest.mark.slow]

HOSTILE = """</pre></script><img src=x onerror="hacked=1"><b>'"&🎉\x1b]0;"""
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
TRACEBACK = (
    'Traceback (most recent call last):\n  File "train.py", line 1, in <module>\nValueError: <b>no</b>\n'
)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run that has everything a run can have, named as a user names it."""
    monkeypatch.chdir(tmp_path)
    flags = {"nodes": 64, "rate": 0.1 + 0.2, "text": HOSTILE, HOSTILE[:40]: None, "long": "x" * 10_000}
    path = create_run(
        "runs",
        {"flags": flags, "script": "train.py", "seed": 7, "threads": 1, "versions": {"keras": "3.15.1"}},
    )
    recorder = Recorder(path)
    for step in range(1, 6):
        recorder.log(
            {"loss": 1 / step, "val_loss": 1.5 / step, "learning_rate": 0.001, HOSTILE: step + 0.0}, step=step
        )
    recorder.evaluated({"loss": 0.25})
    recorder.close()
    properties = {"samples": 1000, "batch_size": 32, "optimizer": "Adam", "model": f"Model\n┃ {HOSTILE} ┃"}
    write_json(path / layout.PROPERTIES, properties)
    write_json(path / layout.ERROR, {"type": "ValueError", "message": "<b>no</b>", "traceback": TRACEBACK})
    (path / layout.OUTPUT).write_text(
        f"first\n\x1b[32mgreen\x1b[0m\n10%\r100%\n{HOSTILE}\n" + "a line\n" * 50_000
    )
    (path / layout.SOURCE).mkdir()
    (path / layout.SOURCE / "train.py").write_text(
        f"# {HOSTILE}\nimport keras\n\n\ndef build():\n    return 1\n"
    )
    (path / layout.SOURCE / f"{HOSTILE[18:32].replace('/', '')}.py").write_text("pass\n")
    (path / layout.PLOTS).mkdir()
    (path / layout.PLOTS / "figure-001.png").write_bytes(PIXEL)
    write_json(path / "kept.json", {"what": HOSTILE})
    tag_run(path, "<i>good</i>")
    note_run(path, HOSTILE)
    finish_run(
        path,
        status=Status.FAILED,
        reason=f"ValueError: {HOSTILE!r}",
        peak_memory_bytes=3 << 20,
        cpu_seconds=1.5,
    )
    return path


def section(page: Any, name: str) -> Any:
    """A part of the page by its heading."""
    return page.locator(f"section[aria-labelledby='{name}']")


def test_the_page_shows_all_of_a_run(run: Path, page: Any) -> None:
    page.goto(view_run(run).resolve().as_uri())
    assert page.locator("h1").inner_text() == run.name
    assert page.locator("header .status").inner_text() == "failed"
    facts = dict(zip(page.locator("#summary ~ dl dt").all_inner_texts(),
                     page.locator("#summary ~ dl dd").all_inner_texts(), strict=True))  # fmt: skip
    assert facts["Tags"] == "<i>good</i>"
    assert facts["Seed"] == "7"
    assert facts["Memory, at most"] == "3.0 MiB"
    assert facts["Best val_loss"] == "0.3"
    assert "ValueError: <b>no</b>" in section(page, "error").locator("pre").inner_text()
    assert "0.30000000000000004" in section(page, "flags").inner_text()
    losses = section(page, "metrics").locator("tr", has_text="val_loss").locator("td").all_inner_texts()
    assert losses == ["val_loss", "0.3", "0.3", "-"]
    assert "Adam" in section(page, "training").inner_text()
    assert "┃" in section(page, "model").inner_text()
    assert section(page, "plots").locator("img").evaluate("image => image.naturalWidth") == 1
    assert section(page, "source").locator("pre.code span").count() > 5
    assert "gridruns train train.py --seed 7 --threads 1 -- --nodes 64" in section(page, "again").inner_text()
    assert "3.15.1" in section(page, "environment").inner_text()


def test_every_metric_has_a_curve_beside_its_twin(run: Path, page: Any) -> None:
    page.goto(view_run(run).resolve().as_uri())
    figures = page.locator(".figure")
    assert figures.count() == 3
    for place, curves in enumerate((2, 1, 1)):
        figure = figures.nth(place)
        figure.scroll_into_view_if_needed()
        figure.locator(".scatterlayer path.js-line").first.wait_for(state="attached")
        boxes = [line.bounding_box() for line in figure.locator(".scatterlayer path.js-line").all()]
        assert len(boxes) == curves
        assert all(box["width"] > 100 for box in boxes)
    legend = figures.nth(0).locator(".legendtext").all_text_contents()
    assert legend == ["loss", "val_loss"]


def test_long_output_is_folded_and_says_what_is_left_out(run: Path, page: Any) -> None:
    page.goto(view_run(run).resolve().as_uri())
    output = section(page, "output")
    first = output.locator("pre").first
    assert not first.is_visible()
    output.locator("summary").click()
    assert first.is_visible()
    assert first.inner_text().startswith("first\ngreen\n100%\n")
    size = (run / layout.OUTPUT).stat().st_size
    said = output.locator(".notice").inner_text()
    assert said == f"{size - 120_000:,} bytes are left out here; all of it is in {run.as_posix()}/output.log."
    assert output.locator("pre").last.inner_text().endswith("a line\n")


def test_nothing_that_a_run_says_is_executed(run: Path, page: Any) -> None:
    path = view_run(run)
    page.goto(path.resolve().as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(one => (one.open = true))")
    page.locator(".figure").last.scroll_into_view_if_needed()
    page.locator(".figure").last.locator(".scatterlayer path.js-line").wait_for(state="attached")
    assert page.evaluate("typeof window.hacked") == "undefined"
    assert page.locator("main b, main i, main img:not(.plot)").count() == 0
    for part in ("summary", "flags", "metrics", "model", "kept", "output", "source"):
        assert "onerror=" in section(page, part).inner_text(), part
    assert "x" * 10_000 in section(page, "flags").inner_text()
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_follows_the_systems_colours(scheme: str, run: Path, page_with: Callable[..., Any]) -> None:
    path = view_run(run)
    with page_with(color_scheme=scheme) as page:
        page.goto(path.resolve().as_uri())
        colours = page.evaluate(
            "['backgroundColor', 'color'].map(name => getComputedStyle(document.body)[name])"
        )
        light = [sum(map(int, re.findall(r"\d+", colour)[:3])) for colour in colours]
        assert (light[0] < light[1]) == (scheme == "dark")
        page.locator(".figure").first.scroll_into_view_if_needed()
        page.locator(".figure .xtick text").first.wait_for(state="attached")
        assert (
            page.locator(".figure .xtick text").first.evaluate("text => getComputedStyle(text).fill")
            == colours[1]
        )


def test_a_run_without_anything_has_a_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    path = create_run("runs", {})
    (path / layout.RUN).write_text("torn")
    page.goto(view_run().resolve().as_uri())
    assert page.locator("header .status").inner_text() == "running"
    assert "run.json isn't a readable JSON object" in section(page, "summary").inner_text()
    assert page.locator("section").count() == 1
