"""The spaces that come with gridruns: the .yaml files of this directory, by name."""

from pathlib import Path

from gridruns import unknown

from .errors import SpaceError
from .space import Space

_HERE = Path(__file__).parent


def shipped_spaces() -> list[str]:
    """The names of the shipped spaces, sorted."""
    return sorted(path.stem for path in _HERE.glob("*.yaml"))


def load_space(name_or_path: str) -> Space:
    """The shipped space of this name, or the space that a YAML file writes.

    A shipped name wins over a file of the same name; `./name` is always the file.

    Raises:
        DocumentError: the file can't be read.
        SpaceError: there is neither, or the file writes no space.
    """
    names = shipped_spaces()
    if name_or_path in names:
        return Space.from_yaml(_HERE / f"{name_or_path}.yaml")
    if not Path(name_or_path).exists():
        raise SpaceError(f"no file and {unknown('space', name_or_path, names)}")
    return Space.from_yaml(name_or_path)
