"""flags.yml: flat, in profiles, inherited; every mistake names the file."""

import pytest

from gridruns import GridrunsError
from spaces import flag_integer, flag_numeric, flag_string, resolve

DECLARED = (
    flag_integer("nodes", 1),
    flag_numeric("lr", 0.1),
    flag_string("data", "a"),
    flag_string("note", None),
)


def read(tmp_path, text, profile=None):
    path = tmp_path / "my.yml"
    path.write_text(text)
    return resolve(DECLARED, file=path, profile=profile)


PROFILES = """
default: {nodes: 2, lr: 0.2, data: base}
small: {nodes: 3}
tiny: {inherits: small, lr: 1e-5}
empty:
"""


@pytest.mark.parametrize(
    ("profile", "expected"),
    [
        (None, (2, 0.2, "base")),
        ("default", (2, 0.2, "base")),
        ("small", (3, 0.2, "base")),
        ("tiny", (3, 1e-5, "base")),
        ("empty", (2, 0.2, "base")),
    ],
)
def test_a_profile_takes_the_rest_from_what_it_inherits(tmp_path, profile, expected):
    values = read(tmp_path, PROFILES, profile)
    assert (values["nodes"], values["lr"], values["data"]) == expected


def test_yaml_is_1_2(tmp_path):
    values = read(tmp_path, "data: no\nlr: 1e-5\nnote: null\n")
    assert values == {"nodes": 1, "lr": 1e-5, "data": "no", "note": None}
    assert read(tmp_path, "") == {"nodes": 1, "lr": 0.1, "data": "a", "note": None}


@pytest.mark.parametrize(
    ("text", "profile", "message"),
    [
        ("node: 1", None, ": unknown flag 'node'; did you mean 'nodes'? (known: nodes, lr, data, note)"),
        ("nodes: 2.7", None, ": flag nodes must be an integer, but got 2.7"),
        ("data: 007", None, ": flag data must be a string, but got 7"),
        ("lr: .nan", None, ": flag lr must be a finite number, but got nan"),
        ("nodes: [1, 2]", None, ": flag nodes must be an integer, but got [1, 2]"),
        ("data: 2020-01-01", None, ": flag data must be a string, but got datetime.date(2020, 1, 1)"),
        ("inherits: x", None, ": unknown flag 'inherits' (known: nodes, lr, data, note)"),
        ("nodes: 1", "small", " has no profiles, but profile 'small' was asked for"),
        (
            "small: {nodes: 1}",
            None,
            ": small holds a mapping, but a file of profiles must have a default one",
        ),
        (
            PROFILES,
            "smal",
            ": unknown profile 'smal'; did you mean 'small'? (known: default, small, tiny, empty)",
        ),
        (
            "default: {}\nsmall: {nodes: x}",
            "small",
            ", profile small: flag nodes must be an integer, but got 'x'",
        ),
        ("default: {}\nsmall: 3", None, ": profile small must be a mapping, but got 3"),
        ("default: {}\nsmall: {1: 3}", None, ", profile small: a key must be a string, but got 1"),
        (
            "default: {}\na: {inherits: b}\nb: {inherits: a}",
            "a",
            ": profiles must not inherit in a circle, but got a -> b -> a",
        ),
        (
            "default: {inherits: a}\na: {}",
            None,
            ": profiles must not inherit in a circle, but got default -> a -> default",
        ),
        ("default: {}\na: {inherits: c}", "a", ": unknown profile 'c' (known: default, a)"),
        ("default: {}\na: {inherits: null}", "a", ": unknown profile 'None' (known: default, a)"),
        (
            "nodes: 1\nnodes: 2",
            None,
            ', line 2, column 1: found duplicate key "nodes" with value "2" (original value: "1")',
        ),
        ("nodes: [1\nlr: 2", None, ", line 2, column 3: expected ',' or ']', but got ':'"),
        ("[1, 2]", None, " must be a mapping, but got [1, 2]"),
        ("1: 2", None, ": a key must be a string, but got 1"),
        ("data: 2020-99-99", None, ": month must be in 1..12"),
        ("data: \x01", None, ": unacceptable character #x0001: special characters are not allowed in"),
        (
            "data: !!python/name:os.system",
            None,
            ", line 1, column 7: could not determine a constructor for the tag",
        ),
    ],
)
def test_a_mistake_names_the_file(tmp_path, text, profile, message):
    with pytest.raises(GridrunsError) as caught:
        read(tmp_path, text, profile)
    said = str(caught.value)
    assert said.startswith(f"{tmp_path / 'my.yml'}{message}")
    assert "\n" not in said


def test_a_file_that_cannot_be_read_is_an_error(tmp_path):
    with pytest.raises(GridrunsError, match=r"cannot read .*gone\.yml: No such file"):
        resolve(DECLARED, file=tmp_path / "gone.yml")
    (tmp_path / "latin.yml").write_bytes(b"data: \xe9\n")
    with pytest.raises(GridrunsError, match=r"latin\.yml must be UTF-8, but byte 6 isn't"):
        resolve(DECLARED, file=tmp_path / "latin.yml")
