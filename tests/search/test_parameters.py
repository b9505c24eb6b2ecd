"""Points of a space with rules, as Optuna trials carry them."""

import optuna
import pytest
from optuna.samplers import RandomSampler, TPESampler
from optuna.trial import create_trial

from search.grid import GridSampler
from search.parameters import (
    decode,
    distributions_of,
    encode,
    from_trial_params,
    suggest_all,
    to_trial_params,
)
from search.sampling import SamplerError
from spaces import Space
from spaces.domains import Choice

LAYERS = Space(
    {"nodes2": [64, 128], "layers": [1, 2], "opt": ["sgd", None], "momentum": [0.0, 0.9]},
    only={"nodes2": "layers >= 2", "momentum": "opt == 'sgd'"},
)


def test_only_what_applies_is_asked_for_whatever_the_order_of_the_flags() -> None:
    study = optuna.create_study(sampler=TPESampler(seed=1, n_startup_trials=5))
    for _ in range(20):
        trial = study.ask()
        point = suggest_all(trial, LAYERS)
        assert point in LAYERS and set(trial.params) == set(point)
        study.tell(trial, float(point["layers"] == 1))


def test_a_point_comes_back_from_a_trial() -> None:
    assert LAYERS.size == 3 * 3
    for i in range(LAYERS.size):
        point = LAYERS.point(i)
        params = to_trial_params(point, LAYERS)
        assert params == to_trial_params(point, LAYERS, i) and set(params) == set(point)
        frozen = create_trial(value=1.0, params=dict(params), distributions=distributions_of(params, LAYERS))
        assert from_trial_params(frozen.params, LAYERS) == point


def test_what_applies_must_be_there_and_the_rest_is_left_out() -> None:
    with pytest.raises(SamplerError, match="the trial has no value for nodes2"):
        from_trial_params({"layers": "2", "opt": "null"}, LAYERS)
    whole = {"layers": "1", "opt": "null", "nodes2": "64", "momentum": "0.9"}
    assert from_trial_params(whole, LAYERS) == {"layers": 1, "opt": None}
    with pytest.raises(SamplerError, match="is no point of the space"):
        to_trial_params({"layers": 1, "opt": None, "nodes2": 64}, LAYERS)


def test_an_enqueued_point_is_taken_as_it_is() -> None:
    study = optuna.create_study(sampler=GridSampler(LAYERS, LAYERS.order(1)))
    point = {"layers": 1, "opt": None}
    for _ in range(LAYERS.size + 1):  # more than the grid has: nothing is asked of it
        study.enqueue_trial(dict(to_trial_params(point, LAYERS)))
        assert suggest_all(study.ask(), LAYERS) == point


def test_a_choice_that_breaks_a_constraint_is_never_run() -> None:
    space = Space({"a": [1, 2, 3], "b": [1, 2, 3]}, where=["a + b == 2"])
    study = optuna.create_study(sampler=RandomSampler(seed=1))
    with pytest.raises(SamplerError, match=r"the sampler chose .*, which breaks a constraint of the space"):
        for _ in range(20):
            suggest_all(study.ask(), space)
    assert study.trials[-1].state is optuna.trial.TrialState.FAIL


def test_a_choice_carries_what_it_lists() -> None:
    domain = Choice([0.0, 1, True, "a", None])
    assert [encode("x", domain, value) for value in domain.values] == ["0.0", "1", "true", '"a"', "null"]
    assert encode("x", domain, -0.0) == "0.0"
    assert [decode("x", domain, carried) for carried in ("0.0", "1", "true", '"a"', "null")] == [
        *domain.values
    ]
    with pytest.raises(SamplerError, match=r"x must be one of 0\.0, 1, .*, but the trial has 1\.0"):
        decode("x", domain, 1.0)
    with pytest.raises(SamplerError, match=r"the trial has '1\.0'"):
        decode("x", domain, "1.0")


def test_trials_share_what_stands_for_a_choice_of_thousands_of_values() -> None:
    space = Space({"x": list(range(5_000))})
    study = optuna.create_study(sampler=GridSampler(space))
    for _ in range(3):
        suggest_all(study.ask(), space)
    labels = [trial.distributions["x"].choices for trial in study.trials]
    assert labels[0] is labels[1] is labels[2]


def test_each_flag_carries_its_own_zero() -> None:
    space = Space({"a": [0.0, 1.0], "b": [-0.0, 1.0]})
    study = optuna.create_study(sampler=GridSampler(space))
    seen = [suggest_all(study.ask(), space) for _ in range(space.size)]
    assert {str(point["a"]) for point in seen} == {"0.0", "1.0"}
    assert {str(point["b"]) for point in seen} == {"-0.0", "1.0"}
