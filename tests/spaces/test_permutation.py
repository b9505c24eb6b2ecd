"""The permutation: a bijection, the same for ever, and even enough."""

from itertools import islice, permutations
from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaces import Permutation


@pytest.mark.parametrize("key", [b"k", b"another key"])
def test_it_is_a_bijection_for_every_small_n(key):
    for n in range(1, 301):
        assert sorted(Permutation(n, key)) == list(range(n))


@given(st.integers(1, 10**60), st.binary(min_size=1, max_size=64))
def test_the_first_of_a_huge_one_are_distinct_and_in_range(n, key):
    first = list(islice(Permutation(n, key), 50))
    assert len(set(first)) == len(first) == min(n, 50)
    assert all(0 <= x < n for x in first)


def test_the_order_is_the_same_for_ever():
    assert list(Permutation(10, b"gridruns")) == [6, 2, 5, 9, 1, 8, 7, 4, 3, 0]
    assert list(islice(Permutation(2916, b"gridruns"), 6)) == [621, 770, 729, 2025, 2517, 2422]
    assert list(islice(Permutation(10**12, b"gridruns"), 3)) == [630955809500, 342338112568, 189948386630]
    assert Permutation(10**300, b"gridruns")[0] % 10**12 == 20832786895


def test_key_and_n_make_unrelated_orders():
    orders = [list(islice(p, 20)) for p in (Permutation(10**6, b"a"), Permutation(10**6, b"b"))]
    assert orders[0] != orders[1]
    assert list(islice(Permutation(10**6 + 1, b"a"), 20)) != orders[0]


def keys(count):
    return (i.to_bytes(4, "big") for i in range(count))


def assert_even(counts, cells, draws):
    """Chi-square within 5 sigmas of its mean: by chance less than once in a million keys.

    The keys are fixed, so the test says the same each time. For k degrees of freedom the mean
    is k and the variance 2k.
    """
    expected = draws / cells
    chi = sum((count - expected) ** 2 / expected for count in counts.values())
    chi += (cells - len(counts)) * expected
    freedom = cells - 1
    assert abs(chi - freedom) < 5 * sqrt(2 * freedom)


def tally(outcomes):
    counts = {}
    for outcome in outcomes:
        counts[outcome] = counts.get(outcome, 0) + 1
    return counts


def test_over_keys_every_order_of_five_is_as_likely():
    counts = tally(tuple(Permutation(5, key)) for key in keys(6000))
    assert set(counts) == set(permutations(range(5)))
    assert_even(counts, 120, 6000)


@pytest.mark.parametrize("n", [9, 16, 54, 97])
def test_over_keys_every_number_is_as_likely_in_first_and_last_place(n):
    orders = [Permutation(n, key) for key in keys(5000)]
    assert_even(tally(p[0] for p in orders), n, 5000)
    assert_even(tally(p[n - 1] for p in orders), n, 5000)


def test_over_keys_every_pair_is_as_likely_in_the_first_places():
    assert_even(tally((p[0], p[1]) for p in (Permutation(12, key) for key in keys(8000))), 12 * 11, 8000)


def test_a_sample_covers_the_values_of_each_flag_evenly():
    """146 of 3**6 * 4 points: each of a flag's three values some 49 times (5 sigmas, hypergeometric)."""
    sigma = sqrt(146 * (1 / 3) * (2 / 3) * (2916 - 146) / 2915)
    for key in keys(20):
        sample = list(islice(Permutation(2916, key), 146))
        for flag in range(6):
            for value in range(3):
                count = sum(x // 3**flag % 3 == value for x in sample)
                assert abs(count - 146 / 3) < 5 * sigma


@pytest.mark.parametrize("i", [-1, 5])
def test_a_place_beyond_the_end_is_an_error(i):
    with pytest.raises(IndexError, match=r"index must be in 0\.\.4"):
        Permutation(5, b"k")[i]


def test_n_and_key_have_bounds():
    with pytest.raises(ValueError, match="n must be at least 1, but got 0"):
        Permutation(0, b"k")
    for key in (b"", b"k" * 65):
        with pytest.raises(ValueError, match="key must have 1 to 64 bytes"):
            Permutation(5, key)


def test_len_is_n():
    assert len(Permutation(7, b"k")) == 7
    assert Permutation(10**30, b"k").n == 10**30
