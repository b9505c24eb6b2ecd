"""What the tests of the search room share besides fixtures."""

import time
from collections.abc import Callable
from pathlib import Path

import psutil

from results.runs import create_run
from search.executor import Ending, Executor, Trial

EXECUTORS = {
    "inline": ("inline", "auto"),
    "fork": ("local", "fork"),
    "spawn": ("local", "spawn"),
    "ray": ("ray", "fork"),
}

NOOP = """
    from results import log_metrics
    from spaces import flag_integer, flag_string, flags
    FLAGS = flags(flag_integer("a", 1), flag_string("name", "x"))
    log_metrics(1, loss=FLAGS.a / 10)
"""

Write = Callable[..., Path]
Build = Callable[..., Executor]


def run_all(executor: Executor, trials: list[Trial]) -> dict[int, Ending]:
    """Run trials as a search does; each ends exactly once."""
    endings: dict[int, Ending] = {}
    waiting = list(trials)
    running = 0
    while waiting or running:
        while waiting and running < executor.slots:
            executor.submit(waiting.pop(0))
            running += 1
        for ending in executor.wait(60):
            assert ending.number not in endings
            endings[ending.number] = ending
            running -= 1
    return endings


def new_trial(parent: Path, number: int = 0, seed: int = 1, **flags: object) -> Trial:
    """A trial with a run directory of its own."""
    return Trial(number, flags, seed, create_run(parent, {"number": number, "flags": flags, "seed": seed}))  # type: ignore[arg-type]


def wait_until(condition: Callable[[], object]) -> None:
    """Look until `condition` holds, a minute at most."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def wait_for_pids(file: Path, executor: Executor | None = None) -> list[int]:
    """The process numbers in a file, once it is there; `executor` is heard meanwhile."""
    wait_until(lambda: (executor is None or executor.wait(0) == []) and file.exists())
    return [int(word) for word in file.read_text().split()]


def alive(pid: int) -> bool:
    """Whether a process runs."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
