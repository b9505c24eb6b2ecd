"""What `flags()` returns: the flags of one run, read by attribute or by name, never changed."""

from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

from gridruns import unknown

from .values import Value


class FlagValues(Mapping[str, Value]):
    """An immutable mapping from flag to value: `FLAGS.nodes1`, `FLAGS["nodes1"]`.

    Attributes are typed Any, because the declaration of a flag, not its name, says its type.
    """

    __slots__ = ("_values",)

    _values: dict[str, Value]

    def __init__(self, values: Mapping[str, Value]) -> None:
        object.__setattr__(self, "_values", dict(values))

    def __getitem__(self, name: str) -> Value:
        try:
            return self._values[name]
        except KeyError:
            raise KeyError(unknown("flag", str(name), self._values)) from None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # no flag's name does, and a half-made copy has no _values yet
            raise AttributeError(f"FlagValues has no attribute {name!r}")
        try:
            return self._values[name]
        except KeyError:
            raise AttributeError(unknown("flag", name, self._values)) from None

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"flags are immutable, but {name!r} was to be set")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"flags are immutable, but {name!r} was to be deleted")

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._values]

    def __repr__(self) -> str:
        listed = ", ".join(f"{name}={value!r}" for name, value in self._values.items())
        return f"FlagValues({listed})"

    def __reduce__(self) -> tuple[type["FlagValues"], tuple[dict[str, Value]]]:
        return FlagValues, (dict(self._values),)
