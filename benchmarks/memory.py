"""The memory of a search: the peak of its whole tree of processes, after few and after many trials.

Memory is proportional (PSS): a page that processes share is counted once. Against it stand two fresh
interpreters that train the same network at the same time.
"""

import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import psutil
from harness import Benchmark, Options, environment, gridruns, python

HERE = Path(__file__).resolve().parent
SCRIPT = HERE / "scripts" / "first_epoch.py"
WORKERS = 2
FEW, MANY = 2, 40
LOOK = 0.1


def figures(options: Options) -> dict[str, float]:
    """Peaks in MB."""
    counts = (FEW,) if options.quick else (FEW, MANY)
    found = {f"gridruns, {trials} trials": _search(options, trials) for trials in counts}
    common = ("--data", options.data, "--epochs", options.epochs)
    found["two fresh interpreters"] = _peak([python(SCRIPT, *common)] * WORKERS)
    return found


def _search(options: Options, trials: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        values = ",".join(str(64 + i) for i in range(trials))
        settings = [
            "--set",
            f"nodes={values}",
            "--set",
            f"data={options.data}",
            "--set",
            f"epochs={options.epochs}",
        ]
        more = ["--workers", WORKERS, "--runs-dir", folder]
        return _peak([gridruns("tune", SCRIPT, *settings, *more)])


def _peak(commands: Sequence[Sequence[str]]) -> float:
    """The largest sum over all processes that commands start, run at the same time, in MB."""
    env, quiet = environment(HERE / "peers"), subprocess.DEVNULL
    running = [psutil.Popen(one, env=env, stdout=quiet, stderr=quiet) for one in commands]
    peak = 0
    while any(process.poll() is None for process in running):
        peak = max(peak, sum(_tree(process) for process in running))
        time.sleep(LOOK)
    failed = [process.returncode for process in running if process.returncode]
    if failed:
        raise SystemExit(f"a measured program ended with exit code {failed[0]}")
    return peak / 1e6


def _tree(process: psutil.Process) -> int:
    total = 0
    with suppress(psutil.NoSuchProcess):
        for one in (process, *process.children(recursive=True)):
            with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
                total += one.memory_full_info().pss
    return total


BENCHMARKS = [
    Benchmark(
        "peak memory of a search", "MB", figures, f"gridruns, {FEW} trials", digits=0,
        aim="the same after 40 trials, and at most 0.75 of two fresh interpreters",
    ),
]  # fmt: skip
