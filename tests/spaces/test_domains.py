"""Domains: sizes, i-th values, membership by type and value, and the laws they keep."""

import os
import pickle
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaces import Choice, Float, Int, SpaceError, domain_from_json

scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text()
)


def unique(values):
    return list({(type(v), v): v for v in values}.values())


choices = st.lists(scalars, min_size=1, max_size=8).map(unique).map(Choice)
ints = st.builds(
    lambda low, step, count: Int(low, low + step * count, step),
    st.integers(),
    st.integers(1, 10**12),
    st.integers(0, 30),
)


@st.composite
def stepped(draw):
    places = draw(st.integers(0, 6))
    low, step, count = draw(st.integers(-999, 999)), draw(st.integers(1, 99)), draw(st.integers(0, 30))
    return Float(*(float(Fraction(n, 10**places)) for n in (low, low + step * count, step)))


@given(choices | ints | stepped())
def test_the_values_are_distinct_contained_and_come_back_from_json(domain):
    values = [domain.value(i) for i in range(domain.size)]
    assert len({(type(v), v) for v in values}) == domain.size
    assert all(domain.contains(value) for value in values)
    assert domain_from_json(domain.to_json()) == domain


def test_float_steps_are_exact_decimals():
    domain = Float(0.1, 0.5, 0.1)
    assert [domain.value(i) for i in range(domain.size)] == [0.1, 0.2, 0.3, 0.4, 0.5]
    assert not domain.contains(0.30000000000000004)


def test_types_are_part_of_a_value():
    domain = Choice([1, 1.0, True])
    assert domain.size == 3
    assert Choice([1]) != Choice([1.0])
    assert not Choice([1]).contains(True)
    assert not Int(0, 3).contains(1.0)
    assert not Int(0, 3).contains(True)
    assert not Float(0, 3).contains(1)


def test_equal_choices_look_alike():
    alike = [[0.0, 1], [-0.0, 1], [0, 1], [False, 1], ["0.0", 1], [1, 0.0], [None, 1]]
    assert len({Choice(values) for values in alike}) == len(alike)
    assert Choice([0.0, "a"]) == Choice([np.float64(0), "a"])


def test_a_domain_from_another_process_is_the_same():
    domains = [Choice(["a", 1, None]), Int(0, 8, 2), Float(1e-5, 0.1, log=True), Float(0.1, 0.5, 0.1)]
    write = f"""
import pickle, sys
from spaces import Choice, Float, Int
pickle.dump({domains}, sys.stdout.buffer)
"""
    env = os.environ | {"PYTHONHASHSEED": "7"}
    written = subprocess.run([sys.executable, "-c", write], env=env, stdout=subprocess.PIPE, check=True)
    read = pickle.loads(written.stdout)
    assert read == domains and set(read) == set(domains)
    assert all(domain.contains(domain.value(1)) for domain in read if domain.size)


def test_numpy_scalars_become_builtins():
    assert [type(v) for v in Choice(np.array([1, 2])).values] == [int, int]
    assert [type(v) for v in Choice([np.float32(0.5), np.bool_(True), np.str_("a")]).values] == [
        float,
        bool,
        str,
    ]
    assert Int(np.int64(1), np.int64(3)).low.__class__ is int
    assert Choice([1, 2]).contains(np.int64(2))


def test_a_range_without_steps_is_infinite():
    assert Float(1e-5, 0.1, log=True).size is None
    assert Float(0.5, 0.5).size == 1
    with pytest.raises(SpaceError, match="it has no step"):
        Float(0, 1).value(0)


@pytest.mark.parametrize("i", [-1, 3])
@pytest.mark.parametrize("domain", [Choice([1, 2, 3]), Int(1, 3), Float(0.1, 0.3, 0.1)])
def test_an_index_beyond_the_domain_is_an_error(domain, i):
    with pytest.raises(IndexError, match=r"index must be in 0\.\.2"):
        domain.value(i)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Choice([]), "choices must hold at least one value, but got an empty list"),
        (lambda: Choice([1, 2, 1]), "choices must differ, but 1 is given twice"),
        (lambda: Choice([0.0, -0.0]), "choices must differ, but -0.0 is given twice"),
        (lambda: Choice("abc"), "choices must be a list, but got 'abc'"),
        (lambda: Choice({1, 2}), "choices must be a list, but got {1, 2}"),
        (
            lambda: Choice([float("nan")]),
            "a choice must be a bool, an int, a finite float, a str or None, but got nan",
        ),
        (
            lambda: Choice([[1]]),
            "a choice must be a bool, an int, a finite float, a str or None, but got [1]",
        ),
        (lambda: Int(3, 1), "low must be at most high, but got low 3, high 1"),
        (lambda: Int(0, 10, 3), "step must divide high - low, but got low 0, high 10, step 3"),
        (lambda: Int(0, 10, 0), "step of an integer range must be at least 1, but got 0"),
        (lambda: Int(0, 10, log=True), "a logarithmic range must begin above 0, but got low 0"),
        (lambda: Int(1, 11, 2, log=True), "a logarithmic range takes no step, but got step 2"),
        (lambda: Int(0.5, 1), "low of an integer range must be an integer, but got 0.5"),
        (lambda: Int(False, True), "low of an integer range must be an integer, but got False"),
        (lambda: Float(0, 1, 0.3), "step must divide high - low, but got low 0.0, high 1.0, step 0.3"),
        (lambda: Float(0, 1, -0.5), "step must be above 0, but got -0.5"),
        (lambda: Float(0, 1, log=True), "a logarithmic range must begin above 0, but got low 0.0"),
        (lambda: Float(1, 2, 0.5, log=True), "a logarithmic range takes no step, but got step 0.5"),
        (lambda: Float(0, float("inf")), "high of a float range must be a finite float, but got inf"),
        (lambda: Float("0", 1), "low of a float range must be a finite float, but got '0'"),
        (lambda: Float(0, 1, log=1), "log must be true or false, but got 1"),
        (
            lambda: Float(1e16, 1e16 + 2, 1.0),
            "step must be at least 4.0 for floats up to 1.0000000000000002e+16, but got 1.0",
        ),
        (lambda: domain_from_json({"type": "int"}), "no domain of a flag: {'type': 'int'}"),
    ],
)
def test_a_broken_law_is_named(make, message):
    with pytest.raises(SpaceError) as caught:
        make()
    assert str(caught.value) == message
