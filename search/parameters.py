"""A point of a space as an Optuna trial carries it, and back.

A range is Optuna's own range. A choice is a category whose names are the values' JSON: Optuna can't
tell True, 1 and 1.0 apart, JSON can, and a dashboard stays readable.
"""

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import product
from typing import Any

from optuna import Trial
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import TrialState

from search.sampling import SamplerError, SpaceExhausted, SpaceLike
from spaces import Value
from spaces.domains import Choice, Domain, Float, Int

TrialParams = dict[str, str | int | float]

EXACT = 2**53
"""Optuna stores every number as a float; integers beyond this would be rounded."""


def distributions(space: SpaceLike) -> dict[str, BaseDistribution]:
    """Return the Optuna distribution of every parameter of `space`.

    Raises:
        SamplerError: A range of integers goes beyond 2**53.
    """
    return {name: _distribution(name, domain) for name, domain in space.parameters().items()}


def suggest_all(trial: Trial, space: SpaceLike) -> dict[str, Value]:
    """Let the study's sampler choose a point of `space` for `trial`, just asked.

    It is asked only for the parameters that apply, each after those that its condition mentions.

    Returns:
        The point: builtin types, every value exactly one of its domain.

    Raises:
        SpaceExhausted: The sampler has no point left. The trial has then been told as failed, so
            that the study holds none that runs for ever.
        SamplerError: The sampler's choice breaks a constraint of the space; the trial is told as failed too.
    """
    try:
        # Optuna asks no sampler about a domain of one value; a sampler may still have no point left.
        _ = trial.relative_params
    except SpaceExhausted:
        trial.study.tell(trial, state=TrialState.FAIL)
        raise
    point = space.assemble(_chosen(trial, space))
    if point not in space:
        trial.study.tell(trial, state=TrialState.FAIL)
        raise SamplerError(f"the sampler chose {point}, which breaks a constraint of the space")
    return point


def from_trial_params(params: Mapping[str, Any], space: SpaceLike) -> dict[str, Value]:
    """Return the point that the parameters of an Optuna trial stand for.

    Raises:
        SamplerError: A parameter is missing, or its value is none of its domain.
    """
    return space.assemble(choices_of(params, space))


def choices_of(params: Mapping[str, Any], space: SpaceLike) -> dict[str, Value]:
    """Return the values of the parameters that apply, of those that an Optuna trial carries.

    Raises:
        SamplerError: One that applies is missing, or its value is none of its domain.
    """
    domains = space.parameters()
    chosen = {name: decode(name, domain, params[name]) for name, domain in domains.items() if name in params}
    applying = space.applies(chosen)
    missing = [name for name in domains if name in applying and name not in chosen]
    if missing:
        raise SamplerError(f"the trial has no value for {', '.join(missing)}")
    return {name: chosen[name] for name in domains if name in applying}


def to_trial_params(point: Mapping[str, Value], space: SpaceLike, index: int | None = None) -> TrialParams:
    """Return the parameters of an Optuna trial that stand for `point`, as `from_trial_params` reads them.

    Args:
        point: A point of the space.
        space: What is searched.
        index: Where the point is in the space, if that is known. Else a parameter that isn't a flag
            (the row of a table) is looked for, in time proportional to the number of its values.

    Returns:
        Values of the parameters that apply.

    Raises:
        SamplerError: It is no point of the space.
    """
    if index is not None and space.key(space.point(index)) == space.key(point):
        return _encoded(space.choices(index), space)
    if point in space:
        for chosen in _candidates(point, space):
            if space.key(space.assemble(chosen)) == space.key(point):
                return _encoded(chosen, space)
    raise SamplerError(f"{dict(point)} is no point of the space")


def distributions_of(params: Mapping[str, Any], space: SpaceLike) -> dict[str, BaseDistribution]:
    """Return the distributions of the parameters that a trial carries, for `optuna.create_trial`."""
    return {name: dist for name, dist in distributions(space).items() if name in params}


def encode(name: str, domain: Domain, value: Value) -> str | int | float:
    """Return how an Optuna trial carries a parameter's value.

    Raises:
        SamplerError: The value is none of the domain.
    """
    if not domain.contains(value):
        raise SamplerError(f"{name} must be {domain.describe()}, but got {value!r}")
    if isinstance(domain, Choice):
        return _label(domain.listed(value))
    assert isinstance(value, int | float)
    return value


def decode(name: str, domain: Domain, carried: Any) -> Value:
    """Return the value that an Optuna trial carries for a parameter; undoes `encode`.

    A float between two steps by a rounding of Optuna's becomes the step it stands for.

    Raises:
        SamplerError: It stands for no value of the domain.
    """
    if isinstance(domain, Choice):
        if isinstance(carried, str) and carried in _labels(domain):
            return _labels(domain)[carried]
    elif isinstance(domain, Int) and isinstance(carried, int) and domain.contains(int(carried)):
        return int(carried)
    elif isinstance(domain, Float) and isinstance(carried, float):
        value = _stepped(domain, float(carried))
        if domain.contains(value):
            return value
    raise SamplerError(f"{name} must be {domain.describe()}, but the trial has {carried!r}")


@lru_cache(maxsize=1024)  # a domain's, made once: trials share it, however many values a choice has
def _distribution(name: str, domain: Domain) -> BaseDistribution:
    if isinstance(domain, Choice):
        return CategoricalDistribution(tuple(_labels(domain)))
    if isinstance(domain, Float):
        return FloatDistribution(domain.low, domain.high, log=domain.log, step=domain.step)
    for bound in (domain.low, domain.high):
        if abs(bound) > EXACT:
            raise SamplerError(
                f"{name} must stay within 2**53, where Optuna's integers are exact, but got {bound}"
            )
    return IntDistribution(domain.low, domain.high, log=domain.log, step=domain.step)


def _suggest(trial: Trial, name: str, dist: BaseDistribution) -> Any:
    if isinstance(dist, CategoricalDistribution):
        return trial.suggest_categorical(name, dist.choices)
    if isinstance(dist, IntDistribution):
        return trial.suggest_int(name, dist.low, dist.high, step=dist.step, log=dist.log)
    assert isinstance(dist, FloatDistribution)
    return trial.suggest_float(name, dist.low, dist.high, step=dist.step, log=dist.log)


@lru_cache(maxsize=1024)
def _labels(domain: Choice) -> Mapping[str, Value]:
    """The values of a choice by what an Optuna trial carries for them."""
    return {_label(value): value for value in domain.values}


def _label(value: Value) -> str:
    return json.dumps(value, ensure_ascii=False)


def _stepped(domain: Float, carried: float) -> float:
    """The value of a stepped domain within 1e-6 of a step of `carried`; else `carried` itself."""
    if domain.step is None or domain.size is None:
        return carried
    steps = (carried - domain.low) / domain.step
    index = round(steps)
    near = abs(steps - index) < 1e-6 and 0 <= index < domain.size
    return domain.value(index) if near else carried


def _chosen(trial: Trial, space: SpaceLike) -> dict[str, Value]:
    """What the sampler chooses of each parameter that applies, those first that conditions mention."""
    domains, dists = space.parameters(), distributions(space)
    chosen: dict[str, Value] = {}
    while ready := [name for name in space.applies(chosen) if name not in chosen]:
        for name in ready:
            chosen[name] = decode(name, domains[name], _suggest(trial, name, dists[name]))
    return chosen


def _encoded(chosen: Mapping[str, Value], space: SpaceLike) -> TrialParams:
    domains = space.parameters()
    return {name: encode(name, domains[name], value) for name, value in chosen.items()}


def _candidates(point: Mapping[str, Value], space: SpaceLike) -> Iterator[dict[str, Value]]:
    """Choices of what applies that may make `point`: those that agree with it, and any of what is no flag."""
    domains = space.parameters()
    known = {name: point[name] for name in domains if name in point}
    sizes = {name: domains[name].size for name in domains if name not in space.names}
    ranges = [range(size) for size in sizes.values() if size is not None]
    for indexes in product(*ranges):
        found = zip(sizes, indexes, strict=True)
        yield known | {name: domains[name].value(place) for name, place in found}
