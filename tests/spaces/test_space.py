"""Spaces: points as in itertools.product, keys, JSON, what a script takes, a table's rows."""

import json
from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridruns import GridrunsError
from spaces import (
    Choice,
    Float,
    Int,
    Space,
    flag_boolean,
    flag_integer,
    flag_numeric,
    flag_string,
    load_space,
    shipped_spaces,
)

scalars = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
)
values = st.lists(scalars, min_size=1, max_size=4, unique_by=lambda v: (type(v), v))
names = st.text("abcxyz", min_size=1, max_size=3)
grids = st.dictionaries(names, values, max_size=4)


def typed(point):
    return tuple((name, type(value), value) for name, value in point.items())


@given(grids)
def test_points_are_those_of_the_product_with_the_first_fastest(grid):
    space = Space(grid)
    lists = list(grid.values())
    expected = [
        dict(zip(grid, reversed(combination), strict=True)) for combination in product(*reversed(lists))
    ]
    points = [space.point(i) for i in range(space.size)]
    assert [typed(point) for point in points] == [typed(point) for point in expected]
    assert len({space.key(point) for point in points}) == space.size
    assert all(point in space and space.assemble(point) == point for point in points)


@given(grids)
def test_a_space_comes_back_from_json(grid):
    space = Space(grid)
    again = Space.from_json(json.loads(json.dumps(space.to_json(), sort_keys=True)))
    assert again == space and again.names == space.names and again.fingerprint == space.fingerprint
    assert [typed(again.point(i)) for i in range(space.size)] == [
        typed(space.point(i)) for i in range(space.size)
    ]


def test_the_shipped_grid_has_2916_points():
    space = load_space("mnist_grid_search")
    assert space.size == 2916 and "mnist_grid_search" in shipped_spaces()
    assert repr(space).endswith("2,916 points)")
    assert space.point(1) == space.point(0) | {"nodes1": 128}
    assert len({space.key(space.point(i)) for i in space.order(7)}) == 2916
    assert space.fingerprint == "a6bd712c0ae7e3a928e862359a552afb"
    assert list(space.order(7))[:4] == [646, 271, 2075, 653]


def test_ranges_and_fixed_values():
    space = Space({"n": Int(1, 5, 2), "x": {"low": 0.1, "high": 0.3, "step": 0.1}, "data": "digits"})
    assert space.size == 9
    assert space.point(4) == {"n": 3, "x": 0.2, "data": "digits"}
    assert Space({"data": "digits"}) == Space({"data": ["digits"]})
    assert Space({}).size == 1 and Space({}).point(0) == {}


def test_a_huge_grid_costs_nothing():
    space = Space({f"f{i}": list(range(1000)) for i in range(10)})
    assert space.size == 10**30
    assert space.point(10**30 - 1)["f9"] == 999
    assert space.order(1)[0] == space.order(1)[0] != space.order(2)[0]


def test_an_infinite_space_has_parameters_but_no_points():
    space = Space({"n": [1, 2], "lr": Float(1e-5, 0.1, log=True)})
    assert space.size is None
    assert space.parameters() == {"n": Choice([1, 2]), "lr": Float(1e-5, 0.1, log=True)}
    assert space.assemble({"lr": np.float64(0.01), "n": 2}) == {"n": 2, "lr": 0.01}
    assert {"n": 1, "lr": 0.05} in space and {"n": 1, "lr": 1} not in space and {"n": 1} not in space
    with pytest.raises(GridrunsError, match="a finite space is needed, but lr has no step"):
        space.point(0)
    with pytest.raises(GridrunsError, match="a finite space is needed"):
        space.order(1)


def test_a_key_is_typed_and_bears_any_order_of_the_flags():
    space = Space({"a": [1], "b": ["x"]})
    assert space.key({"b": "x", "a": np.int64(1)}) == space.key({"a": 1, "b": "x"}) == '{"a": 1, "b": "x"}'
    assert len({space.key({"a": value, "b": None}) for value in (1, 1.0, True, "1", None)}) == 5
    assert space.key({"a": 0.0, "b": 1}) == space.key({"a": -0.0, "b": 1})


def test_set_wins_over_the_space_in_place():
    space = Space({"a": [1, 2], "b": [3]}).updated({"a": 5, "c": [True, False]})
    assert space == Space({"a": 5, "b": [3], "c": [True, False]})
    assert space.names == ("a", "b", "c")


FLAGS = (
    flag_integer("nodes", 64, choices=[64, 128]),
    flag_numeric("lr", 0.01, low=1e-5, high=0.1, log=True),
    flag_boolean("augment", False),
    flag_string("data", "a"),
    flag_integer("n", 0, low=0, high=100, step=5),
    flag_numeric("x", 0.5, low=0.0, high=1.0, step=0.05),
)


def test_the_domains_of_the_flags_are_a_space():
    space = Space.from_flags(FLAGS)
    assert space.names == ("nodes", "lr", "n", "x")
    assert space.checked(FLAGS) is space


@pytest.mark.parametrize(
    "entry",
    [
        {"n": Int(5, 95, 10)},
        {"n": [0, 5]},
        {"n": Int(5, 5, 7)},
        {"x": Float(0.1, 0.9, 0.1)},
        {"lr": Float(1e-4, 1e-2)},
        {"lr": Float(0.01, 0.1, 0.01)},
        {"nodes": Int(64, 128, 64)},
        {"augment": [True, False]},
    ],
)
def test_a_part_of_a_flags_own_domain_is_taken(entry):
    assert Space(entry).checked(FLAGS) == Space(entry)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"node": [64]}, "unknown flag 'node'; did you mean 'nodes'?"),
        ({"nodes": [64, 65]}, "flag nodes must be one of 64, 128, but got 65"),
        ({"nodes": [64.0]}, "flag nodes must be one of 64, 128, but got 64.0"),
        ({"nodes": Int(64, 10**12)}, "flag nodes must be one of 64, 128, but got an integer from 64"),
        ({"lr": [0.2]}, "flag lr must be a float from 1e-05 to 0.1 (log), but got 0.2"),
        (
            {"lr": Float(1e-6, 0.1)},
            "flag lr must be a float from 1e-05 to 0.1 (log), but got a float from 1e-06",
        ),
        ({"augment": Int(0, 1)}, "flag augment must be true or false, but got an integer from 0 to 1"),
        ({"augment": None}, "flag augment must be true or false, but got None"),
        ({"data": 7}, "flag data must be a string, but got 7"),
        ({"nodes": Float(64, 128)}, "flag nodes must be an integer, but got a float from 64.0 to 128.0"),
        ({"n": Int(0, 100, 4)}, "flag n must be an integer from 0 to 100 in steps of 5, but got an integer"),
        ({"n": Int(1, 96, 5)}, "flag n must be an integer from 0 to 100 in steps of 5, but got an integer"),
        ({"x": Float(0, 1)}, "flag x must be a float from 0.0 to 1.0 in steps of 0.05, but got a float"),
        (
            {"x": Float(0, 1, 0.02)},
            "flag x must be a float from 0.0 to 1.0 in steps of 0.05, but got a float",
        ),
        ({"x": Int(0, 1)}, "flag x must be a float from 0.0 to 1.0 in steps of 0.05, but got an integer"),
    ],
)
def test_a_point_that_the_script_refuses_is_found_before_the_search(entry, message):
    with pytest.raises(GridrunsError) as caught:
        Space(entry).checked(FLAGS)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Space({"a": []}), "a: choices must hold at least one value, but got an empty list"),
        (
            lambda: Space({"a": {"low": 1}}),
            "a: a range must have both low and high, but got low 1, high None",
        ),
        (
            lambda: Space({"a": {"low": 1, "hihg": 2}}),
            "a: unknown part of a range 'hihg'; did you mean 'high'? "
            "(known: low, high, step, log, values, only)",
        ),
        (lambda: Space({"a": float("nan")}), "a: a number must be finite, but got nan"),
        (lambda: Space({"a": {1}}), "a: a domain must be a value, a list of values or a range, but got {1}"),
        (lambda: Space({1: 2}), "a space must name its flags with strings, but got 1"),
        (lambda: Space({"a": 1}).key({}), "a value of every flag is needed, but a is missing"),
        (lambda: Space({"a": 1}).key({"b": 1}), "unknown flag 'b' (known: a)"),
        (lambda: Space({"a": 1}).assemble({"a": 2}), "a must be one of 1, but got 2"),
        (lambda: Space({"a": 1}).order(True), "seed must be an integer, but got True"),
        (lambda: Space.from_json({"flags": []}), "no space: {'flags': []}"),
        (lambda: Space.from_json({"table": None, "flags": [1]}), "no flag of a space: 1"),
        (
            lambda: load_space("mnist"),
            f"no file and unknown space 'mnist' (known: {', '.join(shipped_spaces())})",
        ),
    ],
)
def test_a_broken_law_is_named(make, message):
    with pytest.raises(GridrunsError) as caught:
        make()
    assert str(caught.value) == message


@pytest.mark.parametrize("i", [-1, 2])
def test_an_index_beyond_the_space_is_an_error(i):
    with pytest.raises(IndexError, match=r"index must be in 0\.\.1"):
        Space({"a": [1, 2]}).point(i)


def test_a_yaml_file_writes_a_space(tmp_path):
    path = tmp_path / "my.yaml"
    path.write_text("a: [1, 1.0, no]\nlr: {low: 1e-5, high: 0.1, log: true}\ndata: digits\n")
    assert load_space(str(path)) == Space(
        {"a": [1, 1.0, "no"], "lr": Float(1e-5, 0.1, log=True), "data": "digits"}
    )
    for text, message in [("", "a space must have at least one flag"), ("a: []", "a: choices must hold")]:
        path.write_text(text)
        with pytest.raises(GridrunsError, match=rf"my\.yaml: {message}"):
            Space.from_yaml(path)


FRAME = pd.DataFrame({"nodes": [64, 128, 64], "drop": [0.2, 0.3, 0.4], "opt": ["adam", "sgd", "adam"]})


def test_the_rows_of_a_frame_are_points_of_builtin_types():
    space = Space.from_frame(FRAME)
    assert space.size == 3
    assert typed(space.point(1)) == (("nodes", int, 128), ("drop", float, 0.3), ("opt", str, "sgd"))
    assert space.parameters() == {"row": Int(0, 2)}
    assert space.assemble({"row": np.int64(2)}) == space.point(2)
    assert space.point(0) in space and space.point(0) | {"nodes": 128} not in space
    assert Space.from_json(json.loads(json.dumps(space.to_json()))) == space
    assert Space.from_frame(FRAME.head(1)).size == 1


def test_a_frame_of_nullable_and_object_columns():
    frame = pd.DataFrame(
        {"n": pd.array([1, 2], dtype="Int64"), "b": [True, False], "o": pd.Series([None, 1.5], dtype=object)}
    )
    space = Space.from_frame(frame)
    assert typed(space.point(0)) == (("n", int, 1), ("b", bool, True), ("o", type(None), None))


def test_set_beside_a_table_is_another_factor():
    space = Space.from_frame(FRAME).updated({"seed": [1, 2]})
    assert space.size == 6 and space.names == ("nodes", "drop", "opt", "seed")
    assert space.point(4) == {"nodes": 128, "drop": 0.3, "opt": "sgd", "seed": 2}
    assert space.assemble({"row": 1, "seed": 2}) == space.point(4)
    assert space.updated({"seed": 3}).size == 3
    with pytest.raises(GridrunsError, match="nodes is a column of the table"):
        space.updated({"nodes": 64})
    with pytest.raises(GridrunsError, match="a flag beside a table can't be called 'row'"):
        space.updated({"row": 64})


def test_a_table_is_checked_against_the_script():
    declared = (flag_integer("nodes", 64), flag_numeric("drop", 0.5), flag_string("opt", "adam"))
    assert Space.from_frame(FRAME).checked(declared).size == 3
    with pytest.raises(GridrunsError, match="flag nodes must be a string, but got 64"):
        Space.from_frame(FRAME).checked((flag_string("nodes", ""), *declared[1:]))


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (
            pd.DataFrame({"a": [1.0, None]}),
            "row 1 of column 'a' must be a bool, an int, a finite float, a str or None, but got nan",
        ),
        (pd.DataFrame({"a": pd.array([1, None], dtype="Int64")}), "row 1 of column 'a' must be"),
        (pd.DataFrame({"a": ["x", None]}), "row 1 of column 'a' must be"),
        (pd.DataFrame({"a": pd.Series([float("nan"), 1], dtype=object)}), "row 0 of column 'a' must be"),
        (pd.DataFrame({"a": pd.to_datetime(["2020-01-01"])}), "row 0 of column 'a' must be"),
        (pd.DataFrame({"a": [1, 2, 1]}), "the rows of a table must differ, but rows 0 and 2 are both (1,)"),
        (pd.DataFrame({"a": []}), "a table must have a row and a column, but got 0 x 1"),
        (pd.DataFrame(), "a table must have a row and a column, but got 0 x 0"),
        (pd.DataFrame({0: [1]}), "a column's name must be a string, but got 0"),
        (
            pd.DataFrame([[1, 2]], columns=["a", "a"]),
            "the columns of a table must differ, but 'a' is there twice",
        ),
    ],
)
def test_a_frame_that_makes_no_table_is_an_error(frame, message):
    with pytest.raises(GridrunsError) as caught:
        Space.from_frame(frame)
    assert str(caught.value).startswith(message)
