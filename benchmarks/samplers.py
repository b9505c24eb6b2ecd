"""How many points do samplers need on the chapter's grid, and how many of them twice?

    python -m benchmarks.samplers [--trials 145] [--seeds 10] [SAMPLER ...]

The objective costs nothing: a made-up loss over the 2,916 combinations of spaces/mnist_grid_search.yaml, in
which the best dropout of a layer depends on its width, with a little noise that is the same whenever a
point is run again. "optuna tpe" is Optuna's own TPESampler with its own settings, asked without gridruns; it
may repeat points. Reported are, over the seeds, the rank of the best point so far among all points
of the grid (1 is the best there is) and how many trials ran a point again.
"""

import argparse
import hashlib
from collections.abc import Callable, Sequence
from statistics import fmean, median
from typing import Any

import optuna

from search.parameters import suggest_all
from search.quiet import quiet_optuna
from search.samplers import make_sampler
from spaces import Space, load_space

SPACE = "mnist_grid_search"
PLAIN = "optuna tpe"
MARKS = (20, 40, 80, 145)


def loss(point: dict[str, Any]) -> float:
    """A made-up validation loss of a point."""
    size = [{64: 0.0, 128: 0.5, 256: 1.0}[point[f"nodes{layer}"]] for layer in (1, 2, 3)]
    drop = [point[f"dropout{layer}"] for layer in (1, 2, 3)]
    smooth = 0.05 * (1 - size[0]) ** 2 + 0.03 * (0.5 - size[1]) ** 2 + 0.02 * size[2] ** 2
    for weight, part, wide in zip((2, 1, 0.5), drop, size, strict=True):
        smooth += weight * (part - 0.2 - 0.2 * wide) ** 2
    smooth += 0.02 * (point["optimizer"] == "rmsprop") + 0.005 * (point["lr_annealing"] == 0.1)
    return float(smooth + 0.004 * _noise(repr(sorted(point.items()))))


def _noise(text: str) -> float:
    """A number in [-1, 1) that is always the same for the same text."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=4).digest(), "big") / 2**31 - 1


def searched(name: str, space: Space, seed: int, trials: int) -> list[dict[str, Any]]:
    """The points that a sampler asks for, told their losses."""
    with quiet_optuna():
        if name == PLAIN:
            study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed))
        else:
            study = optuna.create_study(sampler=make_sampler(name, space, seed=seed))
    ask = _plainly if name == PLAIN else suggest_all
    points = []
    for _ in range(trials):
        trial = study.ask()
        points.append(ask(trial, space))
        study.tell(trial, loss(points[-1]))
    return points


def _plainly(trial: optuna.Trial, space: Space) -> dict[str, Any]:
    domains = space.parameters().items()
    return {
        name: trial.suggest_categorical(name, [domain.value(i) for i in range(domain.size or 0)])
        for name, domain in domains
    }


def measured(name: str, space: Space, seeds: int, trials: int, rank: Callable[[float], int]) -> str:
    """A line of the table."""
    marks = [mark for mark in MARKS if mark <= trials]
    ranks: dict[int, list[int]] = {mark: [] for mark in marks}
    twice = []
    for seed in range(seeds):
        points = searched(name, space, seed, trials)
        losses = [loss(point) for point in points]
        for mark in marks:
            ranks[mark].append(rank(min(losses[:mark])))
        twice.append(trials - len({space.key(point) for point in points}))
    found = [f"{fmean(ranks[mark]):7.1f} ({median(ranks[mark]):5.1f})" for mark in marks]
    return f"{name:22s}{''.join(found)}   {fmean(twice):5.1f} ({min(twice)}-{max(twice)})"


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("samplers", nargs="*", default=["random", PLAIN, "tpe", "qmc"])
    parser.add_argument("--trials", type=int, default=145)
    parser.add_argument("--seeds", type=int, default=10)
    asked = parser.parse_args(arguments)
    space = load_space(SPACE)
    assert space.size is not None
    every = sorted(loss(space.point(index)) for index in range(space.size))
    heads = "".join(f"{f'after {mark}':>15s}" for mark in MARKS if mark <= asked.trials)
    print(f"rank of the best of {space.size:,} points, mean (median) of {asked.seeds} seeds\n")
    print(f"{'sampler':22s}{heads}   twice (range)")
    for name in asked.samplers:
        line = measured(name, space, asked.seeds, asked.trials, lambda value: 1 + every.index(value))
        print(line, flush=True)


if __name__ == "__main__":
    main()
