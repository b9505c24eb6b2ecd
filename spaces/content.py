"""What a space is made of: domains, a table, and the texts of its rules; how YAML and JSON write that."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from .documents import read_mapping
from .domains import Domain, Int, domain_from_json
from .errors import SpaceError
from .grammar import read_entry
from .parameters import Parameter
from .rules import Rules
from .table import Table
from .values import Value, shown

ROW = "row"
"""The parameter that chooses a row of a table."""
WHERE = "where"
"""What a YAML file calls the list of its constraints."""


@dataclass(frozen=True, eq=False)
class Content:
    """Domains, a table beside them, conditions and constraints.

    Attributes:
        domains: Of each flag outside the table.
        table: Ready combinations of other flags.
        only: For each flag that doesn't always apply, the text of where it does.
        where: The texts of what every point keeps.
        parameters: What a sampler chooses, in order.

    Raises:
        SpaceError: A flag is in the table and beside it, or a text makes no rule over the flags.
    """

    domains: Mapping[str, Domain]
    table: Table | None = None
    only: Mapping[str, str] = field(default_factory=dict)
    where: Sequence[str] = ()
    parameters: tuple[Parameter, ...] = field(init=False)

    def __post_init__(self) -> None:
        rows = [] if self.table is None else [Parameter(ROW, Int(0, len(self.table.rows) - 1), self.table)]
        columns = () if self.table is None else self.table.columns
        for name in self.domains:
            if name in columns:
                raise SpaceError(f"{name} is a column of the table, so it can't be set beside it")
            if rows and name == ROW:
                raise SpaceError(f"a flag beside a table can't be called {ROW!r}, the table's parameter")
        for name in self.only:
            if name in columns:
                raise SpaceError(f"{name} is a column of the table, so it can't have a condition")
        beside = [Parameter(name, domain) for name, domain in self.domains.items()]
        object.__setattr__(self, "parameters", (*rows, *beside))
        _ = self.rules

    @cached_property
    def rules(self) -> Rules:
        """The rules that the texts write; none where there is no text."""
        if not self.only and self.where == ():
            return Rules({}, ())
        return Rules.parse(self.only, self.where, self.flags)

    def values(self, chosen: Mapping[str, Any]) -> dict[str, Value]:
        """The values of the flags that chosen values of parameters set, in the order of the flags."""
        row = {} if self.table is None or ROW not in chosen else self.table.row(chosen[ROW])
        return row | {name: chosen[name] for name in self.domains if name in chosen}

    @cached_property
    def flags(self) -> dict[str, Domain]:
        """What values each flag can have."""
        return {name: domain for p in self.parameters for name, domain in p.domains().items()}

    @classmethod
    def read(
        cls, mapping: Mapping[str, Any], only: Mapping[str, str] | None = None, where: Sequence[str] = ()
    ) -> "Content":
        """The content that entries (`spaces.grammar`) and texts write.

        Raises:
            SpaceError: An entry makes no domain, a flag has two conditions, or as above.
        """
        domains, conditions = entries(mapping)
        if only is not None and not isinstance(only, Mapping):
            raise SpaceError(f"only must have a text for each flag, but got {shown(only)}")
        for name in only or ():
            if name in conditions:
                raise SpaceError(f"{name} has a condition in its entry and in only; give it once")
        return cls(domains, None, conditions | dict(only or {}), where)

    @classmethod
    def from_yaml(cls, path: str | os.PathLike[str]) -> "Content":
        """The content that a YAML file writes: a flag an entry, and a list `where` of constraints.

        Raises:
            DocumentError: The file can't be read.
            SpaceError: It holds no flags, or as above.
        """
        content: dict[str, Any] = read_mapping(path)
        where = () if isinstance(content.get(WHERE), Mapping) else content.pop(WHERE, ())
        if not content:
            raise SpaceError(f"{os.fspath(path)}: a space must have at least one flag, but the file is empty")
        try:
            return cls.read(content, where=where)
        except SpaceError as error:
            raise SpaceError(f"{os.fspath(path)}: {error}") from None

    def to_json(self) -> dict[str, Any]:
        """Plain JSON that `from_json` reads back; rules are in it where there are any."""
        rules: dict[str, Any] = {}
        if self.rules.only:
            rules["only"] = [[name, rule.text] for name, rule in self.rules.only.items()]
        if self.rules.where:
            rules["where"] = [rule.text for rule in self.rules.where]
        return {
            "table": None if self.table is None else self.table.to_json(),
            "flags": [[name, domain.to_json()] for name, domain in self.domains.items()],
            **rules,
        }

    @classmethod
    def from_json(cls, data: object) -> "Content":
        """The content that `to_json` wrote.

        Raises:
            SpaceError: `data` is no space.
        """
        match data:
            case {"table": table, "flags": list(flags), **others} if others.keys() <= {"only", "where"}:
                rest: dict[Any, Any] = others
                domains = _named("flag", [_flag_from_json(pair) for pair in flags])
                only = _named("condition", [_text_from_json(pair) for pair in rest.get("only", [])])
                where = rest.get("where", [])
                return cls(domains, None if table is None else Table.from_json(table), only, tuple(where))
            case _:
                raise SpaceError(f"no space: {shown(data)}")


def entries(mapping: Mapping[str, Any]) -> tuple[dict[str, Domain], dict[str, str]]:
    """The domains and the conditions that entries write.

    Raises:
        SpaceError: An entry makes no domain, or its name is no string.
    """
    domains: dict[str, Domain] = {}
    conditions: dict[str, str] = {}
    for name, entry in mapping.items():
        if not isinstance(name, str):
            raise SpaceError(f"a space must name its flags with strings, but got {shown(name)}")
        try:
            domains[name], condition = read_entry(entry)
        except SpaceError as error:
            raise SpaceError(f"{name}: {error}") from None
        if condition is not None:
            conditions[name] = condition
    return domains, conditions


def _named(kind: str, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) < len(pairs):
        raise SpaceError(f"a space must name each {kind} once, but got {shown([name for name, _ in pairs])}")
    return dict(pairs)


def _flag_from_json(pair: object) -> tuple[str, Domain]:
    match pair:
        case [str(name), domain]:
            return name, domain_from_json(domain)
        case _:
            raise SpaceError(f"no flag of a space: {shown(pair)}")


def _text_from_json(pair: object) -> tuple[str, str]:
    match pair:
        case [str(name), str(text)]:
            return name, text
        case _:
            raise SpaceError(f"no condition of a space: {shown(pair)}")
