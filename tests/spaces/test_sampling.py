"""The size of a sample: tfruns' number, exact where doubles end."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaces import SpaceError, sample_count

shares = st.floats(0, 1, exclude_min=True)


@pytest.mark.parametrize(
    ("sample", "size", "count"),
    [
        (0.05, 2916, 146),
        (1, 2916, 2916),
        (1.0, 1, 1),
        (5e-324, 10, 1),
        (0.07, 100, 8),  # 7.000000000000001 as a double: R's ceiling(0.07 * 100) is 8
        (0.1, 30, 3),
        (np.float64(0.5), 7, 4),
    ],
)
def test_it_is_the_ceiling_of_the_double_product(sample, size, count):
    assert sample_count(sample, size) == count


@given(shares, st.integers(1, 10**40))
def test_it_is_between_one_and_all_and_within_rounding_of_the_product(sample, size):
    count = sample_count(sample, size)
    exact = math.ceil(Fraction(sample) * size)
    assert 1 <= count <= size
    assert count == exact if size > 2**53 else abs(count - exact) <= 1


@pytest.mark.parametrize("sample", [0, 3, -0.1, 1.0000001, float("nan"), float("inf"), True, "0.5", None])
def test_a_sample_outside_its_bounds_is_named(sample):
    with pytest.raises(SpaceError) as caught:
        sample_count(sample, 10)
    assert str(caught.value) == f"sample must be in (0, 1], but got {sample!r}"


def test_there_must_be_points():
    with pytest.raises(SpaceError, match="at least 1 point, but got 0"):
        sample_count(0.5, 0)
