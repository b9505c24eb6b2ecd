"""Spaces with conditions and constraints: brute force over small ones, exactness over large ones."""

import copy
import json
import pickle
from itertools import product

import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gridruns import GridrunsError
from spaces import Float, Int, Space, counting, flag_integer, flag_numeric, flag_string, parse_setting

NAMES = ("a", "b", "c", "d", "s")
NUMBERS = ("a", "b", "c", "d")


@st.composite
def texts(draw, among):
    """An expression over some flags, of the part of the language that Python's eval reads alike."""
    numbers = [name for name in among if name != "s"]
    one, other = draw(st.sampled_from(numbers)), draw(st.sampled_from(numbers))
    bound = draw(st.integers(0, 4))
    forms = [
        f"{one} >= {bound}",
        f"{one} + {other} <= {bound}",
        f"{one} != {other} or {one} == {bound}",
        f"not {one} in ({bound}, 1) and {other} < 3",
        f"max({one}, {other}) - abs(-{one}) < 1",
        f"0 < {one} <= {other}",
    ]
    if "s" in among:
        forms += ["s == 'x'", f"s in ['y', 'z'] or {one} % 2 == 0"]
    return draw(st.sampled_from(forms))


@st.composite
def spaces(draw):
    """Domains, conditions without circles, constraints."""
    domains = {
        name: draw(st.lists(st.integers(0, 3), min_size=1, max_size=3, unique=True)) for name in NUMBERS
    }
    domains["s"] = draw(st.sampled_from([["x", "y"], ["x", "y", "z"]]))
    ranked = draw(st.permutations(NAMES))
    only = {}
    for place, name in enumerate(ranked):
        before = ranked[:place]
        if set(before) & set(NUMBERS) and draw(st.booleans()):
            only[name] = draw(texts(before))
    where = draw(st.lists(texts(NAMES), max_size=2))
    return domains, only, where


def true(text, point):
    """Whether a text is true by Python's own reckoning; None where a flag doesn't apply."""
    mentioned = [name for name in NAMES if name in compile(text, "", "eval").co_names]
    if any(name not in point for name in mentioned):
        return None
    return eval(text, {}, dict(point))


def by_brute_force(domains, only, where):
    """Every point: product, drop what doesn't apply, filter, unite."""
    found = {}
    for values in product(*domains.values()):
        point = dict(zip(domains, values, strict=True))
        for _ in NAMES:  # a chain of conditions is at most this long
            point = {n: v for n, v in point.items() if n not in only or true(only[n], point)}
        if all(true(text, point) in (True, None) for text in where):
            found[json.dumps(point, sort_keys=True)] = point
    return found


@settings(max_examples=80, deadline=None)
@given(spaces())
@example(({"a": [1, 2], "b": [1, 2], "c": [0], "d": [0], "s": ["x", "y"]}, {"b": "a >= 2"}, ["a + b <= 3"]))
def test_brute_force_equals_what_is_visited(parts):
    domains, only, where = parts
    expected = by_brute_force(domains, only, where)
    applying = {name for point in expected.values() for name in point}
    space = Space(domains, only=only, where=where)
    if len(applying) < len(NAMES):
        with pytest.raises(GridrunsError, match=r"no point of the space keeps|applies at no point"):
            _ = space.size
        return
    points = [space.point(i) for i in range(space.size)]
    assert sorted(map(space.key, points)) == sorted(expected)
    assert sorted(space.key(space.point(i)) for i in space.order(3)) == sorted(expected)
    again = Space.from_json(json.loads(json.dumps(space.to_json())))
    assert again == space and [again.point(i) for i in range(space.size)] == points
    for i, point in enumerate(points):
        assert point in space and space.assemble(space.choices(i)) == point
        assert list(point) == [name for name in space.names if name in point]


@settings(max_examples=40, deadline=None)
@given(spaces(), st.data())
def test_every_choice_is_told_apart(parts, data):
    domains, only, where = parts
    expected = by_brute_force(domains, only, where)
    space = Space(domains, only=only, where=where)
    values = {name: data.draw(st.sampled_from(domain)) for name, domain in domains.items()}
    point = space.assemble(values)
    assert (json.dumps(point, sort_keys=True) in expected) is (point in space)
    assert space.point_of(values | {"another": 1}) == (point if point in space else None)
    assert (values in space) is (values == point and point in space)
    # One flag at a time, as a define-by-run sampler asks: the same point.
    chosen = {}
    while ready := [name for name in space.applies(chosen) if name not in chosen]:
        chosen[ready[0]] = values[ready[0]]
    assert space.assemble(chosen) == point == {name: chosen[name] for name in space.names if name in chosen}


LAYERS = {"layers": [1, 2, 3], **{f"nodes{k}": [64, 128] for k in (1, 2, 3)}}
ONLY = {"nodes2": "layers >= 2", "nodes3": "layers >= 3"}


def test_a_flag_that_does_not_apply_is_absent():
    space = Space(LAYERS, only=ONLY, where=["nodes2 <= nodes1"])
    assert space.size == 2 + 3 + 6
    assert {"layers": 1, "nodes1": 64} in space
    assert {"layers": 1, "nodes1": 64, "nodes2": 64} not in space
    assert {"layers": 2, "nodes1": 64, "nodes2": 128} not in space
    assert space.conditions == ONLY and space.constraints == ("nodes2 <= nodes1",)
    assert repr(space) == "Space(layers, nodes1, nodes2, nodes3; 2 conditions, 1 constraint)"
    assert space.applies({}) == ["layers", "nodes1"]
    assert space.applies({"layers": 2}) == ["layers", "nodes1", "nodes2"]
    with pytest.raises(GridrunsError, match="nodes2 doesn't apply there: 'layers >= 2' isn't true"):
        space.key({"layers": 1, "nodes1": 64, "nodes2": 64})
    with pytest.raises(GridrunsError, match="a value of every flag is needed, but nodes2 is missing"):
        space.key({"layers": 2, "nodes1": 64})
    with pytest.raises(GridrunsError, match="a value of every parameter is needed, but nodes2 is missing"):
        space.assemble({"layers": 2, "nodes1": 64})


def test_the_values_of_a_run_give_its_point():
    space = Space({"opt": ["sgd", "adam"], "momentum": [0.5, 0.9]}, only={"momentum": "opt == 'sgd'"})
    assert space.point_of({"opt": "adam", "momentum": 0.0, "epochs": 3}) == {"opt": "adam"}
    assert space.point_of({"opt": "sgd", "momentum": 0.9}) == {"opt": "sgd", "momentum": 0.9}
    assert space.point_of({"opt": "sgd", "momentum": 0.0}) is None
    assert space.point_of({"opt": "lamb", "momentum": 0.9}) is None
    assert space.point_of({"momentum": 0.9}) is None


def test_sums_are_of_decimals():
    """0.2 + 0.4 is 0.6000000000000001 in floats; on paper, and in a constraint, it is 0.6."""
    space = Space({"x": Float(0.1, 0.5, 0.1), "y": [0.2, 0.4]}, where=["x + y <= 0.6"])
    assert {"x": 0.2, "y": 0.4} in space and {"x": 0.3, "y": 0.4} not in space
    assert space.size == 4 + 2


def test_a_space_of_10_to_the_12_with_rules():
    flags = {f"f{i}": list(range(10)) for i in range(10)}
    space = Space(
        {**flags, "layers": Int(1, 4), "n1": Int(1, 100), "n2": Int(1, 100), "n3": Int(1, 100)},
        only={"n2": "layers >= 2", "n3": "layers >= 3"},
        where=["f0 + f1 <= 3", "n2 <= n1"],
    )
    assert space.size == 10 * 10**8 * (100 + 5050 + 2 * 5050 * 100)
    order = space.order(1)
    points = [space.point(order[i]) for i in range(300)]
    assert all(point in space for point in points)
    assert len({space.key(point) for point in points}) == 300
    assert Space({"a": Int(0, 10**30), "b": [1, 2], "c": [3, 4]}, where=["b < c"]).size == 4 * (10**30 + 1)
    many = {"on": [False, True], **{f"n{i}": list(range(10)) for i in range(12)}}
    assert Space(many, only={f"n{i}": "on" for i in range(12)}).size == 1 + 10**12


def test_the_random_order_is_uniform_over_the_valid_points():
    """First place over 1,100 seeds, 11 points: each 100 times, sigma 9.5. Within 4.5 sigma.

    Chance alone would break it in one of about 13,000 choices of the seeds; these are fixed.
    """
    space = Space(LAYERS, only=ONLY, where=["nodes2 <= nodes1"])
    counts = dict.fromkeys(range(11), 0)
    for seed in range(1100):
        counts[space.order(seed)[0]] += 1
    assert all(abs(count - 100) < 4.5 * 9.54 for count in counts.values())


def test_python_yaml_and_settings_write_the_same_space(tmp_path):
    domains = {"layers": [1, 2, 3], "nodes2": [64, 128], "rate": Float(0.1, 0.5, 0.1), "opt": ["sgd", "adam"]}
    expected = Space(
        domains, only={"nodes2": "layers >= 2", "rate": "opt in ('sgd',)"}, where=["rate * layers < 1"]
    )
    path = tmp_path / "space.yaml"
    path.write_text(
        "layers: [1, 2, 3]\nnodes2: {values: [64, 128], only: layers >= 2}\n"
        "rate: {low: 0.1, high: 0.5, step: 0.1, only: \"opt in ('sgd',)\"}\nopt: [sgd, adam]\n"
        "where:\n  - rate * layers < 1\n"
    )
    assert Space.from_yaml(path) == expected
    declared = [
        flag_integer("layers", 1),
        flag_integer("nodes2", 64),
        flag_numeric("rate", 0.1),
        flag_string("opt", "sgd"),
    ]
    written = [
        "layers=1,2,3",
        "nodes2=64,128 if layers >= 2",
        "rate=0.1:0.5:0.1 if opt in ('sgd',)",
        'opt=["sgd", "adam"]',
    ]
    set_ = Space({}).updated(dict(parse_setting(text, declared) for text in written))
    assert set_.restricted(["rate * layers < 1"]) == expected
    entries = {**domains, "nodes2": {"values": [64, 128], "only": "layers >= 2"}}
    mixed = Space(entries, only={"rate": "opt in ('sgd',)"}, where=["rate * layers < 1"])
    assert mixed == expected and mixed.checked(declared) is mixed
    assert pickle.loads(pickle.dumps(expected)) == copy.deepcopy(expected) == expected


def test_a_json_list_holds_what_looks_like_a_condition():
    declared = [flag_string("s", "x"), flag_integer("a", 1)]
    assert parse_setting('s=["x if y", "z"] if a > 1', declared) == (
        "s",
        {"values": parse_setting('s=["x if y", "z"]', declared)[1], "only": "a > 1"},
    )


def test_a_flag_called_where(tmp_path):
    path = tmp_path / "space.yaml"
    path.write_text("where: {values: [here, there]}\n")
    assert Space.from_yaml(path) == Space({"where": ["here", "there"]})
    assert Space({"where": ["here"]}).names == ("where",)


def test_set_keeps_a_condition_and_may_give_another():
    space = Space(LAYERS, only=ONLY)
    assert space.updated({"nodes2": [1, 2, 3]}).conditions == ONLY
    other = space.updated({"nodes2": {"values": [1], "only": "layers == 2"}})
    assert other.conditions == {**ONLY, "nodes2": "layers == 2"}


def test_the_rows_of_a_table_keep_constraints_and_lead():
    frame = pd.DataFrame({"layers": [1, 2, 3], "opt": ["sgd", "adam", "adam"]})
    space = Space.from_frame(frame).updated({"nodes2": {"values": [64, 128], "only": "layers >= 2"}})
    assert space.size == 1 + 2 + 2
    assert space.choices(0) == {"row": 0} and space.point(0) == {"layers": 1, "opt": "sgd"}
    fewer = space.restricted(["opt == 'adam'", "layers * 64 <= nodes2"])
    assert [fewer.point(i) for i in range(fewer.size)] == [{"layers": 2, "opt": "adam", "nodes2": 128}]
    with pytest.raises(GridrunsError, match="layers is a column of the table, so it can't have a condition"):
        Space.from_json({**space.to_json(), "only": [["layers", "opt == 'sgd'"]]})


def test_ranges_without_steps_are_checked_point_by_point():
    space = Space(
        {"opt": ["sgd", "adam"], "momentum": Float(0.0, 0.9), "lr": Float(1e-5, 0.1, log=True)},
        only={"momentum": "opt == 'sgd'"},
        where=["lr * 10 + momentum <= 1.0"],
    )
    assert space.size is None
    assert {"opt": "adam", "lr": 0.1} in space and {"opt": "sgd", "momentum": 0.5, "lr": 0.1} not in space
    declared = [flag_string("opt", "sgd"), flag_numeric("momentum", 0.5), flag_numeric("lr", 0.5)]
    assert space.checked(declared) is space


def test_a_space_without_rules_is_written_as_before():
    assert Space({"a": [1]}).to_json() == {
        "table": None,
        "flags": [["a", {"type": "choice", "values": [1]}]],
    }


DECLARED = [flag_numeric("x", 0), flag_numeric("y", 0), flag_integer("a", 1)]
GRID = {"a": [1, 2, 3], "b": [1, 2, 3], "s": ["x", "y"], "t": [True, False], "m": [None, 0.5, "auto"]}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: Space(GRID, where=["a + b > 9"]).size,
            "no point of the space keeps 'a + b > 9'",
        ),
        (
            lambda: Space(GRID, where=["a < b", "b < a"]).size,
            "no point of the space keeps all of 'a < b', 'b < a'",
        ),
        (
            lambda: Space(GRID, only={"b": "a > 3"}).size,
            "b applies at no point of the space: 'a > 3' is true at none",
        ),
        (
            lambda: Space({"x": Float(0, 1), "y": Float(0, 1)}, where=["x + y == 1"]).checked(DECLARED),
            "none of 10,000 random points keeps 'x + y == 1'",
        ),
        (
            lambda: Space(GRID, only={"a": "b > 1", "b": "s == 'x' and a > 1"}),
            "conditions must not go round in a circle, but got a -> b -> a",
        ),
        (
            lambda: Space(GRID, only={"c": "a > 1"}),
            "a condition is of an unknown flag 'c' (known: a, b, s, t, m)",
        ),
        (
            lambda: Space({"a": {"values": [1], "only": "b > 1"}, "b": [1, 2]}, only={"a": "b > 1"}),
            "a has a condition in its entry and in only; give it once",
        ),
        (
            lambda: Space({"a": {"values": [1], "only": 3}}),
            "a: only must be a text such as 'layers >= 3', but got 3",
        ),
        (
            lambda: Space({"a": {"values": [1], "low": 3}}),
            "a: beside 'values' there may be the condition 'only', but got 'low'",
        ),
        (lambda: Space(GRID, where="a > b"), "constraints must be a list of texts, but got 'a > b'"),
        (lambda: Space(GRID).restricted("a > b"), "constraints must be a list of texts, but got 'a > b'"),
        (lambda: Space(GRID, only="a > b"), "only must have a text for each flag, but got 'a > b'"),
        (
            lambda: Space({"x": Float(0, 1), "a": [1]}, only={"x": "a == 2"}).checked(DECLARED),
            "x applies at no point of the space: 'a == 2' is true at none",
        ),
        (
            lambda: Space({"x": Float(0, 1), "a": [1]}, where=["a == 2", "a > x"]).checked(DECLARED),
            "no point of the space keeps 'a == 2'",
        ),
        (
            lambda: Space(GRID, where=["a / (b - 2) > 1"]).size,
            "'a / (b - 2) > 1' divides by zero where a is 1, b is 2",
        ),
        (
            lambda: Space({"x": Float(0, 1), "a": [0, 1]}, where=["x / a > 1"]),
            "'x / a > 1': in x / a the divisor must be a flag that can't be 0 or a number, "
            "because a range without a step is in it",
        ),
    ],
)
def test_a_rule_that_leaves_nothing_is_named(make, message):
    with pytest.raises(GridrunsError) as caught:
        make()
    assert str(caught.value) == message


def test_too_many_joined_values_are_refused(monkeypatch):
    monkeypatch.setattr(counting, "MOST", 1000)
    space = Space({"a": Int(1, 10**4), "b": Int(1, 10**4), "c": [1, 2]}, where=["a + b > 3"])
    with pytest.raises(GridrunsError) as caught:
        _ = space.size
    assert str(caught.value) == (
        "the rules join a, b (10,000 x 10,000 values), and after 1,000 tries their combinations "
        "aren't counted; give fewer values or looser rules"
    )
