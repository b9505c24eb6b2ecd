"""Statistics of points with common seeds, against SciPy, known numbers and simulation."""

import math

import numpy as np
import pytest
from scipy import stats

from results.paired import against_first, mean_interval, probability_best, standard_error


def test_the_interval_is_students() -> None:
    values = [0.061, 0.064, 0.059, 0.066, 0.060]
    low, high = mean_interval(values)
    expected = stats.t.interval(0.95, 4, loc=np.mean(values), scale=stats.sem(values))
    assert (low, high) == pytest.approx(expected)
    assert standard_error(values) == pytest.approx(stats.sem(values))


def test_one_value_has_no_interval() -> None:
    assert all(map(math.isnan, mean_interval([0.1])))
    assert math.isnan(standard_error([0.1]))


@pytest.mark.parametrize("goal", ["min", "max"])
def test_a_point_that_is_always_better_is_best_for_sure(goal: str) -> None:
    table = np.array([[1.0, 2.0, 3.0], [1.1, 2.1, 3.1]])
    assert probability_best(table, goal).tolist() == ([1, 0] if goal == "min" else [0, 1])


def test_equal_points_share() -> None:
    table = np.array([[1.0, 2.0], [1.0, 2.0], [5.0, 5.0]])
    assert probability_best(table, "min").tolist() == [0.5, 0.5, 0.0]


def test_pairs_are_kept_together() -> None:
    # The seeds differ by far more than the points: unpaired, neither could be told from the other.
    seeds = np.array([0.0, 10.0, 20.0, 30.0, 40.0])
    table = np.array([seeds, seeds + np.array([0.1, 0.2, 0.1, 0.3, 0.2])])
    assert probability_best(table, "min")[0] == 1
    assert against_first(table)[0] < 0.05


def test_the_bootstrap_agrees_with_all_samples_written_out() -> None:
    table = np.array([[0.0, 0.0, 1.0], [0.3, 0.45, 0.2]])
    # 27 samples of 3 seeds: point 0's mean is k/3 where seed 2 is drawn k times.
    better = [
        np.mean(table[0, list(s)]) < np.mean(table[1, list(s)]) for s in np.ndindex(3, 3, 3)
    ]  # fmt: skip
    exact = float(np.mean(better))
    sigma = math.sqrt(exact * (1 - exact) / 10_000)
    assert abs(probability_best(table, "min")[0] - exact) < 5 * sigma  # fails by chance once in 10^6


def test_the_same_seed_draws_the_same() -> None:
    table = np.random.default_rng(1).normal(size=(3, 5))
    assert (probability_best(table, "min") == probability_best(table, "min")).all()


def test_holm_corrects_as_written() -> None:
    rng = np.random.default_rng(3)
    table = rng.normal(size=(4, 6)) + np.array([[0.0], [0.5], [1.0], [3.0]])
    raw = [stats.ttest_rel(row, table[0]).pvalue for row in table[1:]]
    order = np.argsort(raw)
    expected, running = np.empty(3), 0.0
    for place, index in enumerate(order):
        running = max(running, min(1, (3 - place) * raw[index]))
        expected[index] = running
    assert against_first(table) == pytest.approx(expected)


def test_false_differences_are_as_rare_as_promised() -> None:
    rng = np.random.default_rng(7)
    searches = 1000
    false = sum((against_first(rng.normal(size=(5, 5))) < 0.05).any() for _ in range(searches))
    assert false <= 0.05 * searches + 3 * math.sqrt(searches * 0.05 * 0.95)  # 3 sigma: 1 in 700


def test_equal_values_are_no_difference() -> None:
    assert against_first(np.array([[1.0, 2.0], [1.0, 2.0]])).tolist() == [1.0]


def test_one_seed_tells_nothing() -> None:
    assert math.isnan(against_first(np.array([[1.0], [2.0]]))[0])
