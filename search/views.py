"""How a sampler of Optuna's is shown the parameters of a space: a code for each.

The study's own trials carry a choice as text (`search.parameters`). A sampler learns more from values
that keep their order, so it is shown those.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from optuna.distributions import BaseDistribution, CategoricalDistribution, IntDistribution

from search.parameters import decode, distributions, encode
from search.proposing import Choices
from search.sampling import SpaceLike
from search.scales import Scale
from spaces import Value
from spaces.domains import Choice, Domain, Float


class Show(Enum):
    """What a sampler is shown of a choice."""

    VALUES = "the values as they are; as text where Python calls two of them equal"
    ORDER = "places for numbers, text for anything else"
    PLACES = "places for everything"


@dataclass(frozen=True)
class Code:
    """A parameter as a sampler sees it.

    Attributes:
        distribution: What the sampler draws from.
        shown: From a value to what the sampler sees.
        meant: From what the sampler proposes to a value.
    """

    distribution: BaseDistribution
    shown: Callable[[Value], Any]
    meant: Callable[[Any], Value]


@dataclass(frozen=True)
class View:
    """A space as a sampler sees it.

    Attributes:
        codes: The parameters that have more than one value.
        fixed: The values of the others.
        middle: A value for each parameter that a trial lacks because it doesn't apply.
    """

    codes: Mapping[str, Code]
    fixed: Choices
    middle: Choices

    @classmethod
    def of(cls, space: SpaceLike, show: Show) -> "View":
        """See a space; floats and integers are always shown as they are."""
        domains, plain = space.parameters(), distributions(space)
        free = {name: domain for name, domain in domains.items() if domain.size != 1}
        return cls(
            codes={name: _code(name, domain, plain[name], show) for name, domain in free.items()},
            fixed={name: domain.value(0) for name, domain in domains.items() if name not in free},
            middle={name: middle(domain) for name, domain in free.items()},
        )

    @property
    def distributions(self) -> dict[str, BaseDistribution]:
        """What the sampler draws from."""
        return {name: code.distribution for name, code in self.codes.items()}

    def shown(self, choices: Mapping[str, Value]) -> dict[str, Any]:
        """What the sampler sees of a trial's values."""
        return {name: code.shown(choices[name]) for name, code in self.codes.items() if name in choices}

    def meant(self, params: Mapping[str, Any]) -> Choices:
        """The values that a proposal of all parameters means."""
        return {name: code.meant(params[name]) for name, code in self.codes.items()} | self.fixed


def _code(name: str, domain: Domain, plain: BaseDistribution, show: Show) -> Code:
    def shown(value: Value) -> Any:
        return encode(name, domain, value)

    def meant(proposed: Any) -> Value:
        return decode(name, domain, proposed)

    if not isinstance(domain, Choice):
        return Code(plain, shown, meant)
    scale = Scale.of(domain)
    if show is Show.PLACES or (show is Show.ORDER and scale.ordered):
        return Code(IntDistribution(0, scale.size - 1), scale.place, lambda place: scale.value(int(place)))
    if show is Show.VALUES and len(set(domain.values)) == scale.size:
        return Code(CategoricalDistribution(domain.values), lambda value: value, lambda value: value)
    return Code(plain, shown, meant)


def middle(domain: Domain) -> Value:
    """The middle value of a domain, of its logarithms where a sampler draws those."""
    if domain.size is not None:
        scale = Scale.of(domain)
        return scale.value(scale.size // 2)
    assert isinstance(domain, Float)
    return (domain.low * domain.high) ** 0.5 if domain.log else (domain.low + domain.high) / 2
