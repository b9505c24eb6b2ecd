"""The report in Chromium: what a person would look for, with the mouse, without it, in the dark, and live."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from results import layout, report
from results.files import write_json
from results.live import serving
from results.recorder import Recorder
from results.runs import create_run, finish_run
from results.status import Status

pytestmark = [pytest.mark.browser, pytest.mark.slow]

NASTY = "<img src=x onerror=alert(1)>'\"&🎉"
COLUMN = "th[title='best_val_loss']"


def add(study: Path, number: int, value: float | None, **flags: Any) -> None:
    run = create_run(study, {"study": study.name, "number": number, "flags": flags})
    recorder = Recorder(run)
    for step in range(3):
        if value is not None:
            recorder.log({"val_loss": value + 1 - step / 2})
    recorder.close()
    if value is None:
        finish_run(run, status=Status.FAILED, reason=NASTY)
    else:
        finish_run(run, status=Status.COMPLETED)


@pytest.fixture
def study(tmp_path: Path) -> Path:
    folder = tmp_path / "runs" / "s"
    folder.mkdir(parents=True)
    write_json(folder / layout.STUDY, {"name": NASTY, "metric": {"name": "val_loss", "goal": "min"}})
    for number in range(24):
        opt = ("adam", NASTY)[number // 3 % 2]
        lr = 10.0 ** -(number % 3)
        add(folder, number, (number * 7 % 24) / 10 + 0.5, lr=lr, opt=opt, units=16 * (1 + number // 6 % 2))
    add(folder, 24, None, lr=1.0, opt="adam", units=16)
    return folder


def cells(page: Any, name: str) -> list[str]:
    place = page.locator(f"#leaderboard-table th[title='{name}']").evaluate("one => one.cellIndex")
    found: list[str] = page.locator("#leaderboard-table tbody tr:visible").evaluate_all(
        "(rows, place) => rows.map(row => row.cells[place].textContent)", place
    )
    return found


def open_file(page: Any, study: Path) -> None:
    page.goto(report(study).resolve().as_uri())


def test_the_winner_comes_first_and_a_click_sorts(page: Any, study: Path) -> None:
    open_file(page, study)
    assert page.title() == f"{NASTY}: gridruns report"
    assert cells(page, "rank")[0] == "1"
    assert cells(page, "best_val_loss")[0] == "0.5"
    page.locator(f"{COLUMN} button").click()
    page.locator(f"{COLUMN}[aria-sort=ascending]").wait_for()
    page.locator(f"{COLUMN} button").click()
    page.locator(f"{COLUMN}[aria-sort=descending]").wait_for()
    assert cells(page, "best_val_loss")[0] == "2.8"
    assert cells(page, "best_val_loss")[-1] == "-"  # the run without a value stays last
    assert page.locator("th[aria-sort=none]").count() == page.locator("th[aria-sort]").count() - 1
    page.locator("th[title=flag_lr] button").click()
    assert cells(page, "flag_lr") == sorted(cells(page, "flag_lr"), key=float)


def test_the_keyboard_is_enough(page: Any, study: Path) -> None:
    open_file(page, study)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the results"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "filter"
    page.keyboard.type("adam")
    page.locator(f"{COLUMN} button").focus()
    page.keyboard.press("Enter")
    page.locator(f"{COLUMN}[aria-sort=ascending]").wait_for()
    page.keyboard.press("Space")
    page.locator(f"{COLUMN}[aria-sort=descending]").wait_for()
    page.locator("#effects-part summary").focus()
    page.keyboard.press("Enter")
    assert page.locator("#effects-part table").is_visible()


@pytest.mark.parametrize(
    ("words", "count"),
    [("", 25), ("adam", 13), ("ADAM lr=1", 5), ("status=failed", 1), ("status!=failed", 24),
     ("best_val_loss<0.75", 3), ("val_nothing=3", 0), ("onerror", 12), ("flag_lr<=0.1 units>16", 8)],
)  # fmt: skip
def test_a_filter_keeps_the_rows_that_fit(page: Any, study: Path, words: str, count: int) -> None:
    open_file(page, study)
    page.fill("#filter", words)
    assert page.locator("#leaderboard-table tbody tr:visible").count() == count
    assert page.locator("output").text_content() == f"{count} of 25 runs"


def test_every_figure_is_drawn_and_pairs_can_be_chosen(page: Any, study: Path) -> None:
    open_file(page, study)
    headings = page.locator("section h2").all_text_contents()
    assert headings == [
        "Leaderboard", "Optimization history", "Effects of the flags", "Importances", "Pairs of flags",
        "Flags and the metric", "Learning curves", "Timeline", "Failures",
    ]  # fmt: skip
    for name in ("history", "effects", "mean-decrease", "fanova", "flags", "curves", "timeline"):
        place = page.locator(f".figure[data-name='{name}']")
        place.scroll_into_view_if_needed()
        place.locator(".main-svg").first.wait_for()
    assert page.locator(".figure[data-name=curves] .scatterlayer .trace").count() == 11
    assert page.locator(".figure[data-name=effects] .boxlayer .trace").count() == 3
    select = page.locator("select.choice")
    select.scroll_into_view_if_needed()
    options = select.locator("option").all_text_contents()
    assert len(options) == 3
    select.select_option("2")
    page.locator(".part:visible .main-svg").first.wait_for()
    assert page.locator(".part:visible").count() == 1
    assert page.locator("#failures-part td").nth(1).text_content() == NASTY


def test_figures_follow_the_systems_colours(page_with: Callable[..., Any], study: Path) -> None:
    with page_with(color_scheme="dark") as page:
        open_file(page, study)
        place = page.locator(".figure[data-name=effects]")
        place.scroll_into_view_if_needed()
        tick = place.locator(".xtick text").first
        tick.wait_for()
        colour = "one => getComputedStyle(one).fill"
        assert tick.evaluate(colour) == "rgb(228, 230, 234)"
        page.emulate_media(color_scheme="light")
        page.wait_for_function(
            "getComputedStyle(document.querySelector('.xtick text')).fill == 'rgb(29, 33, 39)'"
        )
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


def test_a_live_page_takes_in_a_new_run_and_keeps_its_place(loopback_page: Any, study: Path) -> None:
    page = loopback_page
    with serving(study) as url:
        page.goto(url)
        page.fill("#filter", "adam")
        page.locator(f"{COLUMN} button").click()
        page.locator(f"{COLUMN} button").click()
        page.locator("#timeline").scroll_into_view_if_needed()
        page.locator(".figure[data-name=timeline] .main-svg").first.wait_for()
        page.evaluate("window.same = document.querySelector('.figure[data-name=timeline]')")
        before = page.evaluate("window.scrollY")
        assert before > 500
        add(study, 25, 7.0, lr=1.0, opt="adam", units=16)
        page.locator("td[title='7.0']").first.wait_for(state="attached")
        assert cells(page, "best_val_loss")[0] == "7"  # still sorted from high to low
        assert page.locator("output").text_content() == "14 of 26 runs"
        assert abs(page.evaluate("window.scrollY") - before) < 5
        assert page.evaluate("window.same.isConnected")
        assert page.evaluate("document.activeElement.textContent") == "best_val_loss"
        assert page.locator("#live").text_content().startswith("Live: as of ")
        page.goto("about:blank")


def test_a_live_page_says_when_its_server_has_gone(browser: Any, study: Path) -> None:
    page = browser.new_page()
    with serving(study) as url:
        page.goto(url)
    page.get_by_text("No longer live: the command that served this page has ended.").wait_for()
    page.close()
