"""The rules of a space: where a flag applies, and what its points must keep.

A condition, "nodes3 only where layers >= 3", is false where it mentions a flag that doesn't apply.
A constraint, "nodes2 <= nodes1", holds where it mentions a flag that doesn't apply.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from gridruns import unknown

from .domains import Domain
from .errors import SpaceError
from .expression_kinds import check_divisors, check_kinds
from .expressions import Expression, Values
from .values import Value, shown


@dataclass(frozen=True, eq=False)
class Rules:
    """Conditions and constraints over flags.

    Attributes:
        only: For a flag that doesn't always apply, where it does.
        where: What every point keeps.
    """

    only: Mapping[str, Expression]
    where: tuple[Expression, ...]

    @classmethod
    def parse(cls, only: Mapping[str, str], where: Sequence[str], domains: Mapping[str, Domain]) -> "Rules":
        """The rules that texts write over the flags of a space.

        Raises:
            SpaceError: A text isn't of the language, mentions a flag that isn't there or compares
                what can't be compared, or conditions go round in a circle.
        """
        check_list(where)
        conditions = {}
        for name, text in only.items():
            if name not in domains:
                raise SpaceError(f"a condition is of an {unknown('flag', str(name), domains)}")
            conditions[name] = _checked(text, domains, f"{name} only if ")
        rules = cls(
            {name: conditions[name] for name in domains if name in conditions},
            tuple(_checked(text, domains) for text in where),
        )
        _ = rules.dependencies
        return rules

    @cached_property
    def dependencies(self) -> dict[str, int]:
        """For each flag with a condition, the length of the longest chain of conditions that it ends.

        Raises:
            SpaceError: Conditions go round in a circle.
        """
        depths: dict[str, int] = {}

        def depth(name: str, above: tuple[str, ...]) -> int:
            if name in above:
                circle = " -> ".join([*above[above.index(name) :], name])
                raise SpaceError(f"conditions must not go round in a circle, but got {circle}")
            if name not in self.only:
                return 0
            if name not in depths:
                depths[name] = 1 + max((depth(m, (*above, name)) for m in self.only[name].names), default=0)
            return depths[name]

        for name in self.only:
            depth(name, ())
        return depths

    def sorted(self, names: Iterable[str]) -> list[str]:
        """Flags in order, save that each comes after those that its condition mentions."""
        return sorted(names, key=lambda name: self.dependencies.get(name, 0))

    def applies(self, name: str, values: Values) -> bool:
        """Whether a flag applies where `values` are those of the flags that apply and are known."""
        condition = self.only.get(name)
        return condition is None or (known(condition, values) and condition.true(values))

    def reduced(self, values: Values) -> dict[str, Value]:
        """What applies of a value for every flag, in the order given."""
        found = dict(values)
        for name in self.sorted(self.only):
            if name in found and not self.applies(name, found):
                del found[name]
        return found

    def broken(self, values: Values) -> Expression | None:
        """The first constraint that a point breaks, if it breaks one."""
        return next((rule for rule in self.where if known(rule, values) and not rule.true(values)), None)


def check_list(where: object) -> None:
    """Refuse what is no list of constraints, such as one text."""
    if isinstance(where, str) or not isinstance(where, Sequence):
        raise SpaceError(f"constraints must be a list of texts, but got {shown(where)}")


def known(expression: Expression, values: Values) -> bool:
    """Whether every flag that it mentions has a value."""
    return all(map(values.__contains__, expression.names))


def _checked(text: object, domains: Mapping[str, Domain], what: str = "") -> Expression:
    try:
        expression = Expression.parse(text)
    except SpaceError as error:
        raise SpaceError(f"{what}{error}") from None
    if not expression.names:
        raise SpaceError(f"{what}{expression.text!r} must mention a flag (known: {', '.join(domains)})")
    check_kinds(expression, domains, what)
    if any(domains[name].size is None for name in expression.names):
        check_divisors(expression, domains, what)
    return expression
