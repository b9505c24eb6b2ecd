"""Flags of a training script, and spaces of values for them.

A training script imports from here, so importing costs milliseconds: what it needs to declare
and read flags comes at once, the rest (spaces, permutations, YAML) when it is first asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from .calling import Declared, declaring, provide
from .command_line import help_text
from .declare import flag_boolean, flag_integer, flag_numeric, flag_string
from .domains import Choice, Domain, Float, Int, domain_from_json
from .errors import DocumentError, FlagError, SpaceError
from .flag import Flag
from .flag_values import FlagValues
from .kinds import FlagKind
from .resolving import flags, resolve
from .values import Value

if TYPE_CHECKING:
    from .permutation import Permutation
    from .sampling import sample_count
    from .settings import parse_setting
    from .shipped import load_space, shipped_spaces
    from .space import Space

_LAZY = {
    "Permutation": "permutation",
    "Space": "space",
    "load_space": "shipped",
    "parse_setting": "settings",
    "sample_count": "sampling",
    "shipped_spaces": "shipped",
}

__all__ = [
    "Choice",
    "Declared",
    "DocumentError",
    "Domain",
    "Flag",
    "FlagError",
    "FlagKind",
    "FlagValues",
    "Float",
    "Int",
    "Permutation",
    "Space",
    "SpaceError",
    "Value",
    "declaring",
    "domain_from_json",
    "flag_boolean",
    "flag_integer",
    "flag_numeric",
    "flag_string",
    "flags",
    "help_text",
    "load_space",
    "parse_setting",
    "provide",
    "resolve",
    "sample_count",
    "shipped_spaces",
]


def __getattr__(name: str) -> object:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_LAZY[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
