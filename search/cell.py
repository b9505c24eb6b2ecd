"""The progress of a search in a Jupyter notebook: one bar that moves, below the cell."""

import importlib
import sys
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from search.progress import State


def in_notebook() -> bool:
    """Whether this process is a Jupyter kernel."""
    shell: Any = sys.modules.get("IPython")
    return shell is not None and getattr(shell.get_ipython(), "kernel", None) is not None


class Cell:
    """A bar in the output of the cell that runs (see `search.progress.Reporter`)."""

    def __init__(self) -> None:
        display: Any = importlib.import_module("IPython.display").display
        self._shown: dict[str, str] = {}
        self._handle = display({"text/plain": ""}, raw=True, display_id=True)

    def show(self, state: "State") -> None:
        """Redraw, where something has changed."""
        words = f"{state.count()}: {state.words()}"
        far = "" if state.planned is None else f' value="{state.over}" max="{state.planned}"'
        html = f"<progress{far}></progress> {escape(words)}"
        content = {"text/plain": words, "text/html": html}
        if content != self._shown:
            self._handle.update(content, raw=True)
            self._shown = content

    def close(self) -> None:
        """Do nothing: what was shown last stays."""
