"""What the tests of the search room share besides fixtures."""

from collections.abc import Callable
from pathlib import Path

from results.runs import create_run
from search.executor import Ending, Executor, Trial

EXECUTORS = {
    "inline": ("inline", "auto"),
    "fork": ("local", "fork"),
    "spawn": ("local", "spawn"),
    "ray": ("ray", "fork"),
}

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
