"""TensorBoard, opened in Chromium at what `gridruns tensorboard` serves."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from results.recorder import Recorder
from results.runs import create_run, finish_run
from results.status import Status
from results.tensorboard import write_session_end, write_session_start

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SCRIPT = """
import math
from results import log_metrics
from spaces import flag_integer, flag_numeric, flag_string, flags

FLAGS = flags(flag_integer("units", 1), flag_numeric("rate", 0.1), flag_string("optimizer", "adam"))
for step in range(1, 4):
    ends = FLAGS.units == 3 and FLAGS.optimizer == "sgd"
    if ends and FLAGS.rate == 0.1 and step == 3:
        raise RuntimeError("an exception in the script")
    loss = math.nan if ends and FLAGS.rate == 0.01 and step == 3 else FLAGS.units / step
    log_metrics(step, loss=loss, val_loss=loss + FLAGS.rate, val_accuracy=step / 4)
"""

# The cells of each row that the table of the HParams tab has drawn; the last, for details, is empty.
ROWS = """table => [...table.shadowRoot.querySelectorAll('#items tr')].filter(row => !row.hidden).map(
    row => [...row.querySelectorAll('td')].map(
        cell => cell.querySelector('slot').assignedNodes().map(node => node.textContent.trim()).join('')))"""


@contextmanager
def board(runs: str) -> Iterator[str]:
    """The URL of TensorBoard on a study."""
    command = [sys.executable, "-m", "gridruns", "tensorboard", runs, "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().split(": ")[1].split()[0]
        finally:
            process.terminate()


class HParams:
    """The HParams tab in a browser."""

    def __init__(self, page: Any, url: str) -> None:
        page.set_viewport_size(
            {"width": 1600, "height": 5500}
        )  # the table draws no more than what is in view
        page.goto(f"{url}#hparams")
        self.page = page
        self.table = page.locator("#sessionGroupsTable")

    def rows(self, count: int) -> dict[str, list[str]]:
        """The cells of each row by trial, when so many are there."""
        self.page.wait_for_function(
            f"([table, count]) => ({ROWS})(table).filter(row => row[0]).length === count",
            arg=[self.table.element_handle(), count],
        )
        found = {row[0]: row[2:-1] for row in self.table.evaluate(ROWS)}
        assert len(found) == count
        return found

    def headings(self) -> list[str]:
        """The names of the columns after trial and checkbox."""
        found: list[str] = self.table.evaluate(
            ROWS.replace("#items tr", "#header tr").replace("'td'", "'th'")
        )[0]
        return found[2:]

    def toggle(self, status: str) -> None:
        """Click on the box of a status."""
        self.page.locator("paper-checkbox", has_text=status).click()

    def enter(self, label: str, text: str) -> None:
        """Type into a field of the pane."""
        field = self.page.locator("paper-input", has_text=label).locator("input")
        field.fill(text)
        field.press("Enter")


@pytest.fixture
def twelve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A study of twelve trials, one that failed and one that diverged among them."""
    from search import tuning_run

    monkeypatch.chdir(tmp_path)
    Path("train.py").write_text(SCRIPT)
    space = {"units": [1, 2, 3], "rate": [0.1, 0.01], "optimizer": ["adam", "sgd"]}
    return tuning_run("train.py", flags=space, sample=1.0, study="twelve", yes=True, quiet=True)


def test_hparams_lists_each_trial_with_its_hyperparameters_metrics_and_status(
    twelve: Any, loopback_page: Any
) -> None:
    assert sorted(twelve["status"].value_counts().items()) == [
        ("completed", 10),
        ("diverged", 1),
        ("failed", 1),
    ]
    runs = {Path(run["run_dir"]).name: run for _, run in twelve.iterrows()}
    with board("twelve") as url:
        tab = HParams(loopback_page, url)
        rows = tab.rows(12)
        metrics = ["train.epoch_loss", "validation.epoch_accuracy", "validation.epoch_loss"]
        headings = tab.headings()
        assert sorted(headings) == ["optimizer", "rate", *metrics[:1], "units", *metrics[1:]]
        assert rows.keys() == runs.keys()
        for name, cells in rows.items():
            run = runs[name]
            shown = dict(zip(headings, cells, strict=True))
            assert shown["optimizer"] == run["flag_optimizer"]
            assert [float(shown["rate"]), float(shown["units"])] == [run["flag_rate"], run["flag_units"]]
            for metric, column in zip(metrics, ("loss", "val_accuracy", "val_loss"), strict=True):
                expected = pytest.approx(run[f"metric_{column}"], rel=1e-4, nan_ok=True)
                assert float(shown[metric]) == expected
        tab.toggle("Success")
        ended = {name for name, run in runs.items() if run["status"] in ("failed", "diverged")}
        assert tab.rows(2).keys() == ended
        tab.toggle("Failure")
        tab.rows(0)
        tab.toggle("Success")
        assert tab.rows(10).keys() == runs.keys() - ended


def test_time_series_shows_every_tag_and_every_run(twelve: Any, loopback_page: Any) -> None:
    loopback_page.set_viewport_size({"width": 1600, "height": 4000})
    with board("twelve") as url:
        loopback_page.goto(f"{url}#timeseries")
        for tag in ("epoch_loss", "epoch_accuracy"):
            card = loopback_page.locator("card-view", has_text=tag)
            card.locator("line-chart").wait_for()
            assert card.count() == 1
        for path in twelve["run_dir"]:
            for side in ("train", "validation"):
                loopback_page.get_by_text(f"{Path(path).name}/{side}", exact=True).first.wait_for()


@pytest.fixture
def many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The names of 145 synthetic runs, the last five failed."""
    monkeypatch.chdir(tmp_path)
    names = set()
    for number in range(145):
        values = {"number": number, "rate": number / 1000}
        run = create_run("runs/many", {"number": number, "flags": values, "study": "many"})
        write_session_start(run, values, run.name)
        recorder = Recorder(run)
        recorder.log({"loss": number + 0.0, "val_loss": number + 0.5})
        recorder.close()
        status = Status.COMPLETED if number < 140 else Status.FAILED
        write_session_end(run, status)
        finish_run(run, status=status)
        names.add(run.name)
    return names


@pytest.mark.parametrize("paging", ["second page", "larger page"])
def test_hparams_shows_145_trials(paging: str, many: set[str], loopback_page: Any) -> None:
    with board("many") as url:
        tab = HParams(loopback_page, url)
        rows = tab.rows(100)
        if paging == "second page":
            tab.enter("Page #", "2")
            rows |= tab.rows(45)
            tab.enter("Page #", "1")
            tab.rows(100)
        else:
            tab.enter("Max # of session groups per page", "200")
            rows = tab.rows(145)
        assert rows.keys() == many
        assert {float(cells[0]) for cells in rows.values()} == set(range(145))
        assert all(
            float(cells[3]) == pytest.approx(float(cells[0]) + 0.5, rel=1e-4) for cells in rows.values()
        )
        tab.toggle("Success")
        assert {float(cells[0]) for cells in tab.rows(5).values()} == set(range(140, 145))
