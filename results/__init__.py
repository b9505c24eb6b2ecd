"""The run directory, written and read: recording, leaderboard, TensorBoard. Parts load at first use."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from results.averages import points
    from results.compare import compare_runs
    from results.copying import copy_run, copy_run_files
    from results.evaluation import evaluate_run
    from results.history import plot_history, run_history
    from results.live import serve_report
    from results.manage import clean_runs, purge_runs, remove_study, restore_runs
    from results.notes import note_run, tag_run
    from results.pages.compare import view_comparison
    from results.pages.evaluation import view_evaluation
    from results.pages.report import report
    from results.pages.run import view_run
    from results.recorder import is_run_active, log_metrics, run_dir, write_run_metadata
    from results.table import best_run, latest_run, leaderboard, ls_runs, run_info
    from results.transfer import export_runs, import_runs

_HOMES = {
    "best_run": "results.table",
    "clean_runs": "results.manage",
    "compare_runs": "results.compare",
    "copy_run": "results.copying",
    "copy_run_files": "results.copying",
    "evaluate_run": "results.evaluation",
    "export_runs": "results.transfer",
    "import_runs": "results.transfer",
    "is_run_active": "results.recorder",
    "latest_run": "results.table",
    "leaderboard": "results.table",
    "log_metrics": "results.recorder",
    "ls_runs": "results.table",
    "note_run": "results.notes",
    "plot_history": "results.history",
    "points": "results.averages",
    "purge_runs": "results.manage",
    "remove_study": "results.manage",
    "report": "results.pages.report",
    "restore_runs": "results.manage",
    "run_dir": "results.recorder",
    "run_history": "results.history",
    "run_info": "results.table",
    "serve_report": "results.live",
    "tag_run": "results.notes",
    "view_comparison": "results.pages.compare",
    "view_evaluation": "results.pages.evaluation",
    "view_run": "results.pages.run",
    "write_run_metadata": "results.recorder",
}

__all__ = [
    "best_run",
    "clean_runs",
    "compare_runs",
    "copy_run",
    "copy_run_files",
    "evaluate_run",
    "export_runs",
    "import_runs",
    "is_run_active",
    "latest_run",
    "leaderboard",
    "log_metrics",
    "ls_runs",
    "note_run",
    "plot_history",
    "points",
    "purge_runs",
    "remove_study",
    "report",
    "restore_runs",
    "run_dir",
    "run_history",
    "run_info",
    "serve_report",
    "tag_run",
    "view_comparison",
    "view_evaluation",
    "view_run",
    "write_run_metadata",
]


def __getattr__(name: str) -> Any:
    """Load a public name from its module at its first use (PEP 562)."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(home), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
