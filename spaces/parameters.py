"""A parameter of a space: what a sampler chooses at once, a value of one flag or a row of a table."""

from collections.abc import Mapping
from dataclasses import dataclass

from .domains import Choice, Domain
from .table import Table
from .values import Value, token


@dataclass(frozen=True, eq=False)
class Parameter:
    """A name, a domain, and the flags that its values set.

    Attributes:
        table: For the parameter that chooses a row, the table.
    """

    name: str
    domain: Domain
    table: Table | None = None

    @property
    def flags(self) -> tuple[str, ...]:
        """The flags that it sets."""
        return (self.name,) if self.table is None else self.table.columns

    def domains(self) -> dict[str, Domain]:
        """What values each of its flags can have."""
        if self.table is None:
            return {self.name: self.domain}
        columns = zip(*self.table.rows, strict=True)
        return {
            name: Choice(list({token(value): value for value in cells}.values()))
            for name, cells in zip(self.table.columns, columns, strict=True)
        }

    def values(self, chosen: Value) -> Mapping[str, Value]:
        """The values of its flags where it has the value `chosen`."""
        if self.table is None:
            return {self.name: chosen}
        assert isinstance(chosen, int)
        return self.table.row(chosen)
