"""Processes that don't outlive the one that started them."""

import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

PR_SET_PDEATHSIG = 1  # linux/prctl.h
PR_SET_CHILD_SUBREAPER = 36
PR_GET_CHILD_SUBREAPER = 37


def die_with_parent(parent: int, number: int = signal.SIGKILL) -> None:
    """Have the kernel send this process signal `number` when process `parent` dies (Linux).

    Called right after the start: a parent that is gone by then is noticed too. On other systems the
    warm parent's end of the search's socket does this for all its children.
    """
    if sys.platform != "linux":
        return
    _prctl(PR_SET_PDEATHSIG, int(number))
    if os.getppid() != parent:
        os.kill(os.getpid(), number)


def adopt_orphans(adopt: bool = True) -> bool:
    """Become the parent of descendants whose own parent dies, in place of process 1 (Linux).

    Args:
        adopt: False to leave them to others again.

    Returns:
        Whether this process adopted them before.
    """
    if sys.platform != "linux":
        return False
    before = ctypes.c_int()
    _prctl(PR_GET_CHILD_SUBREAPER, ctypes.byref(before))
    _prctl(PR_SET_CHILD_SUBREAPER, int(adopt))
    return bool(before.value)


def children() -> set[int]:
    """The processes whose parent is this one (Linux; elsewhere none are found)."""
    found: set[int] = set()
    for thread in Path("/proc/self/task").glob("*/children"):
        with contextlib.suppress(OSError):  # the thread has ended; what it had is another's now
            found.update(map(int, thread.read_text().split()))
    return found


def end_children(chosen: Callable[[int], bool]) -> None:
    """End the children that are chosen and those that fall to this process by that; wait until all are gone.

    Args:
        chosen: Says of a child's number whether to end it.
    """
    while pids := set(filter(chosen, children())):
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)  # not reaped yet: the number can't be another's
        for pid in pids:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)  # its own children come to this process in turn


def _prctl(option: int, value: object) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"prctl({option}) failed")
