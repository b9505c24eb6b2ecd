"""How costs grow: an epoch's record with the epochs of a trial, a search with its workers."""

import tempfile
from collections.abc import Mapping
from pathlib import Path

from harness import NETWORK, Benchmark, Options, environment, gridruns, only_run, run_seconds, seconds_of

from search.limits import cores

SCRIPTS = Path(__file__).resolve().parent / "scripts"


def epochs(options: Options) -> Mapping[str, float]:
    """Milliseconds an epoch of trials that only log epochs, start and end included."""
    found = {}
    for count in (10, 20) if options.quick else (10, 100, 1_000, 10_000):
        with tempfile.TemporaryDirectory() as folder:
            command = ["train", SCRIPTS / "noop_epochs.py", "--runs-dir", folder, "--quiet"]
            seconds_of(gridruns(*command, "--", "--epochs", count), options.out / "growing.log")
            run = only_run(folder)
        assert run.epochs_completed == count
        found[f"{count:,} epochs"] = 1000 * run_seconds(run) / count
    return found


def workers(options: Options) -> Mapping[str, float]:
    """Seconds of the same search with more and more workers, whose threads share the cores."""
    found = {}
    settings = ["--set", f"data={options.data}", "--set", f"epochs={options.epochs}", "--seed", 1]
    for count in (1, cores()) if options.quick else (1, cores(), cores() + 1):
        with tempfile.TemporaryDirectory() as folder:
            asked = ["--trials", options.trials, "--workers", count, "--runs-dir", folder]
            command = ["tune", SCRIPTS / "timed_fit.py", "--space", "mnist_grid_search", *asked, *settings]
            seconds = seconds_of(
                gridruns(*command, "--steps-per-execution", 64),
                options.out / "growing.log",
                environment(*NETWORK),
            )
        found[f"{count} workers" if count > 1 else ONE] = seconds
    return found


ONE = "1 worker"
BENCHMARKS = [
    Benchmark("logging an epoch", "ms an epoch", epochs, digits=2, aim="flat"),
    Benchmark("a search by its workers", "seconds", workers, ONE, digits=1, rounds=1),
]
