"""The versions of packages that a run was made with."""

from collections.abc import Mapping
from typing import Any

from results import layout
from results.files import read_json
from results.run import Run


def versions_of(run: Run) -> Mapping[str, str]:
    """By package, as recorded with the run, else with its study; empty where none are."""
    study = read_json(run.path.parent / layout.STUDY) or {}
    found: Any = run.record.get("versions", study.get("versions"))
    return {str(name): str(value) for name, value in found.items()} if isinstance(found, dict) else {}
