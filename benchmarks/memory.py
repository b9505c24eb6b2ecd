"""The memory of a search: the peak of its whole tree of processes, after few and after many trials.

Memory is proportional (PSS): a page that processes share is counted once. Against it stand two fresh
interpreters that train the same network at the same time. Trials have MNIST's arrays mapped, as in the
shipped scripts; both are also shown the other way, ours with arrays of their own and theirs mapped.
"""

import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import psutil
from harness import NETWORK, Benchmark, Options, environment, gridruns, python

from results import ls_runs

HERE = Path(__file__).resolve().parent
SCRIPT = HERE / "scripts" / "first_epoch.py"
WORKERS = 2
FEW, MANY = 2, 40
LOOK = 0.1


def figures(options: Options) -> dict[str, float]:
    """Peaks in MB."""
    counts = (FEW,) if options.quick else (FEW, MANY)
    common = ("--data", options.data, "--epochs", options.epochs)
    fresh = [python(SCRIPT, *common)] * WORKERS
    _peak([[*fresh[0], "--mapped", "true"]], options)  # which puts the arrays there
    found = {_ours(trials): _search(options, trials) for trials in counts}
    found["two fresh interpreters"] = _peak(fresh, options)
    found[f"{_ours(FEW)}, arrays computed by each"] = _search(options, FEW, mapped="false")
    found["two fresh interpreters, arrays mapped"] = _peak(
        [[*one, "--mapped", "true"] for one in fresh], options
    )
    return found


def _ours(trials: int) -> str:
    return f"gridruns, {WORKERS} workers, {trials} trials"


def _search(options: Options, trials: int, mapped: str = "true") -> float:
    with tempfile.TemporaryDirectory() as folder:
        values = ",".join(str(64 + i) for i in range(trials))
        settings = [
            "--set",
            f"nodes={values}",
            "--set",
            f"data={options.data}",
            "--set",
            f"epochs={options.epochs}",
            "--set",
            f"mapped={mapped}",
        ]
        more = ["--workers", WORKERS, "--runs-dir", folder]
        peak = _peak([gridruns("tune", SCRIPT, *settings, *more)], options)
        done = int(ls_runs(runs_dir=folder)["completed"].sum())
    if done != trials:
        raise SystemExit(f"expected {trials} completed trials, but got {done}")
    return peak


def _peak(commands: Sequence[Sequence[str]], options: Options) -> float:
    """The largest sum over all processes that commands start, run at the same time, in MB."""
    env, log, peak = environment(*NETWORK), options.out / "memory.log", 0
    with log.open("w") as out:
        running = [psutil.Popen(one, env=env, stdout=out, stderr=subprocess.STDOUT) for one in commands]
        while any(process.poll() is None for process in running):
            peak = max(peak, sum(_tree(process) for process in running))
            time.sleep(LOOK)
    failed = [process.returncode for process in running if process.returncode]
    if failed:
        raise SystemExit(f"a measured program ended with exit code {failed[0]}; see {log}")
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
        "peak memory of a search", "MB", figures, _ours(FEW), digits=0, rounds=1,
        aim="the same after 40 trials, and at most 0.75 of two fresh interpreters",
    ),
]  # fmt: skip
