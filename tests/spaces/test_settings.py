"""--set: what each kind of flag reads, and what it refuses."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridruns import GridrunsError
from spaces import Choice, Float, Int, flag_boolean, flag_integer, flag_numeric, flag_string, parse_setting

DECLARED = (
    flag_integer("nodes1", 256),
    flag_numeric("lr", 0.01, low=1e-5, high=1.0, log=True),
    flag_numeric("x", 0),
    flag_boolean("augment", False),
    flag_string("data", "digits"),
    flag_string("note", None),
)


@pytest.mark.parametrize(
    ("text", "domain"),
    [
        ("nodes1=64,128,256", Choice([64, 128, 256])),
        ("nodes1=64", Choice([64])),
        ("nodes1=1:8", Int(1, 8)),
        ("lr=1e-5:1e-1:log", Float(1e-5, 1e-1, log=True)),
        ("lr=0.1:1", Float(0.1, 1.0)),
        ("lr=1", Choice([1.0])),
        ("x=0:10:2", Int(0, 10, 2)),
        ("x=-1:1:0.5", Float(-1.0, 1.0, 0.5)),
        ("x=1,1.0", Choice([1, 1.0])),
        ("augment=true,false", Choice([True, False])),
        ("data=digits", Choice(["digits"])),
        ("data=007,no", Choice(["007", "no"])),
        ("data=http://x", Choice(["http://x"])),
        ('data=["a,b","c"," d", ""]', Choice(["a,b", "c", " d", ""])),
        ("note=null,a=b", Choice([None, "a=b"])),
        ("x=[1, 2.5]", Choice([1, 2.5])),
    ],
)
def test_a_setting_is_read_by_the_kind_of_its_flag(text, domain):
    assert parse_setting(text, DECLARED) == (text.partition("=")[0], domain)


@given(st.lists(st.text(), min_size=1, unique=True))
def test_a_json_list_carries_any_strings(strings):
    assert parse_setting(f"data={json.dumps(strings)}", DECLARED) == ("data", Choice(strings))


@given(st.lists(st.integers() | st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_a_list_carries_any_numbers(numbers):
    distinct = list({(type(n), n): n for n in numbers}.values())
    assert parse_setting("x=" + ",".join(map(repr, distinct)), DECLARED) == ("x", Choice(distinct))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nodes1", "a setting must be FLAG=VALUES, but got 'nodes1'"),
        ("nodes=1", "unknown flag 'nodes'; did you mean 'nodes1'?"),
        (
            "nodes1=",
            "nodes1: values must be without spaces around them and not empty, or a JSON list, but got ''",
        ),
        ("nodes1=64, 128", "nodes1: values must be without spaces around them and not empty"),
        ("nodes1=64,,128", "nodes1: values must be without spaces around them and not empty"),
        ("nodes1=[]", "nodes1: choices must hold at least one value, but got an empty list"),
        ("nodes1=[64", "nodes1: a list in brackets must be JSON, but got '[64'"),
        ('nodes1=["64"]', "flag nodes1 must be an integer, but got '64'"),
        ("x=[NaN]", "x: a choice must be a bool, an int, a finite float, a str or None, but got nan"),
        ("nodes1=64,64", "nodes1: choices must differ, but 64 is given twice"),
        ("nodes1=64.5", "flag nodes1 must be an integer, but got '64.5'"),
        ("nodes1=1.5:2", "each part of a range of flag nodes1 must be an integer, but got '1.5'"),
        ("nodes1=1:10:4", "nodes1: step must divide high - low, but got low 1, high 10, step 4"),
        ("x=0:10:lin", "each part of a range of flag x must be a finite number, but got 'lin'"),
        ("x=:10", "each part of a range of flag x must be a finite number, but got ''"),
        ("x=0:1:2:3", "x: a range must be LOW:HIGH, LOW:HIGH:STEP or LOW:HIGH:log, but got '0:1:2:3'"),
        ("lr=1e-6:1", "flag lr must be a float from 1e-05 to 1.0 (log), but got a float from 1e-06 to 1.0"),
        ("augment=yes", "flag augment must be true or false, but got 'yes'"),
        ("augment=0:1", "flag augment must be true or false, but got '0:1'"),
    ],
)
def test_a_wrong_setting_is_named(text, message):
    with pytest.raises(GridrunsError) as caught:
        parse_setting(text, DECLARED)
    assert str(caught.value).startswith(message)
