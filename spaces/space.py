"""A space: which points a search may run, how many there are, and the i-th without a list of them.

A space is a product of parameters, each with a domain, less what its rules take away: a flag that
doesn't apply is no part of a point, and a point that breaks a constraint is none. What a sampler chooses
is a value of each parameter (`parameters`); what a run gets is a point, a value of each flag that
applies (`assemble`). In a product of flags the two are the same; the rows of a table are one parameter.
"""

import json
import operator
import os
from collections.abc import Callable, Mapping, Sequence, Sized
from dataclasses import replace
from functools import cached_property
from hashlib import blake2b
from math import prod
from typing import TYPE_CHECKING, Any, TypeAlias

from gridruns import unknown

from .content import Content, entries
from .domains import Domain
from .errors import SpaceError
from .flag import Flag, by_name
from .members import Members
from .permutation import Permutation
from .points import Points
from .rules import check_list
from .table import Table
from .values import Value, plain, shown

if TYPE_CHECKING:
    from pandas import DataFrame

Entry: TypeAlias = Domain | Sequence[Value] | Mapping[str, Any] | Value
"""How a space writes a flag's domain: `spaces.grammar`."""


class Space:
    """What values flags may take; immutable, typed, of any size.

    Args:
        mapping: for each flag a domain, a list of values, one fixed value, or a mapping of
            low, high, step and log, or of values, either with `only`. An empty one has one point, {}.
        only: for each flag that doesn't always apply, where it does: {"nodes3": "layers >= 3"}.
            Elsewhere it is no part of a point.
        where: what every point keeps: ["nodes2 <= nodes1"]. One about a flag that doesn't apply holds.

    Raises:
        SpaceError: an entry makes no domain, or a text no rule over the flags (`spaces.expressions`).
    """

    def __init__(
        self,
        mapping: Mapping[str, Entry],
        *,
        only: Mapping[str, str] | None = None,
        where: Sequence[str] = (),
    ) -> None:
        self._fill(Content.read(mapping, only, where))

    @classmethod
    def from_yaml(cls, path: str | os.PathLike[str]) -> "Space":
        """The space that a YAML file writes: a mapping from flag to entry, and a list of constraints.

        The constraints are the list called `where`; a mapping of that name is a flag's entry.

        Raises:
            DocumentError: the file can't be read.
            SpaceError: it holds no flags, or an entry or a text makes no domain or rule.
        """
        return cls._of(Content.from_yaml(path))

    @classmethod
    def from_frame(cls, frame: "DataFrame") -> "Space":
        """The rows of a DataFrame, a flag a column: each row is a point (`Table.from_frame`)."""
        return cls._of(Content({}, Table.from_frame(frame)))

    @classmethod
    def from_flags(cls, declared: Sequence[Flag]) -> "Space":
        """The domains that a script declares beside its flags; a flag without one is no part of it."""
        return cls({flag.name: flag.domain for flag in declared if flag.domain is not None})

    @classmethod
    def _of(cls, content: Content) -> "Space":
        space = cls.__new__(cls)
        space._fill(content)
        return space

    def _fill(self, content: Content) -> None:
        self._content = content
        self._parameters = content.parameters
        self._rules = content.rules
        self._ruled = bool(self._rules.only or self._rules.where)

    @property
    def names(self) -> tuple[str, ...]:
        """The flags, in order."""
        return tuple(name for parameter in self._parameters for name in parameter.flags)

    @property
    def conditions(self) -> dict[str, str]:
        """For each flag that doesn't always apply, the text of where it does."""
        return {name: rule.text for name, rule in self._rules.only.items()}

    @property
    def constraints(self) -> tuple[str, ...]:
        """The texts of what every point keeps."""
        return tuple(rule.text for rule in self._rules.where)

    @cached_property
    def size(self) -> int | None:
        """How many points there are; None where a range without steps makes them infinite.

        Raises:
            SpaceError: the rules leave no point, a flag applies at none, or more values are entangled than
                can be counted.
        """
        if self._ruled:
            return self._points.size
        sizes = [parameter.domain.size for parameter in self._parameters]
        return None if None in sizes else prod(size for size in sizes if size is not None)

    def parameters(self) -> dict[str, Domain]:
        """What a sampler chooses: a value of each of these domains that applies, together one point.

        A table is one parameter, "row", the row's number.
        """
        return {parameter.name: parameter.domain for parameter in self._parameters}

    def applies(self, chosen: Mapping[str, Value]) -> list[str]:
        """The parameters that apply where these values of parameters are chosen.

        In order, save that each comes after those that its condition mentions. One whose condition
        mentions what isn't chosen yet isn't among them: choose those that are, and ask again.

        Args:
            chosen: values of parameters, of none to all; each within its domain.
        """
        return self._members.applies(chosen)

    def assemble(self, params: Mapping[str, Value]) -> dict[str, Value]:
        """The point that these values of the parameters make, in the order of the flags.

        What doesn't apply is left out. Whether the constraints hold, `in` says of the point.

        Args:
            params: a value of each parameter; of those that don't apply it may be missing.

        Raises:
            SpaceError: a parameter is missing, unknown or outside its domain.
        """
        return self._members.assemble(params)

    def point(self, i: int) -> dict[str, Value]:
        """The i-th point, 0 <= i < size, else IndexError; without rules the first flag changes fastest.

        Raises:
            SpaceError: the space is infinite.
        """
        return self._content.values(self.choices(i))

    def choices(self, i: int) -> dict[str, Value]:
        """The values of the parameters that make the i-th point.

        Raises:
            SpaceError: the space is infinite.
        """
        rest, size = operator.index(i), self._finite()
        if not 0 <= rest < size:
            raise IndexError(f"index must be in 0..{size - 1}, but got {rest}")
        if self._ruled:
            return self._points.choose(rest)
        chosen: dict[str, Value] = {}
        for name, base, value in self._digits:
            rest, digit = divmod(rest, base)
            chosen[name] = value(digit)
        return chosen

    def point_of(self, values: Mapping[str, Value]) -> dict[str, Value] | None:
        """The point that a run with these values of flags is at, or None where there is none.

        Args:
            values: of all flags of the space, and perhaps of others; what doesn't apply isn't looked at.
        """
        return self._members.point_of(values)

    def order(self, seed: int) -> Permutation:
        """All indices in a random order: a pure function of (space, seed, index), in O(1) memory.

        Raises:
            SpaceError: the space is infinite, or `seed` is no integer.
        """
        given = plain(seed)
        if type(given) is not int:
            raise SpaceError(f"seed must be an integer, but got {shown(given)}")
        key = blake2b(f"{self.fingerprint} {given}".encode(), digest_size=32).digest()
        return Permutation(self._finite(), key)

    def key(self, point: Mapping[str, Value]) -> str:
        """The canonical text of a point: the same for equal points, whatever the order of their flags.

        1, 1.0 and True have different keys; 0.0 and -0.0 have one.

        Raises:
            SpaceError: a flag is missing, unknown or doesn't apply, or has what no flag can hold.
        """
        return self._members.key(point)

    def updated(self, mapping: Mapping[str, Entry]) -> "Space":
        """This space with other domains for some flags; flags that it lacks come last.

        A flag keeps its condition unless the entry has another.

        Raises:
            SpaceError: an entry makes no domain, is for a column of a table, or doesn't fit a rule.
        """
        domains, conditions = entries(mapping)
        old = self._content
        return self._of(replace(old, domains={**old.domains, **domains}, only={**old.only, **conditions}))

    def restricted(self, where: Sequence[str]) -> "Space":
        """This space with further constraints.

        Raises:
            SpaceError: a text makes no rule over the flags.
        """
        check_list(where)
        return self._of(replace(self._content, where=(*self._content.where, *where)))

    def checked(self, declared: Sequence[Flag]) -> "Space":
        """This space, if it has points and the declared flags take every one of them.

        Raises:
            SpaceError: a flag isn't declared, the rules leave no point, or a flag applies at none.
            FlagError: a value has another type than its flag, or is outside the flag's own domain.
        """
        named = by_name(declared)
        for name in self.names:
            if name not in named:
                raise SpaceError(unknown("flag", name, named))
        for name, domain in self._content.domains.items():
            named[name].check_domain(domain)
        if (table := self._content.table) is not None:
            for row in table.rows:
                for name, value in zip(table.columns, row, strict=True):
                    named[name].check(value)
        if self._ruled:
            self._points.check()
        return self

    def to_json(self) -> dict[str, Any]:
        """Plain JSON that `from_json` reads back, typed and in the same order."""
        return self._content.to_json()

    @classmethod
    def from_json(cls, data: object) -> "Space":
        """The space that `to_json` wrote.

        Raises:
            SpaceError: `data` is no space.
        """
        return cls._of(Content.from_json(data))

    @cached_property
    def fingerprint(self) -> str:
        """32 hexadecimal digits that say which space this is: a hash of its JSON."""
        text = json.dumps(self.to_json(), sort_keys=True, separators=(",", ":"), allow_nan=False)
        return blake2b(text.encode(), digest_size=16).hexdigest()

    def __contains__(self, point: object) -> bool:
        """Whether `point`, a mapping, is one of the points, types and all."""
        return self._members.holds(point)

    def __eq__(self, other: object) -> bool:
        return self.fingerprint == other.fingerprint if isinstance(other, Space) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    def __repr__(self) -> str:
        if self._ruled:
            counts = _counted("condition", self.conditions), _counted("constraint", self.constraints)
            size = ", ".join(filter(None, counts))
        else:
            size = "infinite" if self.size is None else f"{self.size:,} points"
        return f"Space({', '.join(self.names)}; {size})"

    @cached_property
    def _digits(self) -> list[tuple[str, int, Callable[[int], Value]]]:
        """Of each parameter of a finite space: its name, its size and its i-th value."""
        return [(p.name, p.domain.size or 1, p.domain.value) for p in self._parameters]

    @cached_property
    def _members(self) -> Members:
        return Members(self._content)

    @cached_property
    def _points(self) -> Points:
        return Points(self._parameters, self._rules)

    def _finite(self) -> int:
        """The size of a finite space."""
        if (size := self.size) is not None:
            return size
        endless = [parameter.name for parameter in self._parameters if parameter.domain.size is None]
        raise SpaceError(f"a finite space is needed, but {', '.join(endless)} has no step, so no i-th value")


def _counted(kind: str, of: Sized) -> str:
    return f"{len(of)} {kind}{'' if len(of) == 1 else 's'}" if len(of) else ""
