"""The space of a keras-tuner hypermodel, from what it asks for when it is built."""

from typing import Any

import pytest

from search.discovery import HypermodelError, Hyperparameter, discover
from spaces.domains import Choice, Float, Int

pytestmark = pytest.mark.slow  # importing keras-tuner brings TensorFlow


def conditions(found: list[Hyperparameter]) -> dict[str, dict[str, tuple[Any, ...]]]:
    return {one.name: dict(one.conditions) for one in found}


def test_every_kind_becomes_a_domain() -> None:
    def declare(hp: Any) -> None:
        hp.Int("units", 32, 100, step=32)
        hp.Int("epochs", 1, 64, sampling="log")
        hp.Int("batch", 16, 128, step=2, sampling="log")
        hp.Float("dropout", 0.0, 0.5, step=0.25)
        hp.Float("rate", 1e-4, 1e-2, sampling="log", default=1e-3)
        hp.Choice("optimizer", ["adam", "sgd"], default="sgd")
        hp.Boolean("norm")
        hp.Fixed("loss", "mse")

    found = {one.name: (one.domain, one.default) for one in discover(declare)}
    assert found == {
        "units": (Int(32, 96, 32), 32),
        "epochs": (Int(1, 64, log=True), 1),
        "batch": (Choice([16, 32, 64, 128]), 16),
        "dropout": (Choice([0.0, 0.25, 0.5]), 0.0),
        "rate": (Float(1e-4, 1e-2, log=True), 1e-3),
        "optimizer": (Choice(["adam", "sgd"]), "sgd"),
        "norm": (Choice([True, False]), False),
        "loss": (Choice(["mse"]), "mse"),
    }
    assert not any(one.conditions for one in discover(declare))


def test_a_loop_over_layers_makes_conditions() -> None:
    def declare(hp: Any) -> None:
        for layer in range(hp.Int("layers", 1, 3)):
            hp.Int(f"units_{layer}", 32, 64, step=32)
            if hp.Boolean(f"drop_{layer}"):
                hp.Float(f"rate_{layer}", 0.1, 0.5)

    assert conditions(discover(declare)) == {
        "layers": {},
        "units_0": {},
        "drop_0": {},
        "rate_0": {"drop_0": (True,)},
        "units_1": {"layers": (2, 3)},
        "drop_1": {"layers": (2, 3)},
        "rate_1": {"drop_1": (True,)},
        "units_2": {"layers": (3,)},
        "drop_2": {"layers": (3,)},
        "rate_2": {"drop_2": (True,)},
    }


def test_a_long_range_is_halved_to_where_things_change() -> None:
    builds = 0

    def declare(hp: Any) -> None:
        nonlocal builds
        builds += 1
        if hp.Int("units", 1, 1000) >= 700:
            hp.Boolean("wide")

    found = conditions(discover(declare))
    assert found["wide"] == {"units": tuple(range(700, 1001))}
    assert builds < 20


def test_conditional_scopes_are_conditions() -> None:
    def declare(hp: Any) -> None:
        kind = hp.Choice("kind", ["mlp", "cnn"])
        with hp.conditional_scope("kind", ["mlp"]):
            if kind == "mlp":
                hp.Int("units", 1, 4)
        with hp.conditional_scope("kind", ["cnn"]):
            if kind == "cnn":
                hp.Int("filters", 1, 4)
                if hp.Boolean("pool"):
                    hp.Int("size", 2, 3)
        hp.Float("rate", 0.1, 0.2)

    assert conditions(discover(declare)) == {
        "kind": {},
        "units": {"kind": ("mlp",)},
        "rate": {},
        "filters": {"kind": ("cnn",)},
        "pool": {"kind": ("cnn",)},
        "size": {"kind": ("cnn",), "pool": (True,)},
    }


def test_one_name_in_two_scopes_applies_in_either() -> None:
    def declare(hp: Any) -> None:
        hp.Choice("kind", ["a", "b", "c"])
        for kind in ("a", "b"):
            with hp.conditional_scope("kind", [kind]):
                hp.Int("units", 1, 4)

    assert conditions(discover(declare))["units"] == {"kind": ("a", "b")}


def test_a_range_that_depends_on_another_is_refused() -> None:
    def declare(hp: Any) -> None:
        hp.Int("second", 1, hp.Int("first", 2, 4))

    with pytest.raises(HypermodelError, match="'second' is an integer from 1 to 2 in one build and"):
        discover(declare)


def test_a_reversed_scale_is_refused() -> None:
    with pytest.raises(HypermodelError, match="'x' has sampling 'reverse_log', which no space has"):
        discover(lambda hp: hp.Float("x", 1.0, 2.0, sampling="reverse_log"))


def test_too_many_builds_are_refused() -> None:
    def declare(hp: Any) -> None:
        for number in range(100):
            hp.Choice(f"c{number}", list(range(10)))

    with pytest.raises(HypermodelError, match="isn't known after 300 builds"):
        discover(declare)
