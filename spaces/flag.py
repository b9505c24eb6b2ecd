"""A flag: a declared, typed scalar of a training script, and the values that it takes."""

import keyword
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .covering import covers
from .domains import Choice, Domain, Int, domain_from_json
from .errors import FlagError
from .flag_values import FlagValues
from .kinds import LAWS, TYPES, FlagKind, read_text
from .values import Value, is_value, plain, shown, token

RESERVED = ("help", "profile", "flags_file", "default", "inherits")
"""Names that the command line and flags.yml use themselves."""

NULL = "null"
"""How None is written on the command line, where a flag may be None."""

_EXACT = 2**53  # every integer up to here is a float


@dataclass(frozen=True, eq=False)
class Flag:
    """One declared flag. `flag_numeric` and its sisters make them.

    Args:
        name: a Python identifier that doesn't begin with an underscore, isn't reserved and
            names no method of `FlagValues`.
        kind: what type its values have.
        default: the value where nobody gives another; None makes None a value of the flag.
        domain: the values it may take; None for every value of the kind.
        description: what `--help` says of it.

    Raises:
        FlagError: the name can't be used, or the default or the domain holds what the flag can't.
    """

    name: str
    kind: FlagKind
    default: Value
    domain: Domain | None = None
    description: str = ""

    def __post_init__(self) -> None:
        _check_name(self.name)
        if not isinstance(self.description, str):
            raise FlagError(
                f"the description of flag {self.name} must be a string, but got {shown(self.description)}"
            )
        object.__setattr__(self, "default", plain(self.default))
        if self.domain is not None:
            self._check_kind_of(self.domain)
        if self.allows_none and self.kind is FlagKind.STRING and self._holds(NULL):
            raise FlagError(f"flag {self.name} can't hold both None and {NULL!r}, which text writes alike")
        self.check(self.default)

    @property
    def allows_none(self) -> bool:
        """Whether None is a value of the flag: its default or its choices hold None."""
        return self.default is None or (isinstance(self.domain, Choice) and self.domain.contains(None))

    @property
    def allowed(self) -> str:
        """What values the flag takes, for a message."""
        law = LAWS[self.kind] if self.domain is None else self.domain.describe()
        return f"{law}, or None" if self.allows_none and not self._holds(None) else law

    def check(self, value: object) -> Value:
        """`value` if the flag takes it, a NumPy scalar as the builtin that it equals.

        Raises:
            FlagError: the type or the value isn't allowed; nothing is converted or rounded.
        """
        value = plain(value)
        if value is None and self.allows_none:
            return None
        if not is_value(value) or type(value) not in TYPES[self.kind]:
            raise self._refused(value)
        if self.domain is not None and not self.domain.contains(value):
            raise self._refused(value)
        return value

    def check_domain(self, domain: Domain) -> None:
        """Passes if the flag takes every value of `domain`.

        Raises:
            FlagError: it doesn't.
        """
        if isinstance(domain, Choice):
            for value in domain.values:
                self.check(value)
            return
        self._check_kind_of(domain)
        if self.domain is not None and not covers(self.domain, domain):
            raise FlagError(f"flag {self.name} must be {self.allowed}, but got {domain.describe()}")

    def parse(self, text: str) -> Value:
        """The value that `text` writes, read by the flag's kind: "007" is a string or the integer 7.

        Booleans are `true` and `false`; None, where allowed, is `null`. A whole number is an
        integer, except in a numeric flag whose domain holds it as a float only.

        Raises:
            FlagError: `text` writes no value that the flag takes.
        """
        if text == NULL and self.allows_none:
            return None
        value = read_text(self.kind, text)
        if value is None:
            raise self._refused(text)
        return self.check(self._as_held(value))

    def text(self, value: Value) -> str:
        """The text that `parse` reads as `value`.

        Raises:
            FlagError: the flag doesn't take `value`, or it is the string "null" of a flag
                that may be None.
        """
        value = self.check(value)
        if value == NULL and self.allows_none:
            raise FlagError(f"flag {self.name} reads {NULL} as None, so it can't be given {NULL!r} as text")
        if isinstance(value, str):
            return value
        if value is None:
            return NULL
        return repr(value).lower()

    def to_json(self) -> dict[str, Any]:
        """Plain JSON that `from_json` reads back."""
        return {
            "name": self.name,
            "kind": self.kind.value,
            "default": self.default,
            "domain": None if self.domain is None else self.domain.to_json(),
            "description": self.description,
        }

    @classmethod
    def from_json(cls, data: object) -> "Flag":
        """The flag that `to_json` wrote.

        Raises:
            FlagError, SpaceError: `data` is no flag.
        """
        match data:
            case {
                "name": str(name),
                "kind": "numeric" | "integer" | "boolean" | "string" as kind,
                "default": default,
                "domain": domain,
                "description": str(description),
                **rest,
            } if not rest:
                own = None if domain is None else domain_from_json(domain)
                return cls(name, FlagKind(kind), default, own, description)
            case _:
                raise FlagError(f"no flag: {shown(data)}")

    def __eq__(self, other: object) -> bool:
        return self._parts() == other._parts() if isinstance(other, Flag) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._parts())

    def _parts(self) -> tuple[object, ...]:
        """What two equal flags have in common: a default of 1 isn't a default of 1.0."""
        return self.name, self.kind, token(self.default), self.domain, self.description

    def _holds(self, value: Value) -> bool:
        """Whether the choices name `value`."""
        return isinstance(self.domain, Choice) and self.domain.contains(value)

    def _check_kind_of(self, domain: Domain) -> None:
        if isinstance(domain, Choice):
            for value in domain.values:
                if value is not None and type(value) not in TYPES[self.kind]:
                    law = LAWS[self.kind]
                    raise FlagError(f"choices of flag {self.name} must be {law}, but got {shown(value)}")
        elif (int if isinstance(domain, Int) else float) not in TYPES[self.kind]:
            raise FlagError(f"flag {self.name} must be {LAWS[self.kind]}, but got {domain.describe()}")

    def _as_held(self, value: Value) -> Value:
        """A whole number as the domain holds it: text doesn't say whether 1 is an int or a float."""
        domain = self.domain
        if type(value) is not int or domain is None or domain.contains(value) or abs(value) > _EXACT:
            return value
        return float(value) if domain.contains(float(value)) else value

    def _refused(self, value: object) -> FlagError:
        return FlagError(f"flag {self.name} must be {self.allowed}, but got {shown(value)}")


def by_name(declared: Sequence[Flag]) -> dict[str, Flag]:
    """The flags by their names.

    Raises:
        FlagError: something is no flag, or two have the same name.
    """
    named: dict[str, Flag] = {}
    for flag in declared:
        if not isinstance(flag, Flag):
            raise FlagError(f"flags are declared with flag_numeric and its sisters, but got {shown(flag)}")
        if flag.name in named:
            raise FlagError(f"flag {flag.name} is declared twice")
        named[flag.name] = flag
    return named


def _check_name(name: object) -> None:
    if not isinstance(name, str) or not name.isidentifier() or keyword.iskeyword(name):
        raise FlagError(f"the name of a flag must be a Python identifier, but got {shown(name)}")
    if name.startswith("_") or not name.isascii():
        raise FlagError(f"the name of a flag must be ASCII and begin with a letter, but got {name!r}")
    if name in RESERVED or hasattr(FlagValues, name):
        raise FlagError(f"flag {name} can't be called {name!r}: the name is taken by gridruns itself")
