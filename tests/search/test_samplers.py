"""What every sampler of the table promises."""

from collections.abc import Callable
from typing import Any

import optuna
import pytest
from optuna.distributions import CategoricalDistribution
from optuna.trial import TrialState, create_trial

from search.parameters import distributions, suggest_all, to_trial_params
from search.samplers import SAMPLERS, SpaceExhausted
from spaces import Space
from spaces.domains import Float
from tests.search.searching import (
    MIXED,
    OBJECTS,
    all_keys,
    asked,
    asked_by_workers,
    conditional,
    conditional_ranges,
    keys,
    mixed,
    new_study,
    parameter,
    ranges,
    single,
    small,
    table,
)

FINITE = [small, mixed, table, single, conditional]
MakeSpace = Callable[[], Space]

FREE = [name for name in SAMPLERS if name != "grid"] + OBJECTS

every_sampler = pytest.mark.parametrize("name", [parameter(name) for name in ["grid", *FREE]])
free_sampler = pytest.mark.parametrize("name", [parameter(name) for name in FREE])
uniform_sampler = pytest.mark.parametrize("name", ["random", "keras-tuner:random"])
finite_space = pytest.mark.parametrize("make_space", FINITE)


def simple(point: dict[str, Any]) -> float:
    """A bowl over the space `small`; least at 2 layers, rmsprop, rate 0.3."""
    return abs(point["layers"] - 2) + (point["optimizer"] == "adam") + 10 * (0.3 - point["rate"])


@every_sampler
@finite_space
def test_a_finite_space_is_given_out_exactly(name: str, make_space: MakeSpace) -> None:
    space = make_space()
    assert space.size is not None
    study = new_study(name, space)
    points = asked(study, space, space.size)
    assert sorted(keys(points, space)) == all_keys(space)
    with pytest.raises(SpaceExhausted):
        suggest_all(study.ask(), space)
    assert [trial.state for trial in study.trials][-1] is TrialState.FAIL


@every_sampler
@pytest.mark.parametrize("seed", [0, 2, 9, 2**22 - 1])
def test_exhaustion_does_not_depend_on_luck(name: str, seed: int) -> None:
    space = small()
    points = asked(new_study(name, space, seed), space, 18)
    assert len(set(keys(points, space))) == 18


@every_sampler
@pytest.mark.parametrize(("make_space", "workers"), [(small, 2), (small, 5), (conditional, 3)])
def test_pending_and_failed_points_are_given_out_too(name: str, make_space: MakeSpace, workers: int) -> None:
    space = make_space()
    assert space.size is not None
    study = new_study(name, space)
    assert sorted(keys(asked_by_workers(study, space, space.size, workers), space)) == all_keys(space)
    with pytest.raises(SpaceExhausted):
        suggest_all(study.ask(), space)


@free_sampler
def test_failures_alone_end_nothing(name: str) -> None:
    space = small()
    study = new_study(name, space)
    points = []
    for _ in range(18):
        trial = study.ask()
        points.append(suggest_all(trial, space))
        study.tell(trial, state=TrialState.FAIL)
    assert sorted(keys(points, space)) == all_keys(space)


@free_sampler
def test_duplicates_are_allowed_when_asked_for(name: str) -> None:
    space = small()
    study = new_study(name, space, allow_duplicates=True)
    points = asked(study, space, 24)
    assert all(point in space for point in points)
    assert len(set(keys(points, space))) < 24


@every_sampler
@finite_space
def test_points_are_valid_and_builtin(name: str, make_space: MakeSpace) -> None:
    space = make_space()
    assert space.size is not None
    for point in asked(new_study(name, space), space, min(4, space.size)):
        assert point in space
        assert tuple(point) == tuple(flag for flag in space.names if flag in point)
        assert {type(value) for value in point.values()} <= {bool, int, float, str, type(None)}


@every_sampler
def test_a_choice_comes_back_with_its_exact_type(name: str) -> None:
    space = Space({"anything": MIXED})
    found = [point["anything"] for point in asked(new_study(name, space), space, len(MIXED))]
    assert sorted(map(repr, found)) == sorted(map(repr, MIXED))


@free_sampler
def test_ranges_give_points_of_the_space(name: str) -> None:
    space = ranges()
    points = asked(new_study(name, space), space, 25)
    assert all(point in space for point in points)
    assert len(set(keys(points, space))) == 25
    assert {type(point["nodes"]) for point in points} == {int}
    assert {type(point["lr"]) for point in points} == {float}


@free_sampler
def test_ranges_with_rules_give_points_of_the_space(name: str) -> None:
    space = conditional_ranges()
    points = asked(new_study(name, space), space, 20, lambda point: point["lr"] + 1 / point["nodes1"])
    assert all(point in space for point in points)
    assert len(set(keys(points, space))) == 20
    assert {tuple(sorted(point)) for point in points} == {
        ("lr", "nodes1", "nodes2", "optimizer"),
        ("lr", "momentum", "nodes1", "nodes2", "optimizer"),
    }


@uniform_sampler
def test_ranges_are_drawn_evenly(name: str) -> None:
    space = ranges()
    points = asked(new_study(name, space), space, 200)
    assert all(point in space for point in points)
    assert len(set(keys(points, space))) == 200
    # 11 steps, each missing from 200 uniform draws with probability (10/11)^200 = 5e-9.
    assert sorted({point["share"] for point in points}) == [i / 10 for i in range(11)]
    # Uniform in the logarithm: half of the draws below 10^-3, within 4 sigma (0.14).
    assert abs(sum(point["lr"] < 1e-3 for point in points) / 200 - 0.5) < 0.14


@every_sampler
def test_a_seed_says_everything(name: str) -> None:
    space = small()
    runs = [keys(asked(new_study(name, space, seed), space, 12), space) for seed in (5, 5, 6, 0, 0, 13)]
    assert runs[0] == runs[1]
    assert runs[3] == runs[4]
    assert len({tuple(run) for run in runs}) == 4


@uniform_sampler
def test_neighbouring_seeds_share_no_sequence(name: str) -> None:
    space = ranges()
    first = [keys(asked(new_study(name, space, seed), space, 20), space) for seed in (1, 7)]
    assert not set(first[0]) & set(first[1])


@pytest.mark.parametrize("name", [parameter(name) for name in [*SAMPLERS, "an Optuna object"]])
def test_a_resumed_study_goes_on_where_it_was(name: str) -> None:
    space = small()
    whole = keys(asked(new_study(name, space), space, 18, simple), space)
    begun = new_study(name, space)
    asked(begun, space, 12, simple)
    resumed = new_study(name, space)
    for trial in begun.trials:
        resumed.add_trial(
            create_trial(params=trial.params, distributions=trial.distributions, value=trial.value)
        )
    assert keys(asked(resumed, space, 6, simple), space) == whole[12:]


@free_sampler
def test_a_resumed_study_repeats_no_point_of_a_range(name: str) -> None:
    space = ranges()
    begun = new_study(name, space)
    done = asked(begun, space, 10)
    resumed = new_study(name, space)
    for trial in begun.trials[:3] + begun.trials[5:]:  # two runs were cut off and left out
        resumed.add_trial(trial)
    kept = done[:3] + done[5:]
    assert not set(keys(kept, space)) & set(keys(asked(resumed, space, 10), space))


@free_sampler
def test_old_points_count_whatever_became_of_them(name: str) -> None:
    space = small()
    study = new_study(name, space)
    study.enqueue_trial(dict(to_trial_params(space.point(0), space)))
    failed, running = study.ask(), study.ask()
    points = [suggest_all(failed, space), suggest_all(running, space)]
    assert points[0] == space.point(0)
    study.tell(failed, state=TrialState.FAIL)
    other = next(point for point in map(space.point, range(18)) if point not in points)
    study.enqueue_trial(dict(to_trial_params(other, space)))
    points += asked(study, space, 16)
    assert sorted(keys(points, space)) == all_keys(space)


@every_sampler
def test_an_enqueued_trial_runs_though_nothing_is_left(name: str) -> None:
    space = small()
    study = new_study(name, space)
    asked(study, space, 18)
    study.enqueue_trial(dict(to_trial_params(space.point(4), space)))
    assert suggest_all(study.ask(), space) == space.point(4)


@free_sampler
def test_trials_of_another_space_are_no_points_of_this(name: str) -> None:
    space = small()
    study = new_study(name, space)
    foreign = Space({"layers": [4], "optimizer": ["adam"], "rate": Float(0.1, 0.3, 0.1)})
    params = to_trial_params(foreign.point(0), foreign)
    study.add_trial(create_trial(params=dict(params), distributions=distributions(foreign), value=0.0))
    study.add_trial(
        create_trial(params={"else": "a"}, distributions={"else": CategoricalDistribution(["a"])}, value=0)
    )
    assert sorted(keys(asked(study, space, 18), space)) == all_keys(space)


@free_sampler
def test_hyperband_hides_no_trial(name: str) -> None:
    space = small()
    study = new_study(name, space, pruner=optuna.pruners.HyperbandPruner(min_resource=1, max_resource=27))
    points = []
    for _ in range(18):
        trial = study.ask()
        points.append(suggest_all(trial, space))
        trial.report(1.0, step=1)
        trial.should_prune()
        study.tell(trial, 1.0)
    assert sorted(keys(points, space)) == all_keys(space)
