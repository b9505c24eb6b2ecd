"""What is a point of a space, and what isn't: assembled, named by a key, found in a run's values."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from gridruns import unknown

from .content import Content
from .errors import SpaceError
from .values import LAW, Value, is_value, plain, shown

_MISSING = object()


class Members:
    """The points of a space of any size; `spaces.Space` says what each method promises."""

    def __init__(self, content: Content) -> None:
        self._content = content
        self._rules = content.rules
        self._domains = content.flags
        self._parameters = {parameter.name: parameter.domain for parameter in content.parameters}

    def applies(self, chosen: Mapping[str, Value]) -> list[str]:
        """The parameters that apply where some are chosen (`Space.applies`)."""
        values = self._rules.reduced(self._content.values(chosen))
        return [name for name in self._rules.sorted(self._parameters) if self._rules.applies(name, values)]

    def assemble(self, params: Mapping[str, Value]) -> dict[str, Value]:
        """The point that values of the parameters make (`Space.assemble`)."""
        chosen: dict[str, Any] = {name: plain(value) for name, value in params.items()}
        for name, value in chosen.items():
            if name not in self._parameters:
                raise SpaceError(unknown("parameter", str(name), self._parameters))
            if not self._parameters[name].contains(value):
                law = self._parameters[name].describe()
                raise SpaceError(f"{name} must be {law}, but got {shown(value)}")
        applying = self.applies(chosen)
        _check_all("parameter", chosen, applying)
        return self._content.values({name: chosen[name] for name in applying})

    def point_of(self, values: Mapping[str, Value]) -> dict[str, Value] | None:
        """The point that a run with these values is at (`Space.point_of`)."""
        found: dict[str, Any] = {name: plain(values[name]) for name in self._domains if name in values}
        for name in self._rules.sorted(self._rules.only):
            mentioned = [other for other in self._rules.only[name].names if other in found]
            if not all(self._domains[other].contains(found[other]) for other in mentioned):
                return None
            if not self._rules.applies(name, found):
                found.pop(name, None)
        return found if self.holds(found) else None

    def key(self, point: Mapping[str, Value]) -> str:
        """The canonical text of a point (`Space.key`)."""
        values: dict[str, Value] = {}
        for name, given in point.items():
            value = plain(given)
            if name not in self._domains:
                raise SpaceError(unknown("flag", str(name), self._domains))
            if not is_value(value):
                raise SpaceError(f"{name} must be {LAW}, but got {shown(value)}")
            values[name] = 0.0 if isinstance(value, float) and value == 0 else value
        applying = self._applying(values)
        _check_all("flag", values, applying)
        for name in values:
            if name not in applying:
                text = self._rules.only[name].text
                raise SpaceError(f"{name} doesn't apply there: {text!r} isn't true")
        return json.dumps(values, sort_keys=True, allow_nan=False)

    def holds(self, point: object) -> bool:
        """Whether `point`, a mapping, is one of the points, types and all."""
        if not isinstance(point, Mapping) or not set(point).issubset(self._domains):
            return False
        values: dict[str, Any] = {name: plain(value) for name, value in point.items()}
        if not self._in_domains(values) or set(values) != set(self._applying(values)):
            return False
        return self._rules.broken(values) is None

    def _in_domains(self, values: Mapping[str, Any]) -> bool:
        """Whether these values of flags are among those that the flags can have, a table's as a row."""
        if not all(self._domains[name].contains(value) for name, value in values.items()):
            return False
        table = self._content.table
        return table is None or table.holds([values.get(name, _MISSING) for name in table.columns])

    def _applying(self, values: Mapping[str, Value]) -> list[str]:
        """The flags that apply where flags have these values.

        Raises:
            SpaceError: A value is outside its domain, so that there is no telling.
        """
        if not self._rules.only:
            return list(self._domains)
        for name, value in values.items():
            if not self._domains[name].contains(value):
                raise SpaceError(f"{name} must be {self._domains[name].describe()}, but got {shown(value)}")
        left = self._rules.reduced(values)
        return [name for name in self._domains if self._rules.applies(name, left)]


def _check_all(kind: str, given: Mapping[str, object], names: Sequence[str]) -> None:
    for name in names:
        if name not in given:
            raise SpaceError(f"a value of every {kind} is needed, but {name} is missing")
