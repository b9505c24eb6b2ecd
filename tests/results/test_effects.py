"""The additive model to the number: designs with known effects, sums done by hand, what can't be told."""

import itertools
import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from results.effects import effects
from results.errors import ResultsError
from results.levels import comparable, levels
from tests.results.boards import LOSS, board

T_8 = 2.306004135  # quantiles of Student's t at 0.975, from printed tables


def of(data: pd.DataFrame, flag: str, column: str) -> list[Any]:
    found: list[Any] = data[data["flag"] == flag][column].tolist()
    return found


def test_in_a_balanced_design_effects_are_differences_of_means() -> None:
    cells = list(itertools.product([16, 32, 64], ["adam", "sgd"])) * 2
    nodes = {16: 3.0, 32: -1.0, 64: -2.0}
    opt = {"adam": -0.5, "sgd": 0.5}
    errors = [0.25] * 6 + [-0.25] * 6  # they sum to zero for every value: the effects come out exactly
    values = [10 + nodes[n] + opt[o] + error for (n, o), error in zip(cells, errors, strict=True)]
    data = effects(board(values, {"nodes": [n for n, _ in cells], "opt": [o for _, o in cells]}), LOSS)
    assert of(data, "nodes", "value") == ["16", "32", "64"]
    assert of(data, "nodes", "runs") == [4, 4, 4]
    assert of(data, "nodes", "effect") == pytest.approx([3, -1, -2])
    assert of(data, "opt", "effect") == pytest.approx([-0.5, 0.5])
    assert of(data, "nodes", "mean") == pytest.approx([13, 9, 8])
    assert of(data, "nodes", "minimum") == pytest.approx([12.25, 8.25, 7.25])
    assert of(data, "opt", "median") == pytest.approx([8.5, 9.5])
    # 12 runs less 4 parameters; a level's mean less the mean of all has the variance s^2 (k - 1) / n.
    s = math.sqrt(12 * 0.25**2 / 8)
    for flag, k in (("nodes", 3), ("opt", 2)):
        half = T_8 * s * math.sqrt((k - 1) / 12)
        centre = np.array(of(data, flag, "effect"))
        assert of(data, flag, "effect_low") == pytest.approx(list(centre - half), rel=1e-8)
        assert of(data, flag, "effect_high") == pytest.approx(list(centre + half), rel=1e-8)


def test_an_unbalanced_sample_misleads_the_means_and_not_the_effects() -> None:
    # "big" is worth -1, but came with the bad optimizer more often, which costs 4.
    rows = [("big", "sgd")] * 4 + [("big", "adam")] + [("small", "sgd")] + [("small", "adam")] * 4
    values = [5.0 - (size == "big") + 4 * (opt == "sgd") for size, opt in rows]
    data = effects(board(values, {"size": [s for s, _ in rows], "opt": [o for _, o in rows]}), LOSS)
    big, small = of(data, "size", "mean")
    assert big > small
    assert of(data, "size", "effect") == pytest.approx([-0.5, 0.5])
    assert of(data, "opt", "effect") == pytest.approx([-2, 2])
    assert of(data, "size", "effect_low") == pytest.approx([-0.5, 0.5], abs=1e-9)


def test_one_flag_with_unequal_counts_by_hand() -> None:
    data = effects(board([1.0, 2.0, 3.0, 5.0, 7.0, 12.0], {"f": ["a", "a", "a", "b", "b", "c"]}), LOSS)
    # Means 2, 6, 12, their average 20/3; squares 2 + 2 + 0 on 6 - 3 runs.
    assert of(data, "f", "effect") == pytest.approx([2 - 20 / 3, 6 - 20 / 3, 12 - 20 / 3])
    variance = 4 / 3 * ((2 / 3) ** 2 / 3 + (1 / 3) ** 2 / 2 + (1 / 3) ** 2 / 1)
    half = 3.182446305 * math.sqrt(variance)
    assert of(data, "f", "effect_high")[0] == pytest.approx(2 - 20 / 3 + half, rel=1e-8)


def test_treatment_coding_by_the_normal_equations_agrees() -> None:
    generator = np.random.default_rng(5)
    flags = {name: generator.integers(k, size=40).tolist() for name, k in (("a", 3), ("b", 4), ("c", 2))}
    values = generator.normal(size=40) + np.array(flags["b"])
    data = effects(board(values.tolist(), flags), LOSS)
    columns = [np.ones(40)] + [np.array(flags[n]) == v for n, k in (("a", 3), ("b", 4), ("c", 2))
                               for v in range(1, k)]  # fmt: skip
    x = np.column_stack(columns).astype(float)
    inverse = np.linalg.inv(x.T @ x)
    beta = inverse @ x.T @ values
    variance = ((values - x @ beta) ** 2).sum() / (40 - x.shape[1])
    contrast = np.zeros(x.shape[1])
    contrast[3:6] = -1 / 4  # the average over b's values, of which the first is the base
    contrast[5] += 1
    assert of(data, "b", "effect")[3] == pytest.approx(contrast @ beta)
    half = (of(data, "b", "effect_high")[3] - of(data, "b", "effect_low")[3]) / 2
    assert half == pytest.approx(2.034515297 * math.sqrt(variance * contrast @ inverse @ contrast), rel=1e-6)


def test_intervals_hold_the_effect_as_often_as_they_say() -> None:
    # Binomial: 600 samples, 0.95, one sigma is 0.0089; within three sigmas all but once in 400 seeds.
    generator = np.random.default_rng(11)
    held = 0
    for _ in range(600):
        a, b = generator.integers(3, size=24), generator.integers(2, size=24)
        values = np.array([0.0, 1.0, 5.0])[a] + b + generator.normal(size=24)
        row = effects(board(values.tolist(), {"a": a.tolist(), "b": b.tolist()}), LOSS).iloc[0]
        held += row["effect_low"] <= 0 - 2 <= row["effect_high"]
    assert abs(held / 600 - 0.95) < 3 * 0.0089


def test_what_the_runs_cannot_tell_apart_is_missing() -> None:
    flags = {"a": ["x", "x", "y", "y"] * 2, "b": ["p", "p", "q", "q"] * 2, "c": [0, 1] * 4}
    data = effects(board([1.0, 2.0, 3.0, 4.0, 1.1, 2.1, 3.1, 4.1], flags), LOSS)
    assert data[data["flag"] != "c"]["effect"].isna().all()
    assert data["mean"].notna().all()
    assert of(data, "c", "effect") == pytest.approx([-0.5, 0.5])


def test_a_flag_that_applies_to_some_runs_only_keeps_the_others_effects() -> None:
    # nodes3 only where layers is 3: its effects compare those runs, those of layers are told as well.
    cells = [(1, pd.NA), (2, pd.NA), (3, 16), (3, 32), (3, 64)] * 2
    layers, nodes = {1: 1.0, 2: 0.0, 3: -1.0}, {16: 0.5, 32: 0.0, 64: -0.5}
    values = [10 + layers[count] + nodes.get(units, 0.0) for count, units in cells]
    flags = {"layers": [count for count, _ in cells], "nodes3": [units for _, units in cells]}
    data = effects(board(values, flags), LOSS)
    assert of(data, "layers", "effect") == pytest.approx([1, 0, -1])
    assert of(data, "nodes3", "value") == ["16", "32", "64", "(not set)"]
    assert of(data, "nodes3", "effect") == [*map(pytest.approx, (0.5, 0, -0.5)), pd.NA]
    assert of(data, "nodes3", "runs") == [2, 2, 2, 4]


def test_a_gap_that_no_other_flag_explains_has_an_effect() -> None:
    # What the runs without the flag lie above the average of those that have it.
    cells = list(itertools.product(["a", "b"], [1, 2, pd.NA]))
    values = [{"a": 0.0, "b": 4.0}[word] + {1: -1.0, 2: 1.0}.get(count, 5.0) for word, count in cells]
    data = effects(board(values, {"w": [w for w, _ in cells], "n": [n for _, n in cells]}), LOSS)
    assert of(data, "n", "effect") == pytest.approx([-1, 1, 5])
    assert of(data, "w", "effect") == pytest.approx([-2, 2])


def test_one_value_beside_a_gap_differs_from_nothing() -> None:
    data = effects(board([1.0, 1.5, 4.0, 4.5], {"n": [7, 7, pd.NA, pd.NA]}), LOSS)
    assert of(data, "n", "effect") == [pd.NA, pytest.approx(3)]


def test_with_no_run_left_for_the_error_there_is_no_interval() -> None:
    data = effects(board([1.0, 3.0], {"a": ["x", "y"]}), LOSS)
    assert of(data, "a", "effect") == pytest.approx([-1, 1])
    assert data["effect_low"].isna().all()


def test_only_ranked_runs_and_flags_that_vary_count() -> None:
    table = board([1.0, None, 3.0, None], {"a": [1, 2, 3, 4], "same": ["x"] * 4})
    data = effects(table, LOSS)
    assert data["value"].tolist() == ["1", "3"]
    assert effects(board([1.0], {"a": [1]}), LOSS).empty
    assert effects(board([None, None], {"a": [1, 2]}), LOSS).empty
    assert effects(table, LOSS).dtypes.equals(effects(board([], {}), LOSS).dtypes)


def test_numbers_near_the_end_of_the_range_do_not_overflow() -> None:
    data = effects(board([1e300, 3e300, 1e300, 3e300], {"a": [1, 2, 1, 2]}), LOSS)
    assert of(data, "a", "effect") == pytest.approx([-1e300, 1e300])
    assert effects(board([0.0, 0.0, 0.0], {"a": [1, 2, 1]}), LOSS)["effect"].tolist() == [0, 0]


def test_few_values_are_categories_in_their_order() -> None:
    table = board([1.0] * 4, {"n": [128, 16, pd.NA, 16], "t": ["b", "a", "10", "9"], "b": [True, False] * 2})
    found = levels(table, "flag_n")
    assert found.names == ("16", "128", "(not set)")
    assert found.codes.tolist() == [1, 0, 2, 0]
    assert levels(table, "flag_t").names == ("10", "9", "a", "b")
    assert levels(table, "flag_b").names == ("False", "True")


def test_many_numbers_are_cut_into_ranges_of_equal_counts() -> None:
    table = board([1.0] * 100, {"lr": [10.0 ** (-k / 25) for k in range(100)]})
    found = levels(table, "flag_lr")
    assert found.names[-1] == "0.1738 to 1"
    assert np.bincount(found.codes).tolist() == [20] * 5
    ties = board([1.0] * 60, {"n": [5] * 40 + list(range(100, 120))})
    assert levels(ties, "flag_n").names == ("5", "100 to 107", "108 to 119")
    close = board([1.0] * 50, {"x": [1 + k * 1e-9 for k in range(49)] + [pd.NA]})
    assert len(set(levels(close, "flag_x").names)) == 6
    assert levels(close, "flag_x").names[-1] == "(not set)"


def test_many_texts_are_left_out_and_it_is_said() -> None:
    table = board([1.0] * 13, {"name": [f"n{k}" for k in range(13)], "a": [0, 1] * 6 + [0]})
    said = "flag 'name' has 13 different values that aren't all finite numbers; at most 12 can be compared"
    with pytest.raises(ResultsError, match=f"^{said}$"):
        levels(table, "flag_name")
    found, reasons = comparable(table, ["flag_name", "flag_a"])
    assert [item.flag for item in found] == ["a"]
    assert reasons == [said]
    assert set(effects(table, LOSS)["flag"]) == {"a"}
