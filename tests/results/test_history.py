"""A run's curves as a tidy table, and as a figure."""

import math
from typing import Any

import pytest

from results import plot_history, run_history
from results.errors import ResultsError

EPOCHS = ({"loss": 2.0, "val_loss": 3.0, "lr": 0.1}, {"loss": 1.0, "val_loss": math.inf, "val_only": 5.0})


def test_a_value_a_row(make_run: Any) -> None:
    history = run_history(make_run(*EPOCHS))
    assert list(history.columns) == ["epoch", "value", "metric", "data"]
    assert [tuple(row) for row in history.itertuples(index=False)] == [
        (1, 2.0, "loss", "training"),
        (2, 1.0, "loss", "training"),
        (1, 3.0, "loss", "validation"),
        (2, math.inf, "loss", "validation"),
        (1, 0.1, "lr", "training"),
        (2, 5.0, "only", "validation"),
    ]
    assert (str(history["epoch"].dtype), str(history["value"].dtype)) == ("int64", "float64")


def test_a_run_is_named_as_elsewhere_and_may_have_logged_nothing(make_run: Any) -> None:
    run = make_run()
    assert len(run_history(run.name)) == 0
    assert len(plot_history(run.name).data) == 0
    with pytest.raises(ResultsError, match="'nowhere'"):
        run_history("nowhere")


def test_the_plot_has_a_row_a_metric(make_run: Any) -> None:
    figure = plot_history(make_run(*EPOCHS))
    drawn = [(trace.name, trace.yaxis, trace.line.dash, list(trace.y)) for trace in figure.data]
    assert drawn == [
        ("loss", "y", "dot", [2.0, 1.0]),
        ("val_loss", "y", "solid", [3.0, None]),
        ("lr", "y2", "solid", [0.1]),
        ("val_only", "y3", "solid", [5.0]),
    ]
    titles = [axis.title.text for axis in figure.select_yaxes()]
    assert titles == ["loss", "lr", "only"]


def test_many_metrics_each_keep_their_room(make_run: Any) -> None:
    figure = plot_history(make_run({f"metric{i}": i + 0.5 for i in range(40)}))
    heights = [(axis.domain[1] - axis.domain[0]) * figure.layout.height for axis in figure.select_yaxes()]
    assert len(heights) == 40
    assert min(heights) > 150
