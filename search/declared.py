"""The space that a script or a hypermodel declares, with the conditions of a hypermodel's flags."""

from collections.abc import Collection, Mapping, Sequence

from search.executor import Declarations
from spaces import Space, Value
from spaces.domains import Domain, Int

FEW = 8  # values that a condition lists; of more in a row it names the ends


def declared_space(declarations: Declarations) -> Space:
    """The domains of the flags that have one, each where it applies."""
    domains = {flag.name: flag.domain for flag in declarations.flags if flag.domain is not None}
    only = {
        name: " and ".join(_text(parent, values, domains[parent]) for parent, values in parents.items())
        for name, parents in declarations.conditions.items()
    }
    return Space(domains, only=only)


def reachable(
    space: Space, conditions: Mapping[str, Mapping[str, Sequence[Value]]], wanted: Collection[str]
) -> Space:
    """A declared space without the flags that apply nowhere, since others have been set.

    Args:
        space: The space, with what was set.
        conditions: Where its flags apply; parents come before what depends on them.
        wanted: The flags that were set, and so are kept whatever they come to.
    """
    domains = space.parameters()
    for name in [name for name in domains if name in conditions and name not in wanted]:
        parents = conditions[name].items()
        if not all(_meets(domains.get(parent), values) for parent, values in parents):
            del domains[name]
    return Space(domains, only={name: text for name, text in space.conditions.items() if name in domains})


def _meets(domain: Domain | None, values: Sequence[Value]) -> bool:
    return domain is not None and any(domain.contains(value) for value in values)


def _text(flag: str, values: Sequence[Value], domain: Domain) -> str:
    """The condition that a flag has one of some values."""
    if len(values) == 1:
        return f"{flag} == {values[0]!r}"
    if isinstance(domain, Int) and len(values) > FEW:
        low, high = values[0], values[-1]
        if list(values) == list(range(int(low or 0), int(high or 0) + 1, domain.step)):
            ends = [f"{flag} >= {low}"] * (low != domain.low) + [f"{flag} <= {high}"] * (high != domain.high)
            return " and ".join(ends)
    return f"{flag} in ({', '.join(map(repr, values))})"
