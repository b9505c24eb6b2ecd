"""What single samplers promise beyond the suite of all, and what they are made of."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from optuna.samplers import RandomSampler
from optuna.trial import create_trial

from search.distinct import DistinctSampler
from search.parameters import distributions, from_trial_params, to_trial_params
from search.samplers import SamplerError, make_sampler
from search.sampling import stream_seed
from spaces import Space
from spaces.domains import Int
from tests.search.searching import all_keys, asked, keys, mixed, new_study, ranges, small, table


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


def test_the_last_points_are_chosen_evenly() -> None:
    """Where the inner sampler proposes one point only, the others come in random order.

    300 seeds, 17 points: each is second about 17.6 times, sigma 4.1; 5 sigma fail by chance once in 10^5.
    """

    class Stuck(RandomSampler):
        def sample_independent(self, *args: Any) -> Any:
            return to_trial_params(space.point(0), space)[args[2]]

    space, counts = small(), dict.fromkeys(all_keys(small()), 0)
    for seed in range(300):
        study = new_study("random", space)
        study.sampler = DistinctSampler(Stuck(), space, seed=seed)
        first, second = keys(asked(study, space, 2), space)
        assert first == space.key(space.point(0))
        counts[second] += 1
    assert counts.pop(space.key(space.point(0))) == 0
    assert all(abs(count - 300 / 17) < 20.5 for count in counts.values())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"name": "radnom"},
            "unknown sampler 'radnom'; did you mean 'random'? (known: grid, random, keras-tuner:random)",
        ),
        ({"order": "sideways"}, "unknown order 'sideways' (known: random, grid)"),
        (
            {"name": "random", "order": "grid"},
            "order 'grid' is for the sampler 'grid', but got the sampler 'random'",
        ),
        ({"seed": -1}, "seed must be an integer of at least 0, but got -1"),
        ({"seed": True}, "seed must be an integer of at least 0, but got True"),
    ],
)
def test_mistakes_are_named(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(SamplerError) as caught:
        make_sampler(**{"name": "grid", "space": small(), "seed": 1, **arguments})
    assert str(caught.value) == message


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


def test_a_search_of_points_leaves_nothing_behind(tmp_path: Path) -> None:
    """keras-tuner's oracle in a process of its own: nothing on the screen, nothing on the disk."""
    program = """
import optuna
from search.parameters import suggest_all
from search.samplers import make_sampler
from spaces import Space
optuna.logging.set_verbosity(optuna.logging.WARNING)
space = Space({"a": [1, 2, 3], "b": [None, "x"]})
study = optuna.create_study(sampler=make_sampler("keras-tuner:random", space, seed=0))
for _ in range(6):
    trial = study.ask()
    suggest_all(trial, space)
    study.tell(trial, 1.0)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list(tmp_path.iterdir()) == []


def test_names_cost_nothing() -> None:
    program = (
        "import sys, search.samplers; print([m for m in ('optuna', 'numpy', 'pandas') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
