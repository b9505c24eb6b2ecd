"""Searching: `training_run` runs a script once, `tuning_run` at many points, `resume` goes on.

`confirm` trains the best points again.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from search.confirming import confirm
    from search.evaluating import Evaluated, evaluate
    from search.rerunning import Rerun, rerun
    from search.resuming import resume
    from search.training import training_run
    from search.tuning import tuning_run

__all__ = ["Evaluated", "Rerun", "confirm", "evaluate", "rerun", "resume", "training_run", "tuning_run"]

_HOMES = {
    "Evaluated": "search.evaluating",
    "Rerun": "search.rerunning",
    "confirm": "search.confirming",
    "evaluate": "search.evaluating",
    "rerun": "search.rerunning",
    "resume": "search.resuming",
    "training_run": "search.training",
    "tuning_run": "search.tuning",
}


def __getattr__(name: str) -> Any:
    """Import what is asked for: Optuna and pandas load with the first use, not with the package."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'search' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
