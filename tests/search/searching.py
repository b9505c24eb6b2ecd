"""Spaces to search, and a study that asks for their points."""

from typing import Any

import optuna
import pandas as pd
from optuna.pruners import BasePruner

from search.parameters import suggest_all
from search.samplers import make_sampler
from spaces import Space
from spaces.domains import Float, Int

LONG = "a long name, " * 50
MIXED: list[Any] = [None, True, 1, 1.0, "1", "true", LONG, -0.5]


def small() -> Space:
    return Space({"layers": [1, 2, 3], "optimizer": ["adam", "rmsprop"], "rate": Float(0.1, 0.3, 0.1)})


def mixed() -> Space:
    return Space({"anything": MIXED, "fixed": "digits", "nodes": Int(8, 20, 4)})


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


def new_study(
    name: str, space: Space, seed: int = 1, order: str = "random", pruner: BasePruner | None = None
) -> optuna.Study:
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        return optuna.create_study(sampler=make_sampler(name, space, seed=seed, order=order), pruner=pruner)
    finally:
        optuna.logging.set_verbosity(before)


def asked(study: optuna.Study, space: Space, count: int) -> list[dict[str, Any]]:
    points = []
    for _ in range(count):
        trial = study.ask()
        points.append(suggest_all(trial, space))
        study.tell(trial, float(len(points)))
    return points


def keys(points: list[dict[str, Any]], space: Space) -> list[str]:
    return [space.key(point) for point in points]


def all_keys(space: Space) -> list[str]:
    assert space.size is not None
    return sorted(space.key(space.point(i)) for i in range(space.size))
