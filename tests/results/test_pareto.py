"""The Pareto front against its definition."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from results.pareto import on_front


@pytest.mark.parametrize(
    ("goals", "front"),
    [(("min", "min"), [True, True, False, True]), (("max", "min"), [True, False, False, False])],
)
def test_the_front_of_known_points(goals: tuple[str, str], front: list[bool]) -> None:
    values = np.array([[3.0, 1.0], [1.0, 3.0], [3.0, 3.0], [2.0, 2.0]])
    assert on_front(values, goals).tolist() == front


@given(
    st.integers(1, 3).flatmap(
        lambda width: st.lists(
            st.lists(st.integers(0, 4), min_size=width, max_size=width), min_size=1, max_size=25
        )
    )
)
def test_the_front_is_what_nothing_dominates(rows: list[list[int]]) -> None:
    def dominates(a: list[int], b: list[int]) -> bool:
        return all(x <= y for x, y in zip(a, b, strict=True)) and a != b

    expected = [not any(dominates(other, row) for other in rows) for row in rows]
    assert on_front(np.array(rows, dtype=float), ["min"] * len(rows[0])).tolist() == expected


def test_no_runs_have_no_front() -> None:
    assert on_front(np.empty((0, 2)), ["min", "max"]).tolist() == []
