"""What a user names to be searched: a script, or a hypermodel with its data.

A hypermodel is a function or class of a Python file, named as text ("module.py:build_model") or given as
the object itself, whose file and name are looked up: other processes load the file, since no object can
be sent to them.
"""

import inspect
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from results import is_run_active
from search.script import Entry, Script, ScriptError, read_script

KERAS_TUNER = "keras_tuner"


def read_what(file: Any, hypermodel: Any = None, data: Any = None) -> Script:
    """Read what is to be searched.

    Args:
        file: The path of a script, or as `hypermodel`.
        hypermodel: "module.py:name", or a function, class or object of a module's; None with a script.
        data: The same for the function that returns the data; a name alone is one of the same file.

    Raises:
        ScriptError: A file can't be read, or what is named can't be found in one.
    """
    if (file is None) == (hypermodel is None):
        raise ScriptError("give a script or a hypermodel, and not both")
    path, name = _place("hypermodel", file if hypermodel is None else hypermodel)
    if name is None:
        if hypermodel is not None:
            raise ScriptError(f"hypermodel must be named as FILE.py:NAME, but got {str(path)!r}")
        if data is not None:
            raise ScriptError(f"data is for a hypermodel, FILE.py:NAME, but {str(path)!r} is a script")
        return read_script(path)
    if data is None:
        raise ScriptError(f"the hypermodel {name!r} needs data: FILE.py:NAME of a function that returns them")
    data_path, function = _place("data", data)
    if function is None:
        if not str(data).isidentifier():
            raise ScriptError(f"data must be named as FILE.py:NAME, but got {str(data)!r}")
        data_path, function = path, str(data)
    return read_hypermodel(path, Entry(name, Path(data_path).resolve(), function))


def read_hypermodel(file: str | Path, entry: Entry) -> Script:
    """Read the files of a hypermodel and of its data, as `read_script` does.

    Raises:
        ScriptError: See `read_script`.
    """
    script = read_script(file)
    if entry.data_file == script.path:
        other = script
    elif entry.data_file.stem == script.path.stem:
        raise ScriptError(f"hypermodel and data are in two files of one name, {script.path.name}; rename one")
    else:
        other = read_script(entry.data_file)
    modules = tuple(dict.fromkeys((*script.modules, *other.modules, KERAS_TUNER)))
    return replace(
        script,
        digests={**script.digests, **other.digests},
        modules=modules if script.modules and other.modules else (),
        environment={**script.environment, **other.environment},
        entry=entry,
    )


def read_again(recorded: Script) -> Script:
    """Read the files of a script or hypermodel as they are now.

    Raises:
        ScriptError: See `read_script`.
    """
    if recorded.entry is None:
        return read_script(recorded.path)
    return read_hypermodel(recorded.path, recorded.entry)


def _place(what: str, given: Any) -> tuple[Path | str, str | None]:
    """The file that something is in, and its name there; None where only a file is named."""
    if not isinstance(given, str | Path):
        return _home(what, given)
    path, colon, name = str(given).rpartition(":")
    if colon and name.isidentifier() and not Path(given).is_file():
        return path, name
    return given, None


def _home(what: str, given: Any) -> tuple[Path, str]:
    """The file and the name of a function, a class, or an object that a module has under a name."""
    if is_run_active():
        raise ScriptError(
            "a search is started while its own module is loaded: "
            'put the call under `if __name__ == "__main__":`'
        )
    kind = given if inspect.isfunction(given) or inspect.isclass(given) else type(given)
    module = sys.modules.get(kind.__module__)
    file = getattr(module, "__file__", None)
    names = [name for name, value in vars(module).items() if value is given] if module else []
    if file is None or not Path(file).is_file() or not names:
        shown = getattr(given, "__qualname__", None) or f"an object of the class {kind.__qualname__}"
        raise ScriptError(
            f"{what} must be something that a Python file has under a name, since other processes load it "
            f"from there, but got {shown}; write it to a file and give 'FILE.py:NAME'"
        )
    return Path(file), names[0]
