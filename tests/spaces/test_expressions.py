"""The language of rules: what it computes, and how it refuses what it isn't."""

import pytest

from gridruns import GridrunsError
from spaces import Space
from spaces.expressions import ALLOWED, Expression

DOMAINS = {
    "layers": [1, 2, 3],
    "lr": [0.1, 0.2],
    "opt": ["sgd", "adam"],
    "augment": [True, False],
    "m": [None, 0.5, "auto"],
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("layers >= 3", True),
        ("1 < layers < 3", False),
        ("layers in (1, 3) and opt not in ['adam']", True),
        ("not augment or lr + lr + lr == 0.3", True),
        ("layers // 2 == 1 and layers % 2 == 1 and layers / 2 == 1.5", True),
        ("min(layers, 5) + max(1, 2) - abs(-layers) == 2", True),
        ("m == None", True),
        ("m != None and m == 0.5", False),
        ("  opt == 'sgd'  ", True),
        ("(opt == 'sgd') == augment", True),
        ("layers * lr == 0.3", True),
        ("layers == 3.0", True),
        ("lr in (0.1, 0.5)", True),
        ("+layers > -1", True),
    ],
)
def test_what_it_computes(text, expected):
    values = {"layers": 3, "lr": 0.1, "opt": "sgd", "augment": True, "m": None}
    assert Expression.parse(text).true(values) is expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "a condition must be a text such as 'layers >= 3', but got ''"),
        ("layers >", f"'layers >', column 8: this is no expression; allowed are {ALLOWED}"),
        ("layers = 3", "'layers = 3', column 8: this is no expression; allowed are"),
        ("layers > 1 & layers < 3", "'layers > 1 & layers < 3', column 10: no BitAnd: write and; allowed"),
        ("open('x')", f"\"open('x')\", column 1: no function open; allowed are {ALLOWED}"),
        ("layers.real > 1", "'layers.real > 1', column 1: no Attribute; allowed are"),
        ("[layers][0] > 1", "'[layers][0] > 1', column 1: no Subscript; allowed are"),
        ("(lambda: 1)() > 1", "'(lambda: 1)() > 1', column 1: no Call; allowed are"),
        ("layers is None", "'layers is None', column 1: no Is: write ==; allowed are"),
        ("2 ** layers > 1", "'2 ** layers > 1', column 1: no Pow: write x * x; allowed are"),
        ("max(layers) > 1", "'max(layers) > 1', column 1: max takes two or more numbers; allowed are"),
        (
            "opt in 'sgd'",
            "\"opt in 'sgd'\", column 1: after in there must be a list such as (1, 2) or ('sgd',)",
        ),
        ("layers > 1e999", "'layers > 1e999', column 10: no value inf; allowed are"),
        ("layers > 1j", "'layers > 1j', column 10: no value 1j; allowed are"),
        ("1 < 2", "'1 < 2' must mention a flag (known: layers, lr, opt, augment, m)"),
        (
            "layer > 1",
            "'layer > 1': unknown flag 'layer'; did you mean 'layers'? (known: layers, lr, opt, augment, m)",
        ),
        (
            "augment == true",
            "'augment == true': unknown flag 'true' (known: layers, lr, opt, augment, m); write True",
        ),
        ("opt < 3", "'opt < 3' compares a string with a number"),
        (
            "layers > 1 and opt < 3",
            "'layers > 1 and opt < 3', column 16: opt < 3 compares a string with a number",
        ),
        ("opt == 3", "'opt == 3' compares a string with a number, which are never equal"),
        ("opt in ('sgd', 3)", "\"opt in ('sgd', 3)\" compares a string with a number, which are never equal"),
        ("augment == 1", "'augment == 1' compares true or false with a number, which are never equal"),
        ("m > 0.1", "'m > 0.1' compares None with a number, where m is None"),
        (
            "m != None and m > 0.1",
            "'m != None and m > 0.1', column 15: m > 0.1 compares a string with a number",
        ),
        ("opt + 1 > 2", "'opt + 1 > 2', column 1: opt + 1 computes with a string"),
        ("layers", "'layers' must be true or false, but is a number"),
        (
            "layers and augment",
            "'layers and augment', column 1: layers must be true or false, but is a number",
        ),
        ("(" * 300 + "layers > 1" + ")" * 300, "'(((((((((((((("),
        ("-" * 100 + "layers > 1", "'-----------------"),
        ("layers > 1\0", "'layers > 1\\x00"),
    ],
)
def test_what_it_refuses(text, message):
    with pytest.raises(GridrunsError) as caught:
        Space(DOMAINS, where=[text])
    assert str(caught.value).startswith(message) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "size"), [("m != None and m != 'auto' and m > 0.1", 24), ("m == 'auto' or m == 0.5", 48)]
)
def test_values_of_several_kinds_are_told_apart_before_they_are_compared(text, size):
    assert Space(DOMAINS, where=[text]).size == size


def test_a_condition_is_named_with_its_flag():
    with pytest.raises(GridrunsError) as caught:
        Space(DOMAINS, only={"lr": "opt < 3"})
    assert str(caught.value) == "lr only if 'opt < 3' compares a string with a number"
