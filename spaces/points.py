"""All points of a space with rules, by number; and whether there are any."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import product
from math import prod
from random import Random

from .counting import FEW, Chosen, Part, parts_of
from .domains import Choice, Domain, Int
from .errors import SpaceError
from .expressions import Expression
from .parameters import Parameter
from .rules import Rules
from .values import Value

DRAWS = 10_000
"""How many random points of a space with ranges must break its constraints before it counts as empty."""


class Points:
    """The points of a space with rules, as choices of what applies.

    Args:
        parameters: In the order of the space.
        rules: Over their flags.
    """

    def __init__(self, parameters: Sequence[Parameter], rules: Rules) -> None:
        self._parameters = tuple(parameters)
        self._rules = rules
        self._parts = parts_of(parameters, rules)

    @cached_property
    def size(self) -> int | None:
        """How many there are; None where a range has no step.

        Raises:
            SpaceError: There is none, a flag never applies, or the rules entangle too many values.
        """
        if any(part.endless for part in self._parts):
            return None
        for part in self._parts:
            _check(part, self._rules)
        return prod(part.size for part in self._parts)

    def choose(self, i: int) -> Chosen:
        """A value of every parameter that applies at the i-th point, 0 <= i < size."""
        chosen: Chosen = {}
        for part in self._parts:
            i, place = divmod(i, part.size)
            chosen |= part.choose(place)
        return {p.name: chosen[p.name] for p in self._parameters if p.name in chosen}

    def check(self) -> None:
        """Passes if there are points; where ranges have no steps, if some are found at random.

        Raises:
            SpaceError: It says which rule leaves none.
        """
        if self.size is not None:
            return
        for part in self._parts:
            if not part.endless:
                _check(part, self._rules)
                continue
            for name in part.conditional:
                if not _possible(self._rules.only[name], part):
                    raise _never(name, self._rules)
            for rule in part.where:
                always = not set(rule.names).intersection(self._rules.only)
                if always and not _possible(rule, part):
                    raise SpaceError(f"no point of the space keeps {_quoted([rule])}")
            if part.where:
                self._probe(part)

    def _probe(self, part: Part) -> None:
        random = Random(0)
        for _ in range(DRAWS):
            values: Chosen = {}
            for parameter in part.parameters:
                values |= parameter.values(drawn(parameter.domain, random))
            applying = self._rules.reduced(values)
            if all(_keeps(rule, applying) for rule in part.where):
                return
        raise SpaceError(f"none of {DRAWS:,} random points keeps {_quoted(part.where)}")


def drawn(domain: Domain, random: Random) -> Value:
    """A random value of a domain, uniform; on a logarithmic scale for a logarithmic range of floats."""
    if isinstance(domain, Choice | Int) or domain.size is not None:
        assert domain.size is not None
        return domain.value(random.randrange(domain.size))
    if domain.log:
        factor: float = (domain.high / domain.low) ** random.random()
        return min(domain.high, domain.low * factor)
    return random.uniform(domain.low, domain.high)


def _keeps(rule: Expression, values: Mapping[str, Value]) -> bool:
    return any(name not in values for name in rule.names) or rule.true(values)


def _check(part: Part, rules: Rules) -> None:
    """Refuse a finite part without points, and a flag that applies at none."""
    if not part.size:
        alone = [rule for rule in part.where if part.impossible(rule)]
        raise SpaceError(f"no point of the space keeps {_quoted(alone[:1] or part.where)}")
    for name in part.never():
        raise _never(name, rules)


def _never(name: str, rules: Rules) -> SpaceError:
    text = rules.only[name].text
    return SpaceError(f"{name} applies at no point of the space: {text!r} is true at none")


def _possible(rule: Expression, part: Part) -> bool:
    """Whether a rule is true for some values, as far as `FEW` tries of flags without endless ranges tell."""
    about = [p for p in part.parameters if set(p.flags).intersection(rule.names)]
    sizes = [p.domain.size for p in about]
    if any(size is None for size in sizes) or prod(size or 1 for size in sizes) > FEW:
        return True
    for digits in product(*(range(size or 1) for size in sizes)):
        values: Chosen = {}
        for parameter, digit in zip(about, digits, strict=True):
            values |= parameter.values(parameter.domain.value(digit))
        if rule.true(values):
            return True
    return False


def _quoted(rules: Sequence[Expression]) -> str:
    texts = [repr(rule.text) for rule in rules]
    return texts[0] if len(texts) == 1 else f"all of {', '.join(texts)}"
