"""What single samplers promise beyond the suite of all, and what they are made of."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from statistics import fmean
from typing import Any

import optuna
import pytest
from optuna.trial import create_trial

from search import samplers
from search.distinct import DistinctSampler
from search.neighbours import boxes
from search.parameters import distributions, from_trial_params, suggest_all, to_trial_params
from search.samplers import (
    SamplerError,
    SpaceExhausted,
    check_sampler,
    make_sampler,
    resumed_sampler,
    sampler_name,
)
from search.sampling import stream_seed
from spaces import Space
from spaces.domains import Float, Int
from tests.search.searching import (
    all_keys,
    asked,
    given,
    keys,
    mixed,
    new_study,
    parameter,
    ranges,
    small,
    table,
)


def test_the_grid_in_its_own_order() -> None:
    space = small()
    study = new_study("grid", space, seed=3, order="grid")
    assert asked(study, space, 18) == [space.point(i) for i in range(18)]


def test_the_grid_in_random_order_is_the_spaces_order() -> None:
    space = small()
    order = space.order(3)
    points = asked(new_study("grid", space, seed=3), space, 18)
    assert points == [space.point(order[i]) for i in range(18)]


def test_a_grid_of_ten_to_the_twelve() -> None:
    space = Space({f"flag{i}": list(range(10)) for i in range(12)})
    assert space.size == 10**12
    begun = time.perf_counter()
    points = asked(new_study("grid", space), space, 100)
    assert len(set(keys(points, space))) == 100
    assert time.perf_counter() - begun < 10


def test_an_endless_space_is_no_grid() -> None:
    with pytest.raises(SamplerError) as caught:
        make_sampler("grid", ranges(), seed=1)
    assert str(caught.value) == (
        "the sampler 'grid' needs a finite space, but lr, dropout are ranges without a step; "
        "give them a step or a list of values, or choose the sampler 'random'"
    )


class Stuck:
    """Proposes one point for ever."""

    rehearses = False

    def __init__(self, space: Space) -> None:
        self.point = space.point(0)

    def open(self, study: Any) -> None: ...

    def begin(self, number: int) -> None: ...

    def settle(self, number: int, choices: Any) -> None: ...

    def finish(self, number: int, trial: Any) -> None: ...

    def propose(self) -> Any:
        return dict(self.point)


def stuck_study(space: Space, seed: int, **options: Any) -> optuna.Study:
    study = new_study("random", space)
    study.sampler = DistinctSampler(Stuck(space), space, seed=seed, **options)
    return study


def test_what_is_left_is_drawn_evenly_for_an_even_sampler() -> None:
    """Where the proposer is stuck, the other points come in random order.

    300 seeds, 17 points: each is second about 17.6 times, sigma 4.1; 5 sigma fail by chance once in 10^5.
    """
    space, counts = small(), dict.fromkeys(all_keys(small()), 0)
    for seed in range(300):
        first, second = keys(asked(stuck_study(space, seed, near=False), space, 2), space)
        assert first == space.key(space.point(0))
        counts[second] += 1
    assert counts.pop(space.key(space.point(0))) == 0
    assert all(abs(count - 300 / 17) < 20.5 for count in counts.values())


def test_a_refused_proposal_gives_way_to_the_nearest_point() -> None:
    space = Space({"nodes": [256, 64, 128], "dropout": Float(0.1, 0.5, 0.1), "optimizer": ["a", "b", "c"]})
    nodes = {64: 0, 128: 1, 256: 2}

    def distance(point: dict[str, Any]) -> int:
        steps = abs(nodes[point["nodes"]] - 2) + round(10 * abs(point["dropout"] - 0.1))
        return steps + (point["optimizer"] != "a")

    for seed in range(3):
        points = asked(stuck_study(space, seed), space, 45)
        assert sorted(keys(points, space)) == all_keys(space)
        assert [distance(point) for point in points] == sorted(distance(point) for point in points)


def test_a_space_with_ranges_is_searched_near_a_refused_proposal() -> None:
    space = ranges()
    start = {"lr": 1e-3, "dropout": 0.2, "nodes": 30, "layers": 3, "share": 0.5, "optimizer": "adam"}
    found = list(boxes(space.parameters(), start, Random(1)))
    assert all(space.assemble(choices) in space for choices in found)
    assert all(abs(choices["dropout"] - 0.2) <= 0.025 + 1e-9 for choices in found[:64])
    assert len({choices["dropout"] > 0.45 for choices in found}) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"sampler": "radnom"},
            "unknown sampler 'radnom'; did you mean 'random'? "
            "(known: grid, random, tpe, gp, cmaes, qmc, keras-tuner:random, keras-tuner:bayesian)",
        ),
        (
            {"sampler": 3},
            "sampler must be a name, an Optuna BaseSampler object or a keras-tuner Oracle object, but got 3",
        ),
        ({"order": "sideways"}, "unknown order 'sideways' (known: random, grid)"),
        (
            {"sampler": "random", "order": "grid"},
            "order 'grid' is for the sampler 'grid', but got the sampler 'random'",
        ),
        ({"seed": -1}, "seed must be an integer of at least 0, but got -1"),
        ({"seed": True}, "seed must be an integer of at least 0, but got True"),
        (
            {"allow_duplicates": True},
            "the sampler 'grid' gives out every point once, so it can't allow duplicates",
        ),
    ],
)
def test_mistakes_are_named(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(SamplerError) as caught:
        make_sampler(**{"sampler": "grid", "space": small(), "seed": 1, **arguments})
    assert str(caught.value) == message


@pytest.mark.parametrize(("name", "package", "extra"), [("gp", "torch", "gp"), ("cmaes", "cmaes", "cmaes")])
def test_a_missing_package_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, package: str, extra: str
) -> None:
    monkeypatch.setattr(samplers, "find_spec", lambda wanted: None)
    with pytest.raises(SamplerError) as caught:
        check_sampler(name)
    assert str(caught.value) == (
        f"the sampler {name!r} needs the package {package}, which isn't installed: "
        f"pip install 'gridruns[{extra}]'"
    )


def test_one_metric_or_several() -> None:
    for name in ("grid", "random", "tpe", "qmc"):
        check_sampler(name, metrics=2)
    with pytest.raises(SamplerError) as caught:
        check_sampler("cmaes", metrics=2)
    assert str(caught.value) == (
        "the sampler 'cmaes' optimizes one metric, but got 2 (able to: grid, random, tpe, gp, qmc)"
    )
    with pytest.raises(SamplerError, match="keras-tuner's oracles optimize one metric, but got 2"):
        check_sampler(given("an oracle object", 1), metrics=2)


@pytest.mark.parametrize("name", [parameter(name) for name in ("random", "tpe", "gp", "qmc")])
def test_several_metrics_are_searched(name: str) -> None:
    space = small()
    study = optuna.create_study(
        directions=["minimize", "maximize"], sampler=make_sampler(name, space, seed=1)
    )
    points = []
    for number in range(18):
        trial = study.ask()
        points.append(suggest_all(trial, space))
        study.tell(trial, [float(number), float(points[-1]["layers"])])
    assert sorted(keys(points, space)) == all_keys(space)


def test_an_object_is_known_by_its_class() -> None:
    sampler = optuna.samplers.TPESampler(seed=1)
    assert [sampler_name("tpe"), sampler_name(sampler)] == ["tpe", "TPESampler"]
    assert resumed_sampler("tpe") == "tpe"
    assert resumed_sampler("TPESampler", sampler) is sampler
    with pytest.raises(SamplerError) as caught:
        resumed_sampler("TPESampler")
    assert str(caught.value) == (
        "the sampler was a TPESampler object, which no file holds: resume from Python and give it again"
    )
    with pytest.raises(SamplerError, match="the sampler must be 'TPESampler' as before, but got 'random'"):
        resumed_sampler("TPESampler", "random")


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
def test_an_object_sees_the_values_as_they_are() -> None:
    space = small()
    inner = optuna.samplers.RandomSampler(seed=1)
    fixed = optuna.samplers.PartialFixedSampler({"layers": 2, "optimizer": "adam"}, inner)
    study = optuna.create_study(sampler=make_sampler(fixed, space, seed=1))
    points = asked(study, space, 3)
    assert all((point["layers"], point["optimizer"]) == (2, "adam") for point in points)


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
@pytest.mark.parametrize("kind", ["GridSampler", "BruteForceSampler"])
def test_an_object_that_ends_a_study_ends_nothing_too_soon(kind: str) -> None:
    space = Space({"layers": [1, 2, 3], "optimizer": ["adam", "rmsprop"]})
    listed = {"layers": [1, 2, 3], "optimizer": ["adam", "rmsprop"]}
    made = {
        "GridSampler": lambda: optuna.samplers.GridSampler(listed, seed=1),
        "BruteForceSampler": lambda: optuna.samplers.BruteForceSampler(seed=1),
    }[kind]()
    study = optuna.create_study(sampler=make_sampler(made, space, seed=1))
    assert sorted(keys(asked(study, space, 6), space)) == all_keys(space)
    with pytest.raises(SpaceExhausted):
        suggest_all(study.ask(), space)


def test_oracles_that_need_more_than_points_are_refused() -> None:
    import keras_tuner

    used = given("an oracle object", 1)
    used.trials["0"] = None
    for oracle, message in (
        (
            keras_tuner.oracles.HyperbandOracle("val_loss"),
            "a HyperbandOracle also sets the epochs of each trial; choose the pruner 'hyperband' instead",
        ),
        (
            keras_tuner.oracles.GridSearchOracle(),
            "an oracle must propose in populate_space alone, but GridSearchOracle overrides end_trial, "
            "which gridruns doesn't call",
        ),
        (used, "an oracle must be new, but this RandomSearchOracle has 1 trials"),
    ):
        with pytest.raises(SamplerError) as caught:
            make_sampler(oracle, small(), seed=1)
        assert str(caught.value) == message


def bowl() -> Space:
    return Space({"x": Int(0, 29), "y": Float(0.0, 1.0, 0.05), "rate": [0.1, 1e-2, 1e-3, 1e-4]})


def depth(point: dict[str, Any]) -> float:
    rate = [0.1, 1e-2, 1e-3, 1e-4].index(point["rate"])
    return ((point["x"] - 21) / 29) ** 2 + (point["y"] - 0.35) ** 2 + 0.1 * abs(rate - 2)


def best(name: str, seed: int, count: int, direction: str) -> float:
    space, sign = bowl(), 1 if direction == "minimize" else -1
    study = new_study(name, space, seed, direction=direction)
    return min(map(depth, asked(study, space, count, lambda point: sign * depth(point))))


@pytest.mark.slow
@pytest.mark.parametrize("direction", ["minimize", "maximize"])
@pytest.mark.parametrize(
    ("name", "count"),
    [
        pytest.param(name, count, marks=parameter(name).marks)
        for name, count in [("tpe", 30), ("gp", 16), ("cmaes", 40), ("keras-tuner:bayesian", 14)]
    ],
)
def test_a_model_beats_chance(name: str, count: int, direction: str) -> None:
    """The best of `count` points, mean of 4 seeds, is at most 0.6 of what random points reach.

    The seeds are fixed, so that this fails by a change of the samplers only, not by chance.
    """
    seeds = range(4)
    chance = fmean(best("random", seed, count, direction) for seed in seeds)
    assert fmean(best(name, seed, count, direction) for seed in seeds) <= 0.6 * chance


@pytest.mark.parametrize("make_space", [small, mixed, table, ranges])
def test_points_survive_the_way_through_a_trial(make_space: Callable[[], Space]) -> None:
    space = make_space()
    for point in asked(new_study("random", space), space, 4):
        params = to_trial_params(point, space)
        frozen = create_trial(params=dict(params), distributions=distributions(space), value=0.0)
        back = from_trial_params(frozen.params, space)
        assert space.key(back) == space.key(point)


def test_what_is_no_point_is_refused() -> None:
    space = small()
    with pytest.raises(SamplerError, match="is no point of the space"):
        to_trial_params(space.point(0) | {"layers": 7}, space)
    with pytest.raises(SamplerError, match="the trial has no value for optimizer, rate"):
        from_trial_params({"layers": "1"}, space)
    with pytest.raises(SamplerError, match=r"layers must be one of 1, 2, 3, but the trial has 1\.0"):
        from_trial_params({"layers": 1.0, "optimizer": '"adam"', "rate": 0.1}, space)
    with pytest.raises(SamplerError, match="nodes must stay within 2"):
        distributions(Space({"nodes": Int(0, 2**60)}))


def test_stream_seeds_differ() -> None:
    seeds = {stream_seed(seed, number) for seed in range(30) for number in range(100)}
    assert len(seeds) == 3000  # a clash among 3,000 of 2^32 has probability 0.001; these are fixed
    assert all(0 < seed < 2**32 for seed in seeds)


@pytest.mark.parametrize("name", ["keras-tuner:random", "keras-tuner:bayesian"])
def test_a_search_of_points_leaves_nothing_behind(tmp_path: Path, name: str) -> None:
    """keras-tuner's oracle in a process of its own: nothing on the screen, nothing on the disk."""
    program = """
import sys
import optuna
from search.parameters import suggest_all
from search.samplers import make_sampler
from spaces import Space
optuna.logging.set_verbosity(optuna.logging.WARNING)
space = Space({"a": [1, 2, 3], "b": [None, "x"]})
study = optuna.create_study(sampler=make_sampler(sys.argv[1], space, seed=0))
for _ in range(6):
    trial = study.ask()
    suggest_all(trial, space)
    study.tell(trial, 1.0)
"""
    done = subprocess.run(
        [sys.executable, "-c", program, name], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list(tmp_path.iterdir()) == []


def test_names_cost_nothing() -> None:
    program = (
        "import sys, search.samplers; print([m for m in ('optuna', 'numpy', 'pandas') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
