"""The user's training script as a file: where it is, what it imports, whether it changed.

Nothing here runs the script. Its imports are read from its syntax tree, so that a warm
parent can import them once for all trials.
"""

import ast
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gridruns import GridrunsError
from search.environment import environment_settings

OURS = Path(__file__).resolve().parent.parent
OUR_NAMES = ("search", "spaces", "results", "gridruns")


class ScriptError(GridrunsError):
    """A script that can't be run: missing, unreadable, not Python, or in the way of our names."""


@dataclass(frozen=True)
class Entry:
    """What of a Python file is run as a hypermodel, where it isn't run as a script.

    Attributes:
        hypermodel: The name, in the file, of a `build(hp)` function or of a keras-tuner `HyperModel`.
        data_file: The absolute path of the file that has the data.
        data: The name, in that file, of the function that returns them.
        without: Which of the flags `epochs` and `batch_size` aren't handed to `fit()`; known once the
            hyperparameters are.
    """

    hypermodel: str
    data_file: Path
    data: str
    without: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain JSON that `from_json` reads back."""
        return {**self.__dict__, "data_file": str(self.data_file), "without": list(self.without)}

    def archived(self, script: Path) -> dict[str, str]:
        """Plain JSON for run.json: the file of the data from the script's directory, if it lies there."""
        inside = self.data_file.is_relative_to(script.parent)
        file = self.data_file.relative_to(script.parent) if inside else self.data_file
        return {"hypermodel": self.hypermodel, "data_file": file.as_posix(), "data": self.data}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Entry":
        """The entry that `to_json` wrote."""
        return cls(data["hypermodel"], Path(data["data_file"]), data["data"], tuple(data["without"]))


@dataclass(frozen=True)
class Script:
    """A script and the local modules it imports, as they were when the search started.

    Attributes:
        path: The absolute path of the script.
        shown: The path as the user wrote it, for messages and commands.
        digests: SHA-256 of the script and of each local module, by absolute path.
        modules: The dotted names of what script and local modules import from elsewhere,
            in the order in which they are met; none where nothing may be imported before the script
            has run, because it sets environment variables to what only running it tells.
        environment: The environment variables that they set to plain texts before they import.
        entry: What of the file is run; None for all of it, as a script.
    """

    path: Path
    shown: str
    digests: dict[Path, str]
    modules: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)
    entry: Entry | None = None

    @property
    def sha256(self) -> str:
        """The script's own digest."""
        return self.digests[self.path]

    def changed(self) -> Path | None:
        """The first of the files that no longer has the content it had, or None."""
        for path, digest in self.digests.items():
            try:
                if _digest(path.read_bytes()) != digest:
                    return path
            except OSError:
                return path
        return None


def read_script(file: str | Path) -> Script:
    """Read `file` and, through their syntax trees, the local modules that it imports.

    Raises:
        ScriptError: The file doesn't exist, is no Python source, or has a neighbour named
            like one of our packages, which would be imported in its place.
    """
    path = Path(file)
    if not path.is_file():
        raise ScriptError(f"the script {str(file)!r} doesn't exist or is not a file")
    path = path.resolve()
    _refuse_shadows(path.parent)
    scan = _Scan(path.parent)
    scan.take(path)
    modules = () if scan.environment is None else tuple(scan.modules)
    return Script(path, str(file), scan.digests, modules, scan.environment or {})


def _refuse_shadows(folder: Path) -> None:
    if folder == OURS:
        return
    for name in OUR_NAMES:
        for shadow in (folder / f"{name}.py", folder / name / "__init__.py"):
            if shadow.exists():
                raise ScriptError(
                    f"{str(shadow)!r} stands beside the script and would be imported instead of "
                    f"gridruns' own {name!r}; rename it"
                )


class _Scan:
    """What is found in a script and the local modules that it imports."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.digests: dict[Path, str] = {}
        self.modules: dict[str, None] = {}
        self.environment: dict[str, str] | None = {}

    def take(self, path: Path) -> None:
        """Read a file and the local modules that it imports."""
        if path in self.digests:
            return
        try:
            content = path.read_bytes()
            tree = ast.parse(content, filename=str(path))
        except SyntaxError as error:
            raise ScriptError(f"{path.name} line {error.lineno}: {error.msg}") from None
        except (OSError, ValueError) as error:
            raise ScriptError(f"{str(path)!r} can't be read: {error}") from None
        self.digests[path] = _digest(content)
        settings = environment_settings(tree)
        if settings is None or self.environment is None:
            self.environment = None
        else:
            self.environment |= settings
        for name, level in _imported(tree):
            base = path.parents[level - 1] if level else self.folder
            ours = not level and name.split(".")[0] in OUR_NAMES
            found = () if ours else _local_modules(base, name)
            for local in found:
                self.take(local)
            if not found and not level and not ours:
                self.modules.setdefault(name)


def _imported(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """What a syntax tree imports, wherever in it the statement stands: dotted name and level of dots."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, 0) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            stem = f"{node.module}." if node.module else ""
            if node.module:
                yield node.module, node.level
            yield from ((stem + alias.name, node.level) for alias in node.names if alias.name != "*")


def _local_modules(folder: Path, name: str) -> tuple[Path, ...]:
    """The files below `folder` that importing `name` would run, packages first; none if it isn't there."""
    found = []
    here = folder
    for part in name.split("."):
        package, module = here / part / "__init__.py", here / f"{part}.py"
        if package.is_file():
            found.append(package.resolve())
        elif module.is_file():
            found.append(module.resolve())
            break
        elif not (here / part).is_dir():
            break
        here = here / part
    return tuple(found)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
