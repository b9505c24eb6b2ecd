"""The time that is left: its estimate, its interval, and whether one more trial fits."""

import math
import random

import pytest

from search.forecast import Pace


def test_nothing_is_known_before_the_first_end() -> None:
    assert Pace().left(10, [1.0], 2) is None
    assert Pace().fits(1)
    assert not Pace().fits(0)


def test_equal_trials_take_what_they_took() -> None:
    left = Pace([10.0] * 4).left(to_start=6, running=[4.0, 5.0], slots=2)
    assert left is not None
    # Six whole ones and what is left of two, two at a time.
    assert left.expected == pytest.approx((60 + 6 + 5) / 2)
    assert left.low == left.expected == left.high


def test_a_trial_that_runs_longer_than_the_others_ends_any_moment() -> None:
    left = Pace([10.0, 10.0]).left(to_start=0, running=[25.0], slots=2)
    assert left is not None and left.expected == 0


def test_one_end_says_how_long_but_not_how_surely() -> None:
    left = Pace([10.0]).left(to_start=3, running=[], slots=1)
    assert left is not None
    assert (left.expected, left.low, left.high) == (30, 0, math.inf)


@pytest.mark.parametrize("known", [5, 20])
def test_the_interval_holds_as_often_as_it_says(known: int) -> None:
    rng = random.Random(known)
    searches, inside = 2000, 0
    for _ in range(searches):
        left = Pace([rng.gauss(60, 12) for _ in range(known)]).left(to_start=30, running=[], slots=1)
        assert left is not None
        inside += left.low <= sum(rng.gauss(60, 12) for _ in range(30)) <= left.high
    sigma = math.sqrt(searches * 0.8 * 0.2)
    assert abs(inside - 0.8 * searches) < 4 * sigma  # fails by chance once in 16,000


def test_one_more_fits_where_it_most_likely_ends_in_time() -> None:
    pace = Pace([9.0, 10.0, 11.0])
    assert pace.fits(15)
    assert not pace.fits(11)
    assert Pace([10.0]).fits(10)
