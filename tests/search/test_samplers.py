"""What every sampler of the table promises."""

from collections.abc import Callable

import optuna
import pytest
from optuna.distributions import CategoricalDistribution
from optuna.trial import TrialState, create_trial

from search.parameters import distributions, suggest_all, to_trial_params
from search.samplers import SAMPLERS, SpaceExhausted
from spaces import Space
from spaces.domains import Float
from tests.search.searching import MIXED, all_keys, asked, keys, mixed, new_study, ranges, small, table

FINITE = [small, mixed, table]
MakeSpace = Callable[[], Space]

every_sampler = pytest.mark.parametrize("name", list(SAMPLERS))
free_sampler = pytest.mark.parametrize("name", ["random", "keras-tuner:random"])
finite_space = pytest.mark.parametrize("make_space", FINITE)


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
@pytest.mark.parametrize("seed", [0, 1, 2, 9, 2**32 - 1])
def test_exhaustion_does_not_depend_on_luck(name: str, seed: int) -> None:
    space = small()
    points = asked(new_study(name, space, seed), space, 18)
    assert len(set(keys(points, space))) == 18


@every_sampler
@finite_space
def test_points_are_valid_and_builtin(name: str, make_space: MakeSpace) -> None:
    space = make_space()
    for point in asked(new_study(name, space), space, 4):
        assert point in space
        assert tuple(point) == tuple(space.names)
        assert {type(value) for value in point.values()} <= {bool, int, float, str, type(None)}


@every_sampler
def test_a_choice_comes_back_with_its_exact_type(name: str) -> None:
    space = Space({"anything": MIXED})
    found = [point["anything"] for point in asked(new_study(name, space), space, len(MIXED))]
    assert sorted(map(repr, found)) == sorted(map(repr, MIXED))


@free_sampler
def test_ranges_give_points_of_the_space(name: str) -> None:
    space = ranges()
    points = asked(new_study(name, space), space, 200)
    assert all(point in space for point in points)
    assert len(set(keys(points, space))) == 200
    assert {type(point["nodes"]) for point in points} == {int}
    assert {type(point["lr"]) for point in points} == {float}
    # 11 steps, each missing from 200 uniform draws with probability (10/11)^200 = 5e-9.
    assert sorted({point["share"] for point in points}) == [i / 10 for i in range(11)]
    # Uniform in the logarithm: half of the draws below 10^-3, within 4 sigma (0.14).
    assert abs(sum(point["lr"] < 1e-3 for point in points) / 200 - 0.5) < 0.14


@every_sampler
def test_a_seed_says_everything(name: str) -> None:
    space = small()
    runs = [keys(asked(new_study(name, space, seed), space, 9), space) for seed in (5, 5, 6, 0, 0, 13)]
    assert runs[0] == runs[1]
    assert runs[3] == runs[4]
    assert len({tuple(run) for run in runs}) == 4


@free_sampler
def test_neighbouring_seeds_share_no_sequence(name: str) -> None:
    space = ranges()
    first = [keys(asked(new_study(name, space, seed), space, 20), space) for seed in (1, 7)]
    assert not set(first[0]) & set(first[1])


@every_sampler
def test_a_resumed_study_goes_on_where_it_was(name: str) -> None:
    space = small()
    whole = keys(asked(new_study(name, space), space, 18), space)
    begun = new_study(name, space)
    asked(begun, space, 7)
    resumed = new_study(name, space)
    for trial in begun.trials:
        resumed.add_trial(trial)
    assert keys(asked(resumed, space, 11), space) == whole[7:]


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
