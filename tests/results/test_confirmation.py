"""What a confirmation says: fair means, who is best, who can't be told apart."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from results.confirmation import confirmation
from results.errors import ResultsError
from results.recorder import Recorder
from results.status import Status
from tests.results.conftest import MakeRun

Confirmed = Callable[..., Path]


@pytest.fixture
def confirmed(make_study: Callable[..., Path], make_run: MakeRun) -> Confirmed:
    """A search whose values are given, and its confirmation."""

    def make(searched: Sequence[float], again: Sequence[Sequence[float]]) -> Path:
        study = make_study("s")
        for a, value in enumerate(searched):
            make_run({"val_loss": value}, study="s", flags={"a": a}, seed=100 + a)
        make_study("s-confirm")
        for a, values in enumerate(again):
            for seed, value in enumerate(values):
                run = make_run({"val_loss": value}, study="s-confirm", flags={"a": a}, seed=seed)
                Recorder(run).evaluated({"accuracy": 0.9 + a / 100})
        return study

    return make


def test_the_means_of_new_seeds_are_set_beside_the_searchs_own(confirmed: Confirmed) -> None:
    found = confirmation(confirmed([0.10, 0.20], [[0.31, 0.32, 0.33], [0.21, 0.22, 0.23]]))
    assert (found.metric, found.goal, found.seeds, found.incomplete) == ("val_loss", "min", (0, 1, 2), 0)
    assert list(found.table["flag_a"]) == [1, 0]
    assert list(found.table["searched_val_loss"]) == [0.20, 0.10]
    assert list(found.table["mean_val_loss"]) == pytest.approx([0.22, 0.32])
    assert list(found.table["probability_best"]) == [1, 0]
    assert list(found.table["mean_eval_accuracy"]) == [0.91, 0.9]
    assert found.tied == []
    assert found.verdict() == "the first is better than the other (p < 0.05)"
    assert found.bias() == (
        "the search's best val_loss was 0.1; with new seeds that point has 0.32 (0.29516 to 0.34484)"
    )


def test_points_that_cant_be_told_apart_are_named(confirmed: Confirmed) -> None:
    found = confirmation(
        confirmed([0.1, 0.2, 0.3], [[0.30, 0.32, 0.31], [0.31, 0.30, 0.33], [0.9, 0.91, 0.92]])
    )
    assert found.tied == [2]
    assert found.verdict() == (
        "the first can't be told from number 2 with 3 seeds (p >= 0.05): "
        "choose among them by other grounds, or confirm with more --seeds"
    )


def test_a_p_value_is_never_shown_as_nothing(confirmed: Confirmed) -> None:
    found = confirmation(confirmed([0.1, 0.2, 0.3], [[0.25, 0.5], [1.25, 1.5], [0.25, 0.75]]))
    shown = found.shown()
    assert shown["p"].isna().tolist() == [True, False, False]
    assert shown["p"].tolist()[1:] == ["0.5", "< 0.0001"]


def test_one_seed_says_so(confirmed: Confirmed) -> None:
    found = confirmation(confirmed([0.1, 0.2], [[0.3], [0.4]]))
    assert found.verdict() == "one seed can't tell the points apart: confirm with more --seeds"


def test_one_point_has_nothing_to_be_compared_with(confirmed: Confirmed) -> None:
    assert confirmation(confirmed([0.1], [[0.3, 0.2]])).verdict().startswith("there is no other point")


def test_a_point_without_all_seeds_is_left_out_and_counted(confirmed: Confirmed, make_run: MakeRun) -> None:
    study = confirmed([0.1, 0.2, 0.3], [[0.30, 0.32], [0.31, 0.30]])
    make_run({"val_loss": 0.1}, study="s-confirm", flags={"a": 2}, seed=0)
    make_run(study="s-confirm", flags={"a": 2}, seed=1, status=Status.FAILED)
    found = confirmation(study)
    assert list(found.table["flag_a"]) == [1, 0]
    assert found.incomplete == 1


def test_a_study_that_wasnt_confirmed_says_what_does_it(
    make_study: Callable[..., Path], make_run: MakeRun
) -> None:
    make_run({"val_loss": 0.1}, study=make_study("s").name, flags={"a": 1})
    with pytest.raises(ResultsError, match="study 's' hasn't been confirmed: `gridruns confirm s` does it"):
        confirmation("runs/s")
