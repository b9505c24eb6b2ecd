"""Who may import whom, read from the syntax of every module; and what an import loads, seen in a process."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("spaces", "results", "search")
HEAVY = ("tensorflow", "keras", "keras_tuner")

MAY_IMPORT = {
    "spaces": {"gridruns"},
    "results": {"gridruns"},
    "search": {"gridruns", "spaces", "results"},
    "scripts": {"spaces", "results"},
}
"""Of the rooms and the floor below them, what each folder may import beside itself."""

BRIDGES = [Path("search/discovery.py"), Path("search/hypermodel.py"), Path("search/keras_tuner.py")]
"""The only modules that may import keras-tuner."""


def modules(folder: str) -> list[Path]:
    found = sorted((ROOT / folder).rglob("*.py"))
    assert found, f"no modules in {folder}"
    return found


def dotted(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(tree: ast.AST, path: Path) -> Iterator[str]:
    """The dotted names that a tree imports, wherever it does so, also by `import_module("name")`."""
    folder = path.relative_to(ROOT).parent.parts
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=module, level=0):
                assert module is not None
                yield module
            case ast.ImportFrom(module=module, level=level):
                assert level <= len(folder), f"{path} imports from above its room"
                yield ".".join([*folder[: len(folder) + 1 - level], *([module] if module else [])])
            case ast.Call(
                func=ast.Name(id=called) | ast.Attribute(attr=called),
                args=[ast.Constant(value=str(name)), *_],
            ):
                if called in ("import_module", "__import__"):
                    yield name


def roots(tree: ast.AST, path: Path) -> set[str]:
    return {name.split(".")[0] for name in imports(tree, path) if not name.startswith(".")}


def at_import(path: Path) -> ast.Module:
    """A module's tree without the bodies of functions and of `if TYPE_CHECKING`."""

    class Cut(ast.NodeTransformer):
        def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
            return None

        def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
            return None

        def visit_If(self, node: ast.If) -> ast.AST | None:
            return None if "TYPE_CHECKING" in ast.unparse(node.test) else self.generic_visit(node)

    cut = Cut().visit(ast.parse(path.read_bytes()))
    assert isinstance(cut, ast.Module)
    return cut


def loaded(program: str, names: tuple[str, ...]) -> list[str]:
    """Which of `names` a fresh Python has imported after `program`."""
    program += f"\nimport json, sys\nprint(json.dumps([n for n in {names!r} if n in sys.modules]))"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert isinstance(found, list)
    return found


@pytest.mark.parametrize("folder", list(MAY_IMPORT))
def test_a_room_imports_only_what_it_may(folder: str) -> None:
    barred = {"gridruns", *ROOMS, "scripts", "tests", "benchmarks"} - MAY_IMPORT[folder] - {folder}
    broken = {
        dotted(path): sorted(found)
        for path in modules(folder)
        if (found := roots(ast.parse(path.read_bytes()), path) & barred)
    }
    assert broken == {}


@pytest.mark.parametrize("folder", ROOMS)
def test_only_the_bridges_import_keras_tuner(folder: str) -> None:
    importers = [
        path.relative_to(ROOT)
        for path in modules(folder)
        if "keras_tuner" in roots(ast.parse(path.read_bytes()), path)
    ]
    assert importers == (BRIDGES if folder == "search" else [])


@pytest.mark.parametrize("folder", ROOMS)
def test_heavy_packages_load_inside_functions(folder: str) -> None:
    broken = {
        dotted(path): sorted(found)
        for path in modules(folder)
        if (found := roots(at_import(path), path) & set(HEAVY))
    }
    assert broken == {}


def test_no_module_of_ours_loads_tensorflow() -> None:
    names = [dotted(path) for room in ROOMS for path in modules(room)]
    assert loaded(f"import {', '.join(names)}", HEAVY) == []


def test_the_packages_themselves_are_light() -> None:
    heavy = (*HEAVY, "numpy", "pandas", "optuna", "ruamel.yaml", "plotly", "tensorboard", "rich")
    assert loaded("import gridruns, search, spaces, results", heavy) == []


def test_what_a_training_script_imports_is_light() -> None:
    program = "from spaces import flags, flag_boolean, flag_integer, flag_numeric, flag_string\n"
    program += "from results import log_metrics, write_run_metadata"
    heavy = (*HEAVY, "numpy", "pandas", "optuna", "ruamel.yaml", "search")
    assert loaded(program, heavy) == []


def test_the_floor_stands_below_the_rooms() -> None:
    assert loaded("import gridruns", ROOMS) == []


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("import search.study", "search"),
        ("def late():\n    from results import files", "results"),
        ("from importlib import import_module\nimport_module('keras_tuner.oracles')", "keras_tuner"),
        ("from . import flags", "spaces"),
        ("from .flags import Flag", "spaces"),
    ],
)
def test_this_test_sees_an_import(line: str, name: str) -> None:
    assert name in roots(ast.parse(line), ROOT / "spaces" / "module.py")
