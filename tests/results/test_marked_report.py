"""The parts of a report about several metrics and about a confirmation, as a browser gets them."""

import html
import json
from collections.abc import Callable
from pathlib import Path

from results import layout, leaderboard, report
from results.figures import front
from results.ranking import Objective
from tests.results.conftest import MakeRun
from tests.results.test_report import Page

MakeStudy = Callable[..., Path]

METRICS = (Objective("val_loss", "min"), Objective("<seconds>", "min"))


def searched(make_study: MakeStudy, make_run: MakeRun) -> Path:
    """A search of two metrics with four runs, three of them on the front."""
    study = make_study("s")
    said = {"name": "s", "metric": {"name": "val_loss", "goal": "min"},
            "also": [{"name": "<seconds>", "goal": "min"}]}  # fmt: skip
    (study / layout.STUDY).write_text(json.dumps(said))
    for a, (loss, seconds) in enumerate([(3.0, 6.0), (1.0, 9.0), (2.0, 5.0), (4.0, 1.0)]):
        make_run({"val_loss": loss, "<seconds>": seconds}, study="s", flags={"a": a}, seed=a, number=a)
    return study


def test_the_front_is_counted_drawn_and_marked(make_study: MakeStudy, make_run: MakeRun) -> None:
    page = Page(report(searched(make_study, make_run)))
    assert "The Pareto front: 3 of 4 runs" in page.texts["h2"]
    assert page.rows[0][:2] == ["rank", "pareto"]
    assert page.column("pareto") == ["True", "True", "False", "True"]
    assert page.column("best_<seconds>") == ["9", "5", "6", "1"]
    on, others = page.figures["front"]["data"]
    assert (on["x"], on["y"]) == ([1, 2, 4], [9, 5, 1])
    assert (others["x"], others["y"]) == ([3], [6])
    assert page.figures["front"]["layout"]["yaxis"]["title"]["text"] == "&lt;seconds&gt; (min)"


def test_the_data_of_the_figure(make_study: MakeStudy, make_run: MakeRun) -> None:
    data = front(leaderboard(searched(make_study, make_run)), METRICS)
    assert list(data.columns) == ["run", "first", "second", "pareto"]
    assert list(data["first"]) == [1, 2, 3, 4]
    assert list(data["pareto"]) == [True, True, False, True]


def test_another_metric_has_no_front(make_study: MakeStudy, make_run: MakeRun) -> None:
    path = report(searched(make_study, make_run), metric="<seconds>", goal="min")
    assert "front" not in Page(path).figures


def test_a_confirmation_comes_first_with_what_it_means(make_study: MakeStudy, make_run: MakeRun) -> None:
    study = make_study("s")
    for a in (0, 1):
        make_run({"val_loss": 0.1 + a}, study="s", flags={"a": a}, seed=a)
    assert "Confirmation" not in Page(report(study)).texts["h2"]
    make_study("s-confirm")
    assert "Confirmation" not in Page(report(study)).texts["h2"]
    for a, values in enumerate([(0.30, 0.32), (0.31, 0.30)]):
        for seed, value in enumerate(values):
            make_run({"val_loss": value}, study="s-confirm", flags={"a": a}, seed=seed)
    page = Page(report(study))
    assert page.texts["h2"][:2] == ["Confirmation", "Leaderboard"]
    assert page.column("confirmed_val_loss") == ["0.31", "0.305"]
    text = html.unescape(page.source)
    assert "The first can't be told from number 2 with 2 seeds (p >= 0.05)" in text
    assert "The search's best val_loss was 0.1; with new seeds that point has 0.31" in text
