"""What a script declares: it is run up to its `flags()` call, or its hypermodel is asked."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from results import layout
from results.files import write_json
from results.keras_hooks import install
from results.recorder import Recorder, recording
from search.as_main import Failure, execute
from search.discovery import HypermodelError
from search.script import Entry
from spaces import Declared, declaring


class TooEarly(BaseException):
    """The script trained or logged before it declared its flags; carries the name of the call."""


class _Refuser(Recorder):
    """Stands in for the recorder while flags are read: whatever would be recorded comes too early."""

    def properties(self, **changes: Any) -> None:
        """Refuse `fit()`, which opens with its properties."""
        raise TooEarly("fit()")

    def log(self, metrics: Mapping[str, Any], *, step: int | None = None, last: bool = False) -> None:
        """Refuse `log_metrics()`."""
        raise TooEarly("log_metrics()")

    def evaluated(self, metrics: Mapping[str, Any]) -> None:
        """Refuse `evaluate()`."""
        raise TooEarly("evaluate()")

    def metadata(self, kind: str, data: Mapping[str, Any]) -> None:
        """Refuse `write_run_metadata()`."""
        raise TooEarly("write_run_metadata()")


def read(script: Path, folder: Path, entry: Entry | None, through: tuple[type[BaseException], ...]) -> None:
    """Write what a script declares, or why it didn't, into `declared.json`.

    Args:
        script: The script.
        folder: The directory that takes the file.
        entry: What of the script is a hypermodel; None reads the flags of the script itself.
        through: Exceptions that are no failure of the script's: they are let through.
    """
    before = "it called flags()" if entry is None else "its hyperparameters were known"
    refuser = _Refuser(folder)
    undo = install(refuser)
    try:
        with declaring(), recording(refuser):
            passing = (*through, Declared, TooEarly)
            found = _of_script(script, passing) if entry is None else _of_hypermodel(script, entry, passing)
    except TooEarly as early:
        found = {"problem": f"called {early} before {before}"}
    except Failure as failure:
        found = {"problem": f"failed before {before}: {failure.summary}"}
    finally:
        undo()
    write_json(folder / layout.DECLARED, found)


def _of_script(script: Path, passing: tuple[type[BaseException], ...]) -> dict[str, Any]:
    """Run the script up to its `flags()` call."""
    try:
        code = execute(script, passing)
    except Declared as declared:
        return {
            "flags": [flag.to_json() for flag in declared.flags],
            "file": declared.file,
            "profile": declared.profile,
        }
    return {"problem": f"ended with exit code {code} and never called flags()"}


def _of_hypermodel(script: Path, entry: Entry, passing: tuple[type[BaseException], ...]) -> dict[str, Any]:
    """Find a hypermodel's hyperparameters."""
    from search.asking import declare

    found: dict[str, Any] = {"problem": "ended before its hyperparameters were known"}

    def ask() -> None:
        nonlocal found
        found = {**declare(script, entry, TooEarly), "entry": entry.to_json()}

    try:
        execute(script, (*passing, HypermodelError), ask)
    except Declared:
        return {"problem": "calls flags(), but of a hypermodel the hyperparameters are the flags"}
    except HypermodelError as error:
        return {"problem": f"can't be searched: {error}"}
    return found
