"""How gridruns talks to the `flags()` call of a script that it runs.

Two context managers say what `flags()` does while they are open: `provide` hands it values,
`declaring` makes it give its declarations back and stop the script. What is open is a state of
the whole process, not of a thread, since a script may call `flags()` from any thread. Outside
both, `flags()` reads flags.yml and the command line.
"""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

from .flag import Flag
from .values import Value


class Declared(BaseException):
    """Raised by `flags()` under `declaring`: the script has said which flags it has.

    It is no Exception, so that a script's own `except Exception` lets it pass.

    Args:
        flags: the declared flags, in the script's order.
        file: the flags file that the script names, None for flags.yml where there is one.
        profile: the profile that the script names, None for the default.
    """

    def __init__(
        self, flags: tuple[Flag, ...], file: str | os.PathLike[str] | None, profile: str | None
    ) -> None:
        super().__init__(f"{len(flags)} flags declared")
        self.flags = flags
        self.file = file
        self.profile = profile


class Provided(NamedTuple):
    """The values that `flags()` returns while `provide` is open."""

    values: Mapping[str, Value]


class Declaring:
    """`flags()` raises Declared while `declaring` is open."""


Caller = Provided | Declaring

HANDED_DOWN = "GRIDRUNS_FLAGS"
"""The environment variable that carries a trial's values to the processes that its script starts."""

# Process state, the only one of this room: who is calling the script, the innermost last.
_callers: list[Caller] = []


@contextmanager
def provide(values: Mapping[str, Value], script: str | None = None) -> Iterator[None]:
    """While open, `flags()` returns these values and reads neither flags.yml nor sys.argv.

    They are checked against the script's declarations when it calls `flags()`: a declared flag
    without a value here takes its default; a value for no declared flag is a FlagError.

    Args:
        values: the value of each flag, by name.
        script: the script that is run. Processes that it starts and that run it again, as
            multiprocessing's "spawn" does, get these values too, through an environment variable.

    Raises:
        RuntimeError: another thread opened one meanwhile and it is still open.
    """
    import json  # not at the top: a script that only reads its flags needs none

    before = os.environ.get(HANDED_DOWN)
    if script is not None:
        os.environ[HANDED_DOWN] = json.dumps({"script": os.path.realpath(script), "values": dict(values)})
    try:
        with _open(Provided(dict(values))):
            yield
    finally:
        if before is None:
            os.environ.pop(HANDED_DOWN, None)
        else:
            os.environ[HANDED_DOWN] = before


@contextmanager
def declaring() -> Iterator[None]:
    """While open, `flags()` raises Declared, so a script runs only as far as that call.

    Raises:
        RuntimeError: another thread opened one meanwhile and it is still open.
    """
    with _open(Declaring()):
        yield


def current() -> Caller | None:
    """Who calls the script: the innermost open context manager, or a parent process; None for nobody."""
    return _callers[-1] if _callers else _handed_down()


def _handed_down() -> Provided | None:
    """The values of the trial that this process is a helper of, if it runs the same script."""
    handed = os.environ.get(HANDED_DOWN)
    if handed is None or not sys.argv:
        return None
    import json

    known = json.loads(handed)
    return Provided(known["values"]) if known["script"] == os.path.realpath(sys.argv[0]) else None


@contextmanager
def _open(caller: Caller) -> Iterator[None]:
    _callers.append(caller)
    try:
        yield
    finally:
        innermost = _callers[-1] is caller
        _callers[:] = [other for other in _callers if other is not caller]
        if not innermost:
            raise RuntimeError("provide() and declaring() are for one thread at a time, but two were open")
