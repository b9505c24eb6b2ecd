"""flags.yml: the values that a project gives its flags, flat or in profiles.

A flat file maps flags to values. A file with a `default` section maps profiles to such
mappings; a profile takes what it doesn't say from the one that it `inherits`, and that, or
one that inherits nothing, from `default`.
"""

import os
from collections.abc import Mapping, Sequence

from gridruns import unknown

from .documents import read_mapping
from .errors import FlagError
from .flag import Flag, by_name
from .values import Value, shown

STANDARD_FILE = "flags.yml"
"""Read from the working directory where it is and no other file is named."""

_DEFAULT = "default"
_INHERITS = "inherits"


def read_flags_file(
    declared: Sequence[Flag], file: str | os.PathLike[str] | None = None, profile: str | None = None
) -> dict[str, Value]:
    """The values that a flags file gives, each checked against its flag.

    Args:
        declared: the flags of the script.
        file: the file; None for flags.yml in the working directory, which may be absent.
        profile: the profile; None for `default`, or for a flat file.

    Raises:
        FlagError: the named file is missing, the profile is unknown or inherits from itself, or
            the file gives a flag that isn't declared or a value that its flag doesn't take.
        DocumentError: the file isn't YAML.
    """
    path = STANDARD_FILE if file is None else os.fspath(file)
    if file is None and not os.path.exists(path):
        if profile is not None:
            raise FlagError(f"profile {profile!r} needs a flags file, but there is no {path} here")
        return {}
    return _checked(by_name(declared), _layers(read_mapping(path), path, profile))


Layer = tuple[str, Mapping[str, object]]
"""Where values come from, for a message, and the values."""


def _layers(content: dict[str, object], path: str, profile: str | None) -> list[Layer]:
    """What the file says, the most general first."""
    if _DEFAULT not in content:
        if profile is not None:
            raise FlagError(f"{path} has no profiles, but profile {profile!r} was asked for")
        for name, value in content.items():
            if isinstance(value, Mapping):
                raise FlagError(
                    f"{path}: {name} holds a mapping, but a file of profiles must have a default one"
                )
        return [(path, content)]
    profiles = {name: _section(path, name, values) for name, values in content.items()}
    chain = _chain(path, profiles, _DEFAULT if profile is None else profile)
    return [(f"{path}, profile {name}", _own(profiles[name])) for name in reversed(chain)]


def _own(section: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in section.items() if name != _INHERITS}


def _section(path: str, name: str, values: object) -> dict[str, object]:
    if values is None:  # a profile that says nothing yet
        return {}
    if not isinstance(values, Mapping):
        raise FlagError(f"{path}: profile {name} must be a mapping, but got {shown(values)}")
    for key in values:
        if not isinstance(key, str):
            raise FlagError(f"{path}, profile {name}: a key must be a string, but got {shown(key)}")
    return dict(values)


def _chain(path: str, profiles: Mapping[str, Mapping[str, object]], first: str) -> list[str]:
    """The profile, what it inherits, and so on to `default`."""
    chain: list[str] = []
    name: object = first
    while True:
        if not isinstance(name, str) or name not in profiles:
            raise FlagError(f"{path}: {unknown('profile', str(name), profiles)}")
        if name in chain:
            circle = " -> ".join([*chain[chain.index(name) :], name])
            raise FlagError(f"{path}: profiles must not inherit in a circle, but got {circle}")
        chain.append(name)
        if name == _DEFAULT and _INHERITS not in profiles[name]:
            return chain
        name = profiles[name].get(_INHERITS, _DEFAULT)


def _checked(named: Mapping[str, Flag], layers: Sequence[Layer]) -> dict[str, Value]:
    values: dict[str, Value] = {}
    for place, layer in layers:
        for name, value in layer.items():
            if name not in named:
                raise FlagError(f"{place}: {unknown('flag', name, named)}")
            try:
                values[name] = named[name].check(value)
            except FlagError as error:
                raise FlagError(f"{place}: {error}") from None
    return values
