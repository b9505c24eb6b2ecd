"""A space: which points a search may run, how many there are, and the i-th without a list of them.

A space is a product of parameters, each with a domain. What a sampler chooses is a value of each
parameter (`parameters`); what a run gets is a point, a value of each flag (`assemble`). In a
product of flags the two are the same; the rows of a table are one parameter.
"""

import json
import math
import operator
import os
from collections.abc import Mapping, Sequence
from functools import cached_property
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, TypeAlias

from gridruns import unknown

from .documents import read_mapping
from .domains import Domain, Int, domain_from_json
from .errors import SpaceError
from .flag import Flag, by_name
from .grammar import domain_of
from .permutation import Permutation
from .table import Table
from .values import LAW, Value, is_value, plain, shown

if TYPE_CHECKING:
    from pandas import DataFrame

Entry: TypeAlias = Domain | Sequence[Value] | Mapping[str, Any] | Value
"""How a space writes a flag's domain: `spaces.grammar`."""

ROW = "row"
"""The parameter that chooses a row of a table."""


class Space:
    """What values flags may take; immutable, typed, of any size.

    Args:
        mapping: for each flag a domain, a list of values, one fixed value, or a mapping of
            low, high, step and log. An empty one has one point, {}.

    Raises:
        SpaceError: an entry makes no domain.
    """

    def __init__(self, mapping: Mapping[str, Entry]) -> None:
        self._domains: dict[str, Domain] = {}
        self._table: Table | None = None
        for name, entry in mapping.items():
            if not isinstance(name, str):
                raise SpaceError(f"a space must name its flags with strings, but got {shown(name)}")
            try:
                self._domains[name] = domain_of(entry)
            except SpaceError as error:
                raise SpaceError(f"{name}: {error}") from None

    @classmethod
    def from_yaml(cls, path: str | os.PathLike[str]) -> "Space":
        """The space that a YAML file writes: a mapping from flag to entry.

        Raises:
            DocumentError: the file can't be read.
            SpaceError: it holds no flags, or an entry makes no domain.
        """
        content: dict[str, Any] = read_mapping(path)
        if not content:
            raise SpaceError(f"{os.fspath(path)}: a space must have at least one flag, but the file is empty")
        try:
            return cls(content)
        except SpaceError as error:
            raise SpaceError(f"{os.fspath(path)}: {error}") from None

    @classmethod
    def from_frame(cls, frame: "DataFrame") -> "Space":
        """The rows of a DataFrame, a flag a column: each row is a point (`Table.from_frame`)."""
        return cls._with({}, Table.from_frame(frame))

    @classmethod
    def from_flags(cls, declared: Sequence[Flag]) -> "Space":
        """The domains that a script declares beside its flags; a flag without one is no part of it."""
        return cls({flag.name: flag.domain for flag in declared if flag.domain is not None})

    @classmethod
    def _with(cls, domains: Mapping[str, Domain], table: Table | None) -> "Space":
        space = cls(domains)
        space._table = table
        if table is None:
            return space
        for name in domains:
            if name in table.columns:
                raise SpaceError(f"{name} is a column of the table, so it can't be set beside it")
            if name == ROW:
                raise SpaceError(f"a flag beside a table can't be called {ROW!r}, the table's parameter")
        return space

    @property
    def names(self) -> tuple[str, ...]:
        """The flags, in order."""
        return (*(() if self._table is None else self._table.columns), *self._domains)

    @property
    def size(self) -> int | None:
        """How many points there are; None where a range without steps makes them infinite."""
        sizes = [domain.size for domain in self.parameters().values()]
        return None if None in sizes else math.prod(size for size in sizes if size is not None)

    def parameters(self) -> dict[str, Domain]:
        """What a sampler chooses: a value of each of these domains, together one point.

        A table is one parameter, "row", the row's number.
        """
        if self._table is None:
            return dict(self._domains)
        return {ROW: Int(0, len(self._table.rows) - 1), **self._domains}

    def assemble(self, params: Mapping[str, Value]) -> dict[str, Value]:
        """The point that these values of the parameters make, in the order of the flags.

        Raises:
            SpaceError: a parameter is missing, unknown or outside its domain.
        """
        parameters = self.parameters()
        _check_names("parameter", params, list(parameters))
        chosen = {}
        for name, domain in parameters.items():
            chosen[name] = value = plain(params[name])
            if not domain.contains(value):
                raise SpaceError(f"{name} must be {domain.describe()}, but got {shown(value)}")
        return self._point(chosen)

    def point(self, i: int) -> dict[str, Value]:
        """The i-th point, 0 <= i < size, else IndexError; the first flag changes fastest.

        Raises:
            SpaceError: the space is infinite.
        """
        rest, size = operator.index(i), self._finite()
        if not 0 <= rest < size:
            raise IndexError(f"index must be in 0..{size - 1}, but got {rest}")
        chosen: dict[str, object] = {}
        for name, domain in self.parameters().items():
            rest, digit = divmod(rest, domain.size or 1)
            chosen[name] = domain.value(digit)
        return self._point(chosen)

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
            SpaceError: a flag is missing or unknown, or has what no flag can hold.
        """
        _check_names("flag", point, self.names)
        values = {name: plain(value) for name, value in point.items()}
        for name, value in values.items():
            if not is_value(value):
                raise SpaceError(f"{name} must be {LAW}, but got {shown(value)}")
            values[name] = 0.0 if isinstance(value, float) and value == 0 else value
        return json.dumps(values, sort_keys=True, allow_nan=False)

    def updated(self, mapping: Mapping[str, Entry]) -> "Space":
        """This space with other domains for some flags; flags that it lacks come last.

        Raises:
            SpaceError: an entry makes no domain, or is for a column of a table.
        """
        return self._with({**self._domains, **Space(mapping)._domains}, self._table)

    def checked(self, declared: Sequence[Flag]) -> "Space":
        """This space, if the declared flags take every point of it.

        Raises:
            SpaceError: a flag isn't declared.
            FlagError: a value has another type than its flag, or is outside the flag's own domain.
        """
        named = by_name(declared)
        for name in self.names:
            if name not in named:
                raise SpaceError(unknown("flag", name, named))
        for name, domain in self._domains.items():
            named[name].check_domain(domain)
        if self._table is not None:
            for row in self._table.rows:
                for name, value in zip(self._table.columns, row, strict=True):
                    named[name].check(value)
        return self

    def to_json(self) -> dict[str, Any]:
        """Plain JSON that `from_json` reads back, typed and in the same order."""
        return {
            "table": None if self._table is None else self._table.to_json(),
            "flags": [[name, domain.to_json()] for name, domain in self._domains.items()],
        }

    @classmethod
    def from_json(cls, data: object) -> "Space":
        """The space that `to_json` wrote.

        Raises:
            SpaceError: `data` is no space.
        """
        match data:
            case {"table": table, "flags": list(flags), **rest} if not rest:
                domains = dict(map(_flag_from_json, flags))
                if len(domains) < len(flags):
                    raise SpaceError(f"a space must name each flag once, but got {shown(flags)}")
                return cls._with(domains, None if table is None else Table.from_json(table))
            case _:
                raise SpaceError(f"no space: {shown(data)}")

    @cached_property
    def fingerprint(self) -> str:
        """32 hexadecimal digits that say which space this is: a hash of its JSON."""
        text = json.dumps(self.to_json(), sort_keys=True, separators=(",", ":"), allow_nan=False)
        return blake2b(text.encode(), digest_size=16).hexdigest()

    def __contains__(self, point: object) -> bool:
        """Whether `point`, a mapping, is one of the points, types and all."""
        if not isinstance(point, Mapping) or set(point) != set(self.names):
            return False
        if not all(domain.contains(point[name]) for name, domain in self._domains.items()):
            return False
        return self._table is None or self._table.holds([point[name] for name in self._table.columns])

    def __eq__(self, other: object) -> bool:
        return self.fingerprint == other.fingerprint if isinstance(other, Space) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    def __repr__(self) -> str:
        size = "infinite" if self.size is None else f"{self.size:,} points"
        return f"Space({', '.join(self.names)}; {size})"

    def _finite(self) -> int:
        """The size of a finite space."""
        if (size := self.size) is not None:
            return size
        endless = [name for name, domain in self._domains.items() if domain.size is None]
        raise SpaceError(f"a finite space is needed, but {', '.join(endless)} has no step, so no i-th value")

    def _point(self, chosen: Mapping[str, Any]) -> dict[str, Value]:
        row = {} if self._table is None else self._table.row(chosen[ROW])
        return row | {name: chosen[name] for name in self._domains}


def _check_names(kind: str, given: Mapping[str, object], names: Sequence[str]) -> None:
    for name in given:
        if name not in names:
            raise SpaceError(unknown(kind, str(name), names))
    for name in names:
        if name not in given:
            raise SpaceError(f"a value of every {kind} is needed, but {name} is missing")


def _flag_from_json(pair: object) -> tuple[str, Domain]:
    match pair:
        case [str(name), domain]:
            return name, domain_from_json(domain)
        case _:
            raise SpaceError(f"no flag of a space: {shown(pair)}")
