"""Spaces to search, samplers of every kind, and a study that asks for their points."""

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import optuna
import pandas as pd
import pytest
from optuna.pruners import BasePruner
from optuna.trial import TrialState

from search.parameters import suggest_all
from search.samplers import SAMPLERS, make_sampler
from spaces import Space
from spaces.domains import Float, Int

LONG = "a long name, " * 50
MIXED: list[Any] = [None, True, 1, 1.0, "1", "true", LONG, -0.5]

OBJECTS = ["an Optuna object", "an oracle object"]


def parameter(name: str) -> Any:
    """A sampler as a parameter of a test; skipped, and said so, where a package that it needs isn't there."""
    package = SAMPLERS[name].needs if name in SAMPLERS else None
    missing = package is not None and find_spec(package) is None
    reason = f"NOT TESTED: the sampler {name!r} needs {package}, which isn't installed"
    return pytest.param(name, marks=[pytest.mark.skipif(missing, reason=reason)])


def given(name: str, seed: int) -> Any:
    """A name as it is; for one of `OBJECTS` a new object with this seed."""
    if name == "an Optuna object":
        return optuna.samplers.TPESampler(seed=seed, n_startup_trials=5)
    if name == "an oracle object":
        import keras_tuner

        # 0 would be random to an oracle.
        return keras_tuner.oracles.RandomSearchOracle(seed=1000 * seed + 1)
    return name


def small() -> Space:
    return Space({"layers": [1, 2, 3], "optimizer": ["adam", "rmsprop"], "rate": Float(0.1, 0.3, 0.1)})


def mixed() -> Space:
    return Space({"anything": MIXED, "fixed": "digits", "nodes": Int(8, 12, 4)})


def ranges() -> Space:
    return Space(
        {
            "lr": Float(1e-5, 1e-1, log=True),
            "dropout": Float(0.0, 0.5),
            "nodes": Int(1, 1000, log=True),
            "layers": Int(1, 9, 2),
            "share": Float(0.0, 1.0, 0.1),
            "optimizer": ["adam", "rmsprop"],
        }
    )


def table() -> Space:
    rows = [(64, "adam"), (128, "adam"), (256, "sgd"), (64, "sgd")]
    return Space.from_frame(pd.DataFrame(rows, columns=["nodes", "optimizer"]))


def conditional() -> Space:
    """11 points: 2 of one layer, 3 of two, 6 of three."""
    nodes = {f"nodes{layer}": [64, 128] for layer in (1, 2, 3)}
    return Space(
        {"layers": [1, 2, 3], **nodes},
        only={"nodes2": "layers >= 2", "nodes3": "layers >= 3"},
        where=["nodes2 <= nodes1"],
    )


def conditional_ranges() -> Space:
    return Space(
        {
            "optimizer": ["sgd", "adam", None],
            "lr": Float(1e-5, 1e-1, log=True),
            "momentum": Float(0.0, 0.9),
            "nodes1": Int(1, 100, log=True),
            "nodes2": Int(1, 100),
        },
        only={"momentum": "optimizer == 'sgd'"},
        where=["nodes2 <= nodes1", "lr <= 0.01"],
    )


def single() -> Space:
    return Space({"optimizer": ["adam"], "nodes": 64})


def new_study(
    name: str,
    space: Space,
    seed: int = 1,
    order: str = "random",
    pruner: BasePruner | None = None,
    allow_duplicates: bool = False,
    direction: str = "minimize",
) -> optuna.Study:
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = make_sampler(
        given(name, seed), space, seed=seed, order=order, allow_duplicates=allow_duplicates
    )
    try:
        return optuna.create_study(sampler=sampler, pruner=pruner, direction=direction)
    finally:
        optuna.logging.set_verbosity(before)


def asked(
    study: optuna.Study,
    space: Space,
    count: int,
    objective: Callable[[dict[str, Any]], float] | None = None,
) -> list[dict[str, Any]]:
    """Ask for points and tell a value of each: the objective's, or else how many there were."""
    points = []
    for _ in range(count):
        trial = study.ask()
        points.append(suggest_all(trial, space))
        study.tell(trial, float(len(points)) if objective is None else objective(points[-1]))
    return points


def asked_by_workers(study: optuna.Study, space: Space, count: int, workers: int) -> list[dict[str, Any]]:
    """Ask for points with so many pending at a time; every third is told as failed."""
    points, pending = [], []
    for number in range(count):
        trial = study.ask()
        points.append(suggest_all(trial, space))
        pending.append(trial)
        if len(pending) == workers:
            told = pending.pop(number % workers)
            if number % 3 == 0:
                study.tell(told, state=TrialState.FAIL)
            else:
                study.tell(told, float(number))
    return points


def keys(points: list[dict[str, Any]], space: Space) -> list[str]:
    return [space.key(point) for point in points]


def all_keys(space: Space) -> list[str]:
    assert space.size is not None
    return sorted(space.key(space.point(i)) for i in range(space.size))
