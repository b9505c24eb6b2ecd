"""Spaces with conditions and constraints through whole searches: what is run is what is valid."""

import json
from collections import Counter
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridruns import GridrunsError
from results.runs import read_run
from search import resume, tuning_run
from search.study import StudyError
from spaces import Space
from spaces.errors import SpaceError
from tests.search.searching import asked, new_study
from tests.search.support import Write

SCRIPT = """
    from results import log_metrics
    from spaces import flag_integer, flag_numeric, flag_string, flags
    FLAGS = flags(
        flag_integer("a", 1), flag_integer("b", 7), flag_string("word", "x"), flag_numeric("rate", 0.5)
    )
    log_metrics(1, val_loss=FLAGS.a + FLAGS.b / 10 + FLAGS.rate)
"""
WHERE = ["b <= a", "rate < 0.4 or word == 'sgd'"]
CONDITIONAL: dict[str, Any] = {
    "a": [1, 2, 3],
    "b": {"values": [1, 2, 3], "only": "a >= 2"},
    "word": ["sgd", "adam"],
    "rate": {"values": [0.1, 0.9], "only": "word == 'sgd' and a != 3"},
}
YAML = """
    a: [1, 2, 3]
    b: {values: [1, 2, 3], only: a >= 2}
    word: [sgd, adam]
    rate: {values: [0.1, 0.9], only: word == 'sgd' and a != 3}
    where:
      - b <= a
      - rate < 0.4 or word == 'sgd'
"""
SETTINGS = [
    "a=1,2,3", "b=1,2,3 if a >= 2", "word=sgd,adam", "rate=0.1,0.9 if word == 'sgd' and a != 3",
]  # fmt: skip


def valid() -> set[tuple[int, int, str, float]]:
    """By brute force, what the script gets: where b doesn't apply it is 7, and where rate doesn't, 0.5."""
    found = set()
    for a, b, word, rate in product([1, 2, 3], [1, 2, 3], ["sgd", "adam"], [0.1, 0.9]):
        with_b, with_rate = a >= 2, word == "sgd" and a != 3
        if (with_b and b > a) or (with_rate and not (rate < 0.4 or word == "sgd")):
            continue
        found.add((a, b if with_b else 7, word, rate if with_rate else 0.5))
    return found


@pytest.fixture
def script(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return write(SCRIPT)


def tune(script: Path, flags: Any = CONDITIONAL, **given: Any) -> pd.DataFrame:
    options = {"study": "s", "quiet": True, "executor": "inline", "seed": 3, **given}
    return tuning_run(script, flags, **options)


def got(runs: pd.DataFrame) -> Counter[tuple[Any, ...]]:
    """What the scripts got, of the runs that completed."""
    done = runs[runs["status"] == "completed"]
    flags = [read_run(Path(path)).flags for path in done["run_dir"]]
    return Counter((run["a"], run["b"], run["word"], run["rate"]) for run in flags)


def cut_off(runs: pd.DataFrame, numbers: list[int]) -> None:
    for path in runs[runs["number"].isin(numbers)]["run_dir"]:
        (Path(path) / "outcome.json").unlink()


@pytest.mark.parametrize("form", ["python", "space", "yaml", "set"])
def test_the_grid_runs_exactly_the_valid_points_in_every_form(form: str, script: Path, write: Write) -> None:
    if form == "python":
        runs = tune(script, where=WHERE)
    elif form == "space":
        runs = tune(script, Space(CONDITIONAL, where=WHERE))
    elif form == "yaml":
        runs = tune(script, str(write(YAML, "space.yaml")))
    else:
        runs = tune(script, {}, set=SETTINGS, where=WHERE)
    assert got(runs) == Counter(valid())


@pytest.mark.parametrize(
    "sampler", ["random", "tpe", "qmc", pytest.param("keras-tuner:random", marks=pytest.mark.slow)]
)
def test_other_samplers_run_exactly_the_valid_points(sampler: str, script: Path) -> None:
    assert got(tune(script, where=WHERE, sampler=sampler)) == Counter(valid())


def test_trials_in_processes_get_the_base_value_of_a_flag_that_does_not_apply(script: Path) -> None:
    runs = tune(script, where=WHERE, executor="local", arguments=["--b", "9"])
    assert {b for a, b, _, _ in got(runs) if a == 1} == {9}
    assert sum(got(runs).values()) == len(valid())


def test_a_run_says_which_flags_do_not_apply(script: Path) -> None:
    for path in tune(script, where=WHERE)["run_dir"]:
        record = json.loads((Path(path) / "run.json").read_text())
        flags = record["flags"]
        expected = {"b"} if flags["a"] < 2 else set()
        expected |= set() if flags["word"] == "sgd" and flags["a"] != 3 else {"rate"}
        assert set(record["inactive"]) == expected
        logged = json.loads((Path(path) / "metrics.jsonl").read_text())["metrics"]["val_loss"]
        assert logged == flags["a"] + flags["b"] / 10 + flags["rate"]


@pytest.mark.parametrize("sampler", ["grid", "random", "tpe"])
def test_resume_and_growth_keep_to_the_valid_points(sampler: str, script: Path) -> None:
    before = tune(script, where=WHERE, sampler=sampler, trials=5)
    cut_off(before, [1, 3])
    assert sum(got(resume("s", quiet=True)).values()) == 5
    runs = tune(script, where=WHERE, sampler=sampler)
    assert got(runs) == Counter(valid())
    assert list(resume("s", quiet=True)["run_dir"]) == list(runs["run_dir"])


def test_ranges_under_conditions(script: Path) -> None:
    space = {
        "word": ["sgd", "adam"],
        "rate": {"low": 1e-4, "high": 0.1, "log": True, "only": "word == 'sgd'"},
        "a": [1, 2],
    }
    runs = tune(script, space, sampler="tpe", trials=16, where=["rate < 0.01"])
    for _, _, word, rate in got(runs).elements():
        assert rate < 0.01 if word == "sgd" else rate == 0.5
    # Points that differ only in what doesn't apply are one point, which runs once.
    assert len(got(runs)) == 16


def test_a_changed_condition_is_named_and_kept_points_stay(script: Path) -> None:
    before = tune(script, {"a": [1, 2, 3], "b": {"values": [1, 2], "only": "a >= 2"}})
    changed = {"a": [1, 2, 3], "b": {"values": [1, 2], "only": "a >= 3"}}
    with pytest.raises(StudyError, match="b applies if a >= 2 -> a >= 3"):
        tune(script, changed)
    with pytest.raises(StudyError, match="where b < 2"):
        tune(script, {"a": [1, 2, 3], "b": {"values": [1, 2], "only": "a >= 2"}}, where=["b < 2"])
    runs = tune(script, changed, extend=True)
    assert set(before["run_dir"]) < set(runs["run_dir"])
    assert len(runs) == len(before) + 1  # a = 2 with b's default


@pytest.mark.parametrize(
    ("asked_for", "message"),
    [
        ({"where": ["b <= c"]}, "c"),
        ({"where": ["b <"]}, "b <"),
        ({"where": ["word < 3"]}, "compares a string with a number"),
        ({"where": ["a > 7"]}, "no point"),
        ({"flags": {"a": [1, 2], "b": {"values": [1], "only": "a > 2"}}}, "applies at no point"),
        ({"flags": {"a": [1]}, "set": ["b=1,2 if"]}, "2 if"),
        ({"trials": len(valid()) + 1, "where": WHERE}, "trials must be at most"),
    ],
)  # fmt: skip
def test_rules_that_cannot_be_are_one_line(asked_for: dict[str, Any], message: str, script: Path) -> None:
    with pytest.raises(GridrunsError, match=message) as caught:
        tune(script, **asked_for)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2
    assert not Path("runs").exists()


FLAGS = ("p", "q", "r", "s")


@st.composite
def ruled_spaces(draw: st.DrawFn) -> tuple[dict[str, list[int]], dict[str, str], list[str]]:
    """Up to four flags of up to three values; a flag may depend on an earlier one; up to two constraints."""
    names = FLAGS[: draw(st.integers(2, 4))]
    values = {name: draw(st.lists(st.integers(0, 4), min_size=1, max_size=3, unique=True)) for name in names}
    compare = st.sampled_from(["<", "<=", ">", ">=", "==", "!="])
    only = {
        name: f"{draw(st.sampled_from(names[:place]))} {draw(compare)} {draw(st.integers(0, 4))}"
        for place, name in enumerate(names)
        if place and draw(st.booleans())
    }
    pairs = st.lists(st.sampled_from(names), min_size=2, max_size=2, unique=True)
    where = [f"{left} {draw(compare)} {right}" for left, right in draw(st.lists(pairs, max_size=2))]
    return values, only, where


def brute_force(
    values: dict[str, list[int]], only: dict[str, str], where: list[str]
) -> set[frozenset[tuple[str, int]]]:
    """The points by the laws of docs/flags-and-spaces.md, each text judged by Python itself."""
    found = set()
    for combination in product(*values.values()):
        point: dict[str, int] = {}
        for name, value in zip(values, combination, strict=True):
            rule = only.get(name)
            # A condition that mentions a flag that doesn't apply is false.
            if rule is None or (rule.split()[0] in point and eval(rule, {}, dict(point))):
                point[name] = value
        # A constraint that mentions one holds.
        if all(
            eval(rule, {}, dict(point))
            for rule in where
            if {rule.split()[0], rule.split()[2]} <= point.keys()
        ):
            found.add(frozenset(point.items()))
    return found


@settings(max_examples=40, deadline=None)
@pytest.mark.parametrize("sampler", ["grid", "random", "tpe"])
@given(rules=ruled_spaces(), seed=st.integers(0, 100))
def test_what_a_search_visits_is_what_brute_force_finds(
    sampler: str, rules: tuple[dict[str, list[int]], dict[str, str], list[str]], seed: int
) -> None:
    values, only, where = rules
    expected = brute_force(values, only, where)
    used = {name for point in expected for name, _ in point}
    if not expected or used != set(values):
        with pytest.raises(SpaceError):
            _ = Space(values, only=only, where=where).size
        return
    space = Space(values, only=only, where=where)
    assert space.size == len(expected)
    points = asked(new_study(sampler, space, seed), space, len(expected))
    visited = [frozenset(point.items()) for point in points]
    assert set(visited) == expected
    assert len(visited) == len(expected)
