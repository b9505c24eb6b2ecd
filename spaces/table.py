"""A table of ready combinations: the rows of a DataFrame as typed points."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .errors import SpaceError
from .values import LAW, Token, Value, is_value, plain, shown, token

if TYPE_CHECKING:
    from pandas import DataFrame, Series

Row = tuple[Value, ...]


@dataclass(frozen=True, eq=False)
class Table:
    """Rows of values, each different from the others.

    Args:
        columns: the flags' names, at least one.
        rows: at least one; as long as `columns`.

    Raises:
        SpaceError: one of these doesn't hold.
    """

    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    _places: dict[tuple[Token, ...], int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not self.columns or not self.rows:
            raise SpaceError(
                f"a table must have a row and a column, but got {len(self.rows)} x {len(self.columns)}"
            )
        for name in self.columns:
            if not isinstance(name, str):
                raise SpaceError(f"a column's name must be a string, but got {shown(name)}")
            if self.columns.count(name) > 1:
                raise SpaceError(f"the columns of a table must differ, but {name!r} is there twice")
        places: dict[tuple[Token, ...], int] = {}
        for i, row in enumerate(self.rows):
            first = places.setdefault(self._tokens(row, i), i)
            if first != i:
                raise SpaceError(f"the rows of a table must differ, but rows {first} and {i} are both {row}")
        object.__setattr__(self, "_places", places)

    @classmethod
    def from_frame(cls, frame: "DataFrame") -> "Table":
        """The rows of a DataFrame in builtin types; its index is not looked at.

        An integer column stays integers. None is a value in a column of dtype object only;
        any other missing value is an error.

        Raises:
            SpaceError: a cell holds what no flag can hold (row and column are named, rows
                counted from 0), rows are equal, or there is nothing in the frame.
        """
        names = frame.columns.tolist()
        columns = [_column(name, frame.iloc[:, k]) for k, name in enumerate(names)]
        return cls(tuple(names), tuple(zip(*columns, strict=True)))

    def row(self, i: int) -> dict[str, Value]:
        """The i-th row by the columns' names."""
        return dict(zip(self.columns, self.rows[i], strict=True))

    def holds(self, row: Sequence[object]) -> bool:
        """Whether this is one of the rows, types and all."""
        cells = [cell for cell in map(plain, row) if is_value(cell)]
        return len(cells) == len(row) and tuple(map(token, cells)) in self._places

    def to_json(self) -> dict[str, Any]:
        """Plain JSON that `from_json` reads back."""
        return {"columns": list(self.columns), "rows": [list(row) for row in self.rows]}

    @classmethod
    def from_json(cls, data: object) -> "Table":
        """The table that `to_json` wrote.

        Raises:
            SpaceError: `data` is no table.
        """
        match data:
            case {"columns": list(columns), "rows": list(rows), **rest} if not rest:
                return cls(tuple(columns), tuple(map(tuple, rows)))
            case _:
                raise SpaceError(f"no table of a space: {shown(data)}")

    def _tokens(self, row: Row, i: int) -> tuple[Token, ...]:
        if len(row) != len(self.columns):
            raise SpaceError(f"row {i} must have {len(self.columns)} values, but got {len(row)}")
        return tuple(map(token, row))


def _column(name: object, series: "Series[Any]") -> list[Value]:
    cells: list[Value] = []
    for i, given in enumerate(series.tolist()):
        cell = plain(given)
        if not is_value(cell) or (cell is None and series.dtype != object):
            raise SpaceError(f"row {i} of column {name!r} must be {LAW}, but got {shown(given)}")
        cells.append(cell)
    return cells
