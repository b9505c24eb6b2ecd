"""Every pruner of the table, by itself: its settings, what is refused, and how it decides."""

import math

import optuna
import pytest

from search.pruners import PRUNERS, Pruner, PrunerError, gives_up, read_pruner

GOOD, BAD = 0.1, 9.0
NEEDED = {"percentile": "percentile=50", "patient": "patience=2"}
# Settings that let a pruner act on few trials.
EAGER = {
    "median": "n_startup_trials=2",
    "percentile": "percentile=50,n_startup_trials=2",
    "asha": "min_resource=1,reduction_factor=2",
    "hyperband": "min_resource=1,max_resource=8,reduction_factor=3",
    "wilcoxon": "p_threshold=0.1",
    "patient": "patience=2",
}


def spec(name: str) -> str:
    return f"{name}:{NEEDED[name]}" if name in NEEDED else name


def curve(level: float, step: int, goal: str) -> float:
    """A bad curve gets worse, a good one better, for the sake of `patient`."""
    value = level + 0.1 * step if level == BAD else level / step
    return value if goal == "min" else -value


def train(study: optuna.Study, level: float, goal: str, steps: int = 8) -> int:
    """Run one trial; return the step after which it was given up, or `steps`."""
    trial = study.ask()
    for step in range(1, steps + 1):
        value = curve(level, step, goal)
        if gives_up(trial, step, value):
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
            return step
    study.tell(trial, value)
    return steps


@pytest.mark.parametrize("goal", ["min", "max"])
@pytest.mark.parametrize("name", PRUNERS)
def test_a_pruner_gives_up_bad_trials_and_keeps_the_best(name: str, goal: str) -> None:
    pruner = read_pruner(f"{name}:{EAGER[name]}")
    assert pruner is not None
    study = optuna.create_study(
        direction="minimize" if goal == "min" else "maximize", pruner=pruner.make(), study_name="one"
    )
    assert train(study, GOOD, goal) == 8
    assert train(study, GOOD / 2, goal) == 8
    # Hyperband's brackets differ in patience: of several bad trials at least one ends early.
    assert min(train(study, BAD, goal) for _ in range(4)) < 8
    assert train(study, GOOD / 4, goal) == 8


@pytest.mark.parametrize("name", PRUNERS)
def test_a_pruner_comes_back_from_study_json(name: str) -> None:
    pruner = read_pruner(spec(name))
    assert pruner is not None
    again = Pruner.from_json(pruner.to_json())
    assert again == pruner
    assert again is not None and type(again.make()) is type(pruner.make())


def test_none_is_none() -> None:
    assert read_pruner(None) is None
    assert Pruner.from_json(None) is None


def test_settings_keep_their_types() -> None:
    pruner = read_pruner("asha:min_resource=auto, reduction_factor=3")
    assert pruner is not None
    assert pruner.settings == {"min_resource": "auto", "reduction_factor": 3}
    assert str(pruner) == "asha:min_resource=auto,reduction_factor=3"


def test_patient_wraps_another() -> None:
    pruner = read_pruner("patient:patience=3,wrapped_pruner=median")
    assert pruner is not None
    assert isinstance(pruner.make()._wrapped_pruner, optuna.pruners.MedianPruner)  # type: ignore[attr-defined]


def test_an_object_is_used_as_it_is_and_named() -> None:
    made = optuna.pruners.ThresholdPruner(upper=2.0)
    pruner = read_pruner(made)
    assert pruner is not None and pruner.make() is made
    assert pruner.to_json() == {"name": "ThresholdPruner", "settings": {}, "object": True}
    again = Pruner.from_json(pruner.to_json())
    assert again == pruner
    with pytest.raises(PrunerError, match="the pruner was a ThresholdPruner object, which no file holds"):
        assert again is not None and again.make()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("medain", "unknown pruner 'medain'"),
        ("median:startup=3", "unknown median setting 'startup'"),
        ("percentile", "the pruner 'percentile' needs percentile, as in percentile:percentile=..."),
        ("patient", "the pruner 'patient' needs patience"),
        ("percentile:percentile=120", "pruner 'percentile': Percentile must be between 0 and 100"),
        ("asha:reduction_factor=2.5", "reduction_factor of the pruner 'asha' must be a whole number"),
        ("asha:min_resource=soon", "pruner 'asha'"),
        ("asha:reduction_factor=auto", "must be a whole number, but got 'auto'"),
        ("hyperband:min_resource=0", "min_resource of the pruner 'hyperband' must be at least 1, but got 0"),
        ("hyperband:min_resource=5,max_resource=3", "must be at least min_resource, 5, but got 3"),
        ("hyperband:reduction_factor=1", "must be at least 2, but got 1"),
        ("median:n_startup_trials", "settings must be name=value, each once"),
        ("median:n_startup_trials=1,n_startup_trials=2", "each once"),
        ("patient:patience=1,wrapped_pruner=mean", "unknown pruner 'mean'"),
        (7, "pruner must be a name or an Optuna pruner, but got 7"),
    ],
)  # fmt: skip
def test_what_is_no_pruner_is_refused(given: object, message: str) -> None:
    with pytest.raises(PrunerError) as refused:
        read_pruner(given)
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


def test_nan_is_given_up_by_the_median() -> None:
    pruner = read_pruner("median:n_startup_trials=1")
    assert pruner is not None
    study = optuna.create_study(pruner=pruner.make())
    train(study, GOOD, "min")
    trial = study.ask()
    assert gives_up(trial, 1, math.nan)
