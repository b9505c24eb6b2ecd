"""One flag: strict types, domains, and values that survive JSON and text."""

import json

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from spaces import (
    Flag,
    FlagError,
    FlagKind,
    Float,
    Int,
    flag_boolean,
    flag_integer,
    flag_numeric,
    flag_string,
)

finite = st.floats(allow_nan=False, allow_infinity=False)
BY_KIND = {
    FlagKind.NUMERIC: st.integers() | finite,
    FlagKind.INTEGER: st.integers(),
    FlagKind.BOOLEAN: st.booleans(),
    FlagKind.STRING: st.text(),
}


@st.composite
def flags_with_values(draw):
    kind = draw(st.sampled_from(FlagKind))
    default = draw(st.none() | BY_KIND[kind])
    flag = Flag("x", kind, default, None, draw(st.text()))
    return flag, draw(BY_KIND[kind] | (st.none() if default is None else st.nothing()))


def same(a, b):
    return type(a) is type(b) and a == b


@given(flags_with_values())
def test_values_come_back_from_text_and_flags_from_json(pair):
    flag, value = pair
    assert Flag.from_json(json.loads(json.dumps(flag.to_json()))) == flag
    assert same(flag.check(json.loads(json.dumps(value))), value)
    assume(not (value == "null" and flag.allows_none))
    assert same(flag.parse(flag.text(value)), value)


def test_numeric_keeps_ints_and_floats():
    flag = flag_numeric("nodes", 256)
    assert same(flag.check(64), 64) and same(flag.check(64.0), 64.0)
    assert same(flag.parse("64"), 64) and same(flag.parse("6.4e1"), 64.0)


def test_text_has_no_type_so_a_domain_of_floats_reads_floats():
    assert same(flag_numeric("x", 0.5, low=0.0, high=1.0).parse("1"), 1.0)
    assert same(flag_numeric("x", 0.5, choices=[0.0, 0.5]).parse("0"), 0.0)
    assert same(flag_numeric("x", 0.5, choices=[0, 0.5]).parse("0"), 0)


def test_strings_stay_as_they_are_written():
    flag = flag_string("zip", "007")
    for text in ("007", "no", "1e5", "null", "", " a "):
        assert flag.parse(text) == text


def test_numpy_scalars_become_builtins():
    assert same(flag_integer("n", np.int64(3)).default, 3)
    assert same(flag_numeric("x", 1.5).check(np.float64(2.5)), 2.5)
    assert same(flag_boolean("b", True).check(np.bool_(False)), False)
    assert same(flag_string("s", "").check(np.str_("a")), "a")


@pytest.mark.parametrize(
    "value", [2.7, "3", True, 64.0, None, float("nan"), [1], np.float64(3), np.timedelta64(3)]
)
def test_integer_takes_integers_only(value):
    with pytest.raises(FlagError, match="flag n must be an integer, but got"):
        flag_integer("n", 1).check(value)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "1", True, None, 1 + 2j, np.longdouble(1)])
def test_numeric_takes_finite_numbers_only(value):
    with pytest.raises(FlagError, match="flag x must be a finite number, but got"):
        flag_numeric("x", 1).check(value)


@pytest.mark.parametrize("value", [0, 1, "true", None, 1.0])
def test_boolean_takes_bools_only(value):
    with pytest.raises(FlagError, match="flag b must be true or false, but got"):
        flag_boolean("b", False).check(value)


@pytest.mark.parametrize("value", [1, None, b"a", True])
def test_string_takes_strings_only(value):
    with pytest.raises(FlagError, match="flag s must be a string, but got"):
        flag_string("s", "").check(value)


@pytest.mark.parametrize(
    ("flag", "texts"),
    [
        (flag_integer("n", 1), ["2.7", "1e3", "1_000", " 1", "", "null", "٣", "9" * 5000]),
        (flag_numeric("x", 1), ["nan", "inf", "1e400", "1_0", " 1", "0x10", "1,5", "--1"]),
        (flag_boolean("b", True), ["1", "True", "yes", ""]),
    ],
)
def test_text_of_another_kind_is_refused(flag, texts):
    for text in texts:
        with pytest.raises(FlagError, match=f"flag {flag.name} must be"):
            flag.parse(text)


def test_none_only_where_default_or_choices_hold_it():
    assert flag_integer("n", None).parse("null") is None
    assert flag_integer("n", 1, choices=[None, 1]).check(None) is None
    assert flag_integer("n", None, choices=[1, 2]).allowed == "one of 1, 2, or None"
    with pytest.raises(FlagError, match="flag n must be one of 1, 2, but got None"):
        flag_integer("n", 1, choices=[1, 2]).check(None)
    with pytest.raises(FlagError, match="reads null as None"):
        flag_string("s", None).text("null")


def test_a_numeric_range_is_of_integers_only_if_all_its_numbers_are():
    assert flag_numeric("x", 64, low=32, high=128, step=32).domain == Int(32, 128, 32)
    assert flag_numeric("x", 0.5, low=0, high=1).domain == Float(0, 1)
    assert flag_integer("n", 1, low=1, high=8, log=True).domain == Int(1, 8, log=True)


def test_flags_differ_where_defaults_differ_in_type():
    assert flag_numeric("x", 1) != flag_numeric("x", 1.0)
    assert len({flag_numeric("x", 1), flag_numeric("x", 1.0), flag_numeric("x", 1)}) == 2


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: flag_integer("n", 3, choices=[1, 2]), "flag n must be one of 1, 2, but got 3"),
        (lambda: flag_integer("n", 2.7), "flag n must be an integer, but got 2.7"),
        (
            lambda: flag_numeric("x", 0, low=0, high=0.5),
            "flag x must be a float from 0.0 to 0.5, but got 0",
        ),
        (
            lambda: flag_numeric("x", 1, low=1),
            "flag x: a range must have both low and high, but got low 1, high None",
        ),
        (
            lambda: flag_integer("x", 1, high=1),
            "flag x: a range must have both low and high, but got low None, high 1",
        ),
        (
            lambda: flag_numeric("x", 1, step=1),
            "flag x: a range must have both low and high, but got low None, high None",
        ),
        (
            lambda: flag_numeric("x", 1, log=True),
            "flag x: a range must have both low and high, but got low None, high None",
        ),
        (
            lambda: flag_numeric("x", 1, choices=[1], low=1, high=2),
            "flag x: choices exclude low, high, step and log",
        ),
        (
            lambda: flag_integer("n", 1, low=0.5, high=2),
            "flag n: low of an integer range must be an integer, but got 0.5",
        ),
        (lambda: flag_integer("n", 1, choices=[1, "2"]), "choices of flag n must be an integer, but got '2'"),
        (
            lambda: flag_string("s", None, choices=["null"]),
            "flag s can't hold both None and 'null', which text writes alike",
        ),
        (lambda: flag_string("n m", ""), "the name of a flag must be a Python identifier, but got 'n m'"),
        (
            lambda: flag_string("lambda", ""),
            "the name of a flag must be a Python identifier, but got 'lambda'",
        ),
        (
            lambda: flag_string("_n", ""),
            "the name of a flag must be ASCII and begin with a letter, but got '_n'",
        ),
        (lambda: flag_numeric("n", 1, [1, 2]), "the description of flag n must be a string, but got [1, 2]"),
        (lambda: Flag.from_json({}), "no flag: {}"),
    ],
)
def test_a_wrong_declaration_is_named(make, message):
    with pytest.raises(FlagError) as caught:
        make()
    assert str(caught.value) == message


@pytest.mark.parametrize(
    "name", ["help", "profile", "flags_file", "keys", "items", "get", "default", "inherits"]
)
def test_names_that_gridruns_uses_are_reserved(name):
    with pytest.raises(FlagError, match="the name is taken by gridruns itself"):
        flag_string(name, "")
