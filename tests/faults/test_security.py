"""A run directory is data: nothing in it is executed, nothing of the environment gets into it."""

import ast
import os
from pathlib import Path

import pytest

from search import resume, tuning_run
from search.study import StudyError
from tests.faults.support import gridruns, runs_of

ROOT = Path(__file__).resolve().parents[2]
OUR_CODE = sorted(
    path for room in ("results", "search", "spaces", "scripts") for path in (ROOT / room).rglob("*.py")
)
UNSAFE_MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "jsonpickle"}
UNSAFE_CALLS = {"eval", "exec", "compile", "__import__", "execfile"}
UNSAFE_METHODS = {("yaml", "load"), ("yaml", "unsafe_load"), ("keras", "load_model"), ("os", "system"),
                  ("pd", "read_pickle"), ("pandas", "read_pickle")}  # fmt: skip


def unsafe(tree: ast.AST) -> list[str]:
    """What in a module could run what a file says."""
    found = []
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                found += [name.name for name in names if name.name.split(".")[0] in UNSAFE_MODULES]
            case ast.ImportFrom(module=str(module)) if module.split(".")[0] in UNSAFE_MODULES:
                found.append(module)
            case ast.Call(func=ast.Name(id=name)) if name in UNSAFE_CALLS:
                found.append(f"{name}()")
            case ast.Call(func=ast.Attribute(value=ast.Name(id=owner), attr=name)):
                found += [f"{owner}.{name}()"] if (owner, name) in UNSAFE_METHODS else []
                found += ["to_pickle()"] if name == "to_pickle" else []
            case ast.keyword(arg="allow_pickle" | "shell", value=ast.Constant(value=True)):
                found.append(f"{node.arg}=True")
            case ast.Call(func=ast.Name(id="YAML"), keywords=keywords):
                kinds = [word.value for word in keywords if word.arg == "typ"]
                safe = [kind for kind in kinds if isinstance(kind, ast.Constant) and kind.value == "safe"]
                found += [] if safe else ["YAML() that isn't safe"]
    return found


@pytest.mark.parametrize("path", OUR_CODE, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_is_unpickled_or_evaluated(path: Path) -> None:
    assert unsafe(ast.parse(path.read_text())) == []


def test_the_test_above_would_notice() -> None:
    text = "import pickle\nfrom dill import x\neval('1')\nyaml.load(f)\nnp.load(f, allow_pickle=True)\nYAML()"
    assert len(unsafe(ast.parse(text))) == 6
    assert unsafe(ast.parse("YAML(typ='safe')\ntable.eval('a', engine='python')\nre.compile('x')")) == []


def test_no_environment_variable_gets_into_a_run(folder: Path) -> None:
    secret = "a-secret-of-the-environment-1234567890"
    Path("broken.py").write_text(Path("train.py").read_text() + "raise ValueError('broken')\n")
    for script in ("train.py", "broken.py"):
        for arguments in (["tune", script, "--set", "a=1,2,3"], ["train", script]):
            gridruns(*arguments, env={**os.environ, "A_SECRET_OF_MINE": secret})
    files = [path for path in Path("runs").rglob("*") if path.is_file()]
    assert len(files) > 40
    for path in files:
        content = path.read_bytes()
        assert secret.encode() not in content, path
        assert b"A_SECRET_OF_MINE" not in content, path


@pytest.mark.parametrize(
    "name", ["../x", "..", ".", "", "a/b", "/tmp/x", "x\0y", "-x", ".hidden", "a\nb", "ü"]
)
def test_a_studys_name_cannot_leave_the_runs_directory(name: str, folder: Path) -> None:
    before = sorted(folder.parent.rglob("*"))
    with pytest.raises(StudyError, match="a study's name must be of letters"):
        tuning_run("train.py", {"a": [1, 2]}, study=name, quiet=True)
    assert sorted(folder.parent.rglob("*")) == before


def test_resume_takes_no_directory_that_is_no_study(folder: Path) -> None:
    Path("outside").mkdir()
    for name in ("../outside", "outside", "..", "/", "x\0y"):
        with pytest.raises(StudyError, match="there is no study"):
            resume(name, quiet=True)
    assert runs_of() == []
