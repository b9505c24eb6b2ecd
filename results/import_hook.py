"""Do something to a module at the moment it is imported, without importing it."""

import importlib.util
import sys
from collections.abc import Callable, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any


class _Watcher(MetaPathFinder):
    """Finds nothing itself: lets the others find module `name` and acts once its code has run."""

    def __init__(self, name: str, action: Callable[[Any], object]) -> None:
        self.name = name
        self.action = action

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != self.name:
            return None
        sys.meta_path.remove(self)
        try:
            spec = importlib.util.find_spec(fullname)
        finally:
            sys.meta_path.insert(0, self)
        if spec is None or spec.loader is None:
            return None
        execute = spec.loader.exec_module

        def execute_and_act(module: ModuleType) -> None:
            execute(module)
            self.stop()
            self.action(module)

        # On the loader's instance, so that the module keeps the loader it would have had.
        spec.loader.exec_module = execute_and_act  # type: ignore[method-assign]
        return spec

    def stop(self) -> None:
        """Watch no more."""
        if self in sys.meta_path:
            sys.meta_path.remove(self)


def when_imported(name: str, action: Callable[[Any], object]) -> Callable[[], None]:
    """Call `action(module)` once: now where the module is imported already, else right after its import.

    Args:
        name: A top-level module, such as "keras".
        action: Takes the module.

    Returns:
        A function that withdraws the request. It doesn't undo an action that has been done.
    """
    module = sys.modules.get(name)
    if module is not None:
        action(module)
        return lambda: None
    watcher = _Watcher(name, action)
    sys.meta_path.insert(0, watcher)
    return watcher.stop
