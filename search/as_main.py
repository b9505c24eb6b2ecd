"""A script run as `python script` runs it, and what it let through."""

import runpy
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from results.recorder import Pruned


@dataclass(eq=False)  # not frozen: Python sets attributes of exceptions
class Failure(Exception):
    """An exception that a script let through: its type, its message and the script's own traceback."""

    kind: str
    message: str
    traceback: str
    line: int | None

    @property
    def summary(self) -> str:
        """One line: type, message and the line of the script."""
        where = f" (line {self.line})" if self.line else ""
        return f"{self.kind}: {self.message.splitlines()[0] if self.message else ''}{where}"


def execute(
    script: Path,
    through: tuple[type[BaseException], ...] = (),
    main: Callable[[], object] | None = None,
) -> int:
    """Run `script` as `python script` does; return its exit code, 0 where its search has stopped it.

    Args:
        script: Its path.
        through: Exceptions that are no failure of the script's.
        main: What is called in its place, in the surroundings that it would have.

    Raises:
        Failure: It let another exception through, of whatever kind.
    """
    with _as_main(script):
        try:
            if main is None:
                runpy.run_path(str(script), run_name="__main__")
            else:
                main()
        except SystemExit as request:
            return _exit_code(request.code)
        except Pruned:
            return 0
        except through:
            raise
        except BaseException as error:
            raise _failure(error, script, whole=main is not None) from None
    return 0


@contextmanager
def _as_main(script: Path) -> Iterator[None]:
    """Give the process the arguments and the module path that `python script` starts with."""
    argv, path = sys.argv, sys.path[:]
    sys.argv = [str(script)]
    sys.path.insert(0, str(script.parent))
    try:
        yield
    finally:
        sys.argv, sys.path[:] = argv, path


def _exit_code(code: str | int | None) -> int:
    if code is None:
        return 0
    if isinstance(code, int):
        return code & 0xFF
    print(code, file=sys.stderr)
    return 1


def _failure(error: BaseException, script: Path, whole: bool = False) -> Failure:
    """Cut the frames above the script's own from the traceback; `whole` keeps all where it has none."""
    frame = error.__traceback__
    while frame is not None and frame.tb_frame.f_code.co_filename != str(script):
        frame = frame.tb_next
    shown = error.__traceback__ if whole and frame is None else frame
    text = "".join(traceback.format_exception(type(error), error, shown))
    return Failure(type(error).__name__, str(error), text, frame.tb_lineno if frame else None)
