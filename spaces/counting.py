"""The points of a finite space with rules: how many, and the i-th, without a list of them.

Flags that no rule joins are independent: the space is the product of its parts (`Part`). In a part
only the flags that conditions mention are tried out; for each of their combinations the flags that then
apply fall apart into groups that constraints join. A group is listed once for each combination of what its
constraints mention; a flag in no constraint is counted, not listed. So 10^12 points with a few rules
cost what the flags in the rules cost.
"""

from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import prod
from typing import Any, TypeAlias

from .errors import SpaceError
from .expressions import Expression
from .parameters import Parameter
from .rules import Rules, known
from .values import Value, token

MOST = 2_000_000
"""How many values are tried before a part of a space counts as too entangled."""
FEW = 200_000
"""The same, where it is asked which rule is to blame."""

Chosen: TypeAlias = dict[str, Value]
"""A value for each parameter that applies."""


def parts_of(parameters: Sequence[Parameter], rules: Rules) -> list["Part"]:
    """The independent parts of a space, in the order of their first parameters."""
    texts = [(name, *condition.names) for name, condition in rules.only.items()]
    texts += [rule.names for rule in rules.where]
    return [
        Part(group, rules, [rule for rule in rules.where if _about(rule, group)])
        for group in _joined(parameters, texts)
    ]


class Part:
    """Parameters that rules join with each other and with no other; one without rules is a part too.

    Args:
        parameters: In the order of the space.
        rules: Those of the space.
        where: The constraints that concern this part.
    """

    def __init__(self, parameters: Sequence[Parameter], rules: Rules, where: Sequence[Expression]) -> None:
        self.parameters = tuple(parameters)
        self.where = tuple(where)
        self.endless = [parameter.name for parameter in parameters if parameter.domain.size is None]
        self.conditional = [parameter.name for parameter in parameters if parameter.name in rules.only]
        self._rules = rules
        self._free = not where and not self.conditional
        self._found: _Found | None = None

    @property
    def size(self) -> int:
        """How many combinations of what applies there are; the part is finite."""
        return (
            prod(_size(parameter) for parameter in self.parameters) if self._free else self._list().ends[-1]
        )

    def choose(self, i: int) -> Chosen:
        """The values of the i-th combination, 0 <= i < size."""
        if not self._free:
            return self._list().choose(i)
        chosen: Chosen = {}
        for parameter in self.parameters:
            i, digit = divmod(i, _size(parameter))
            chosen[parameter.name] = parameter.domain.value(digit)
        return chosen

    def never(self) -> list[str]:
        """The flags that apply in no combination."""
        return [name for name in self.conditional if name not in self._list().applied]

    def impossible(self, rule: Expression) -> bool:
        """Whether this constraint alone leaves nothing, as far as `FEW` tries can tell."""
        try:
            return not _Found(self.parameters, self._rules, [rule], FEW).ends[-1]
        except SpaceError:
            return False

    def _list(self) -> "_Found":
        if self._found is None:
            self._found = _Found(self.parameters, self._rules, self.where, MOST)
        return self._found


@dataclass(frozen=True, eq=False)
class _Group:
    """Parameters that apply together, and their combinations: listed as mixed-radix numbers, or all."""

    parameters: tuple[Parameter, ...]
    size: int
    listed: Sequence[int] | None

    def choose(self, i: int) -> Chosen:
        return _digits(self.parameters, i if self.listed is None else self.listed[i])


class _Found:
    """The combinations of a part: blocks, one for each combination of the flags that conditions mention."""

    def __init__(
        self, parameters: Sequence[Parameter], rules: Rules, where: Sequence[Expression], most: int
    ) -> None:
        mentioned = {name for condition in rules.only.values() for name in condition.names}
        leading = [p for p in parameters if mentioned.intersection(p.flags)]
        leading.sort(key=lambda p: rules.dependencies.get(p.name, 0))
        names = {name for p in leading for name in p.flags}
        self._rules = rules
        self._parameters = tuple(parameters)
        self._where = tuple(where)
        self._first = tuple(leading)
        self._rest = tuple(p for p in parameters if p not in leading)
        self._later = tuple(rule for rule in where if not names.issuperset(rule.names))
        self._shapes: dict[Any, list[tuple[tuple[Parameter, ...], list[Expression]]]] = {}
        self._groups: dict[Any, _Group] = {}
        self._tried = 0
        self._most = most
        self.applied: set[str] = set()
        codes: list[int] = []
        sizes: list[int] = []
        early = [rule for rule in where if names.issuperset(rule.names)]
        for code, values in self._combinations(self._first, early, {}, rules.applies):
            self._try(len(self._rest))
            groups = self._groups_of(values)
            size = prod(group.size for group in groups)
            if size:
                codes.append(code)
                sizes.append(size)
                self.applied.update(values, *(p.flags for group in groups for p in group.parameters))
        self._codes = _packed(codes)
        self.ends = _packed(list(accumulate(sizes, initial=0)))

    def choose(self, i: int) -> Chosen:
        block = bisect_right(self.ends, i) - 1
        i -= self.ends[block]
        chosen, values = self._leading(self._codes[block])
        for group in self._groups_of(values):
            i, place = divmod(i, group.size)
            chosen |= group.choose(place)
        return chosen

    def _leading(self, code: int) -> tuple[Chosen, Chosen]:
        """The values of the leading parameters that a code stands for, and of the flags that they set."""
        chosen: Chosen = {}
        values: Chosen = {}
        for parameter in self._first:
            code, digit = divmod(code, _size(parameter))
            if self._rules.applies(parameter.name, values):
                chosen[parameter.name] = value = parameter.domain.value(digit)
                values |= parameter.values(value)
        return chosen, values

    def _groups_of(self, values: Chosen) -> list[_Group]:
        """What is free to vary beside these values of the leading flags."""
        rest = tuple(p for p in self._rest if self._rules.applies(p.name, values))
        shape = (rest, frozenset(values))
        if shape not in self._shapes:
            there = {*values, *(name for p in rest for name in p.flags)}
            live = [rule for rule in self._later if there.issuperset(rule.names)]
            joined = _joined(rest, [rule.names for rule in live])
            self._shapes[shape] = [(tuple(ps), [rule for rule in live if _about(rule, ps)]) for ps in joined]
        return [self._group(parameters, live, values) for parameters, live in self._shapes[shape]]

    def _group(self, parameters: tuple[Parameter, ...], live: list[Expression], values: Chosen) -> _Group:
        if not live:
            return _Group(parameters, prod(map(_size, parameters)), None)
        context = {name: values[name] for rule in live for name in rule.names if name in values}
        key = parameters, tuple(live), tuple(map(token, context.values()))
        if key not in self._groups:
            codes = sorted(code for code, _ in self._combinations(parameters, live, context, _always))
            self._groups[key] = _Group(parameters, len(codes), _packed(codes))
        return self._groups[key]

    def _combinations(
        self,
        parameters: Sequence[Parameter],
        where: Sequence[Expression],
        given: Chosen,
        applies: Callable[[str, Chosen], bool],
    ) -> Iterator[tuple[int, Chosen]]:
        """Every combination of parameters that keeps the constraints: its code, and the values with `given`.

        A constraint is looked at as soon as all its flags are decided. The values are one mapping that
        changes from combination to combination.
        """
        due, decided = [], set(given)
        waiting = list(where)
        for parameter in parameters:
            decided.update(parameter.flags)
            due.append([rule for rule in waiting if decided.issuperset(rule.names)])
            waiting = [rule for rule in waiting if rule not in due[-1]]
        weights = list(accumulate(map(_size, parameters), lambda a, b: a * b, initial=1))

        def walk(k: int, code: int, values: Chosen) -> Iterator[tuple[int, Chosen]]:
            if k == len(parameters):
                yield code, values
                return
            parameter = parameters[k]
            if not applies(parameter.name, values):
                if _kept(due[k], values):
                    yield from walk(k + 1, code, values)
                return
            for digit in range(_size(parameter)):
                self._try(1)
                if parameter.table is None:
                    values[parameter.name] = parameter.domain.value(digit)
                else:
                    values |= parameter.values(digit)
                if _kept(due[k], values):
                    yield from walk(k + 1, code + digit * weights[k], values)
            for name in parameter.flags:
                del values[name]

        yield from walk(0, 0, dict(given))

    def _try(self, number: int) -> None:
        self._tried += number
        if self._tried > self._most:
            names = ", ".join(p.name for p in self._parameters)
            sizes = " x ".join(f"{_size(p):,}" for p in self._parameters)
            raise SpaceError(
                f"the rules join {names} ({sizes} values), and after {self._most:,} tries their combinations "
                "aren't counted; give fewer values or looser rules"
            )


def _joined(parameters: Sequence[Parameter], texts: Sequence[Sequence[str]]) -> list[tuple[Parameter, ...]]:
    """The parameters in groups: two of which a text mentions flags are in one."""
    owner = {name: place for place, parameter in enumerate(parameters) for name in parameter.flags}
    group = list(range(len(parameters)))
    for names in texts:
        places = [group[owner[name]] for name in names if name in owner]
        if len(set(places)) > 1:
            group = [min(places) if mark in places else mark for mark in group]
    found: dict[int, list[Parameter]] = {}
    for mark, parameter in zip(group, parameters, strict=True):
        found.setdefault(mark, []).append(parameter)
    return [tuple(members) for members in found.values()]


def _always(name: str, values: Chosen) -> bool:
    return True


def _about(rule: Expression, parameters: Sequence[Parameter]) -> bool:
    return any(name in parameter.flags for name in rule.names for parameter in parameters)


def _kept(where: Sequence[Expression], values: Chosen) -> bool:
    return all(rule.true(values) for rule in where if known(rule, values))


def _size(parameter: Parameter) -> int:
    assert parameter.domain.size is not None
    return parameter.domain.size


def _digits(parameters: Sequence[Parameter], code: int) -> Chosen:
    """The values that a mixed-radix number stands for, the first parameter fastest."""
    chosen: Chosen = {}
    for parameter in parameters:
        code, digit = divmod(code, _size(parameter))
        chosen[parameter.name] = parameter.domain.value(digit)
    return chosen


def _packed(codes: list[int]) -> Sequence[int]:
    """The codes in 8 bytes each, where they fit."""
    return array("Q", codes) if max(codes, default=0) < 1 << 64 else codes
