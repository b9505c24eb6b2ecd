"""What proposes points to `search.distinct.DistinctSampler`: a contract, and a choice of parameters.

A proposer keeps its own record of the trials, in whatever terms it thinks; it is told of every trial of
the study, those too that it proposed nothing for.
"""

from collections.abc import Mapping
from typing import Protocol, TypeAlias

from optuna.study import Study
from optuna.trial import FrozenTrial

from search.parameters import decode, from_trial_params
from search.sampling import SamplerError, SpaceLike
from spaces import Value

Choices: TypeAlias = dict[str, Value]
"""A value for every parameter of a space; what of it applies is the space's to say (`point_of`)."""


class Proposer(Protocol):
    """A sampler in its own terms.

    For each trial `begin` comes first, then any number of `propose`, then `settle` with what the trial was
    given, then `finish`. Several trials may be between `settle` and `finish`; one at most before `settle`.
    """

    @property
    def rehearses(self) -> bool:
        """Whether it must propose for old trials too, to be where it was when a study is resumed."""
        ...

    def open(self, study: Study) -> None:
        """Take the study's directions; called before everything else, more than once."""
        ...

    def begin(self, number: int) -> None:
        """Start a trial; `number` is the study's own."""
        ...

    def propose(self) -> Choices | None:
        """Propose for the trial begun last; asked again, propose anew. None where it has nothing more."""
        ...

    def settle(self, number: int, choices: Mapping[str, Value]) -> None:
        """Learn what a trial was given: a value for each parameter that applies."""
        ...

    def finish(self, number: int, trial: FrozenTrial) -> None:
        """Learn how a trial ended; `trial` is the study's."""
        ...


def point_of(space: SpaceLike, choices: Mapping[str, Value]) -> dict[str, Value] | None:
    """The point that a value for every parameter makes; None where the space forbids it."""
    point = space.assemble(choices)
    return point if point in space else None


def taken(trial: FrozenTrial, space: SpaceLike) -> tuple[Choices, dict[str, Value]] | None:
    """What a trial of the study was given, as parameters and as a point; None where it has no point (yet)."""
    params = {**trial.system_attrs.get("fixed_params", {}), **trial.params}
    domains = space.parameters()
    try:
        point = from_trial_params(params, space)
    except SamplerError:
        return None
    choices = {name: decode(name, domains[name], params[name]) for name in params if name in domains}
    return (choices, point) if point in space else None
