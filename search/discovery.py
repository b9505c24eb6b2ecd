"""The space of a keras-tuner hypermodel, found by building it.

A hypermodel declares its hyperparameters while it builds: the loop over `hp.Int("layers", 1, 3)` asks for
`units_2` only where layers is 3. So it is built several times: with all defaults, then with each
hyperparameter in turn at its other values, and with those that appear in turn ... What appears only at some
values of one hyperparameter is conditional on these; so is what stands in a `conditional_scope`.

Everything here runs in a process of its own, since building a model starts TensorFlow.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gridruns import GridrunsError
from spaces import Value
from spaces.domains import Choice, Domain, Float, Int

MOST_BUILDS = 300
TRIED = 8  # of a range of more integers only both ends are tried, and what is between where they differ


class HypermodelError(GridrunsError):
    """A hypermodel whose hyperparameters can't become a space."""


@dataclass(frozen=True)
class Hyperparameter:
    """One hyperparameter of a hypermodel.

    Attributes:
        name: As the hypermodel calls it, name scopes included.
        domain: Its values.
        default: What it is where nobody chooses.
        conditions: It applies where each of these hyperparameters, which come before it, has one of
            the values given.
    """

    name: str
    domain: Domain
    default: Value
    conditions: Mapping[str, tuple[Value, ...]]


Declare = Callable[[Any], object]
"""Takes a keras-tuner `HyperParameters` and declares what a build (and a fit) asks it for."""


def discover(declare: Declare) -> list[Hyperparameter]:
    """Find the hyperparameters that `declare` asks for, parents before what depends on them.

    Raises:
        HypermodelError: They can't become a space: a range that depends on another's value, a kind of
            range that has no counterpart, or more builds than are reasonable.
    """
    found = _Found(declare)
    found.build({})
    queue: list[tuple[str, dict[str, Value]]] = [(name, {}) for name in found.domains]
    for name, context in queue:
        for chosen in found.vary(name, context):
            queue.append((chosen, found.contexts[chosen]))
    return [
        Hyperparameter(name, domain, found.defaults[name], {**found.stated[name], **found.shown[name]})
        for name, domain in found.domains.items()
    ]


class _Found:
    """What the builds so far have shown."""

    def __init__(self, declare: Declare) -> None:
        self.declare = declare
        self.domains: dict[str, Domain] = {}
        self.defaults: dict[str, Value] = {}
        self.stated: dict[str, dict[str, tuple[Value, ...]]] = {}  # by conditional scopes
        self.shown: dict[str, dict[str, tuple[Value, ...]]] = {}  # by what appeared where
        self.contexts: dict[str, dict[str, Value]] = {}  # values at which each was first asked for
        self.builds = 0

    def build(self, values: Mapping[str, Value]) -> set[str]:
        """Build at some values, defaults elsewhere; note what is new; return what was asked for."""
        from keras_tuner import HyperParameters

        if self.builds == MOST_BUILDS:
            raise HypermodelError(
                f"the hypermodel's space isn't known after {MOST_BUILDS} builds; "
                "declare fewer hyperparameters, or write a script with flags"
            )
        self.builds += 1
        hp = HyperParameters()
        hp.values = dict(values)
        self.declare(hp)
        for declared in hp.space:
            self._note(declared, values)
        return {declared.name for declared in hp.space}

    def _note(self, declared: Any, context: Mapping[str, Value]) -> None:
        name = declared.name
        domain = domain_of(declared)
        stated = {parent.name: tuple(parent.values) for parent in declared.conditions}
        if name not in self.domains:
            self.domains[name], self.defaults[name] = domain, _default(declared, domain)
            self.stated[name], self.shown[name], self.contexts[name] = dict(stated), {}, dict(context)
        elif domain != self.domains[name]:
            raise HypermodelError(
                f"hyperparameter {name!r} is {self.domains[name].describe()} in one build and "
                f"{domain.describe()} in another: its values must not depend on other hyperparameters"
            )
        elif stated:
            self._widen(name, stated)

    def _widen(self, name: str, stated: Mapping[str, tuple[Value, ...]]) -> None:
        """A hyperparameter that stands in two scopes applies in either."""
        known = self.stated[name]
        if set(known) != set(stated) or (len(known) > 1 and known != stated):
            raise HypermodelError(
                f"hyperparameter {name!r} is conditional on {', '.join(known) or 'nothing'} in one place "
                f"and on {', '.join(stated)} in another; give it two names"
            )
        for parent, values in stated.items():
            known[parent] = tuple(dict.fromkeys((*known[parent], *values)))

    def vary(self, parent: str, context: Mapping[str, Value]) -> Iterator[str]:
        """Build at the other values of `parent`; yield what appears, once its condition is known."""
        domain = self.domains[parent]
        if domain.size is None or domain.size == 1:
            return
        base = {**context, **self._scope(parent)}
        before = set(self.domains)
        asked: dict[int, set[str]] = {}
        places = range(domain.size)
        few = domain.size <= TRIED or isinstance(domain, Choice)
        for place in places if few else (places[0], places[-1]):
            asked[place] = self.build({**base, parent: domain.value(place)})
        if not few:
            self._between(parent, base, asked, places[0], places[-1])
        always = frozenset.intersection(*map(frozenset, asked.values()))
        for name in self.domains:
            sometimes = any(name in there for there in asked.values()) and name not in always
            if sometimes and parent not in self.stated[name]:
                self.shown[name][parent] = tuple(
                    domain.value(place) for place in places if name in asked[_nearest(asked, place)]
                )
        yield from [name for name in self.domains if name not in before]

    def _scope(self, name: str) -> dict[str, Value]:
        """Values at which a hyperparameter applies, as its conditions say."""
        values: dict[str, Value] = {}
        for parent, allowed in {**self.stated[name], **self.shown[name]}.items():
            values |= {**self._scope(parent), parent: allowed[0]}
        return values

    def _between(
        self, parent: str, base: Mapping[str, Value], asked: dict[int, set[str]], low: int, high: int
    ) -> None:
        """Find, by halving, where what is asked for changes from one integer to the next."""
        if high - low < 2 or asked[low] == asked[high]:
            return
        middle = (low + high) // 2
        asked[middle] = self.build({**base, parent: self.domains[parent].value(middle)})
        self._between(parent, base, asked, low, middle)
        self._between(parent, base, asked, middle, high)


def _nearest(asked: Mapping[int, object], place: int) -> int:
    """The highest place that was built at or below `place`: between two that are equal nothing changes."""
    return max(known for known in asked if known <= place)


def domain_of(declared: Any) -> Domain:
    """The domain of a keras-tuner hyperparameter.

    A range of floats with a step, or one with a logarithmic step, becomes the choice of its values.

    Raises:
        HypermodelError: There is none: reversed logarithmic ranges.
    """
    kind = type(declared).__name__
    if kind in ("Choice", "Boolean", "Fixed"):
        return Choice(list(declared.values))
    if declared.sampling == "reverse_log":
        raise HypermodelError(
            f"hyperparameter {declared.name!r} has sampling 'reverse_log', which no space has"
        )
    if kind == "Int":
        if declared.sampling == "log" and declared.step is not None:
            return Choice([int(value) for value in declared.values])
        step = declared.step or 1
        high = declared.min_value + (declared.max_value - declared.min_value) // step * step
        return Int(declared.min_value, high, step, log=declared.sampling == "log")
    if declared.step is None:
        return Float(declared.min_value, declared.max_value, log=declared.sampling == "log")
    return Choice([float(value) for value in declared.values])


def _default(declared: Any, domain: Domain) -> Value:
    """The default of a hyperparameter, as its domain has it."""
    default: Value = declared.default
    if isinstance(domain, Float) and isinstance(default, int):
        default = float(default)
    if domain.contains(default):
        return default
    raise HypermodelError(
        f"hyperparameter {declared.name!r} has the default {default!r}, but must be {domain.describe()}"
    )
