"""A report's confirmation and its Pareto front in Chromium."""

from pathlib import Path
from typing import Any

import pytest

from results import layout, report
from results.files import write_json
from results.recorder import Recorder
from results.runs import create_run, finish_run
from results.status import Status

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def add(study: Path, number: int, a: int, seed: int, **metrics: float) -> None:
    run = create_run(study, {"study": study.name, "number": number, "seed": seed, "flags": {"a": a}})
    recorder = Recorder(run)
    recorder.log(metrics)
    recorder.close()
    finish_run(run, status=Status.COMPLETED)


def make(folder: Path) -> Path:
    folder.mkdir(parents=True)
    metrics = {"metric": {"name": "val_loss", "goal": "min"}, "also": [{"name": "seconds", "goal": "min"}]}
    write_json(folder / layout.STUDY, {"name": folder.name, **metrics})
    return folder


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """Four points, three of them on the front, and the best two confirmed with two seeds."""
    folder, beside = make(tmp_path / "runs" / "s"), make(tmp_path / "runs" / "s-confirm")
    for a, (loss, seconds) in enumerate([(1.0, 9.0), (2.0, 5.0), (3.0, 6.0), (4.0, 1.0)]):
        add(folder, a, a, a, val_loss=loss, seconds=seconds)
    for number, (a, seed, loss) in enumerate([(0, 8, 1.5), (0, 9, 2.5), (1, 8, 2.25), (1, 9, 1.75)]):
        add(beside, number, a, seed, val_loss=loss, seconds=5.0)
    return folder


def test_what_a_confirmation_found_is_read_first(page: Any, study: Path) -> None:
    page.goto(report(study).resolve().as_uri())
    assert page.locator("section h2").all_text_contents()[:3] == [
        "Confirmation", "Leaderboard", "The Pareto front: 3 of 4 runs"
    ]  # fmt: skip
    part = page.locator("section", has=page.get_by_role("heading", name="Confirmation", exact=True))
    assert part.get_by_text("can't be told from number 2 with 2 seeds").is_visible()
    assert part.get_by_text("The search's best val_loss was 1; with new seeds that point has 2").is_visible()
    table = part.locator("table")
    assert table.is_visible()
    assert table.locator("tbody tr").count() == 2
    heads = table.locator("thead th").all_text_contents()
    assert [head.strip() for head in heads[:4]] == [
        "rank",
        "mean val loss",
        "95% interval",
        "probability best",
    ]
    assert page.locator("#leaderboard-table th[title=confirmed_val_loss]").is_visible()


def test_the_front_is_drawn_and_filters(page: Any, study: Path) -> None:
    page.goto(report(study).resolve().as_uri())
    figure = page.locator(".figure[data-name=front]")
    figure.scroll_into_view_if_needed()
    figure.locator(".main-svg").first.wait_for()
    assert figure.locator(".scatterlayer .trace").count() == 2
    titles = figure.locator(".xtitle, .ytitle").all_text_contents()
    assert titles == ["val_loss (min)", "seconds (min)"]
    page.fill("#filter", "pareto=True")
    assert page.locator("#leaderboard-table tbody tr:visible").count() == 3
