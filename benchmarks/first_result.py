"""How long until the first epoch's metric, against `python script.py` without gridruns.

Each is timed from its start to the moment when the first epoch's metrics are on disk: of ours in the run's
metrics.jsonl, of the plain script in a file of its own. Cold means that no module has byte code yet; before
the warm ones are timed, each runs once untimed. `tune` starts two trials at once, of one thread each, and the
first to end an epoch counts; `train` and the plain script have all threads.
"""

import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness import NETWORK, Benchmark, Options, environment, gridruns, python

HERE = Path(__file__).resolve().parent
SCRIPT = HERE / "scripts" / "first_epoch.py"
PLAIN, OURS, SINGLE = "python script.py", "gridruns tune", "gridruns train"
PATIENCE = 600.0
LOOK = 0.002


def warm(options: Options) -> dict[str, float]:
    """Seconds of each side, byte code and files being there."""
    if not options.quick:
        _round(options, cold=False)
    return _round(options, cold=False)


def cold(options: Options) -> dict[str, float]:
    """Seconds of each side without byte code."""
    return _round(options, cold=True)


def _round(options: Options, cold: bool) -> dict[str, float]:
    data = f"data={options.data}"
    tune = ["tune", SCRIPT, "--set", "nodes=64,128", "--set", data, "--runs-dir", "."]
    train = ["train", SCRIPT, "--runs-dir", ".", "--", "--data", options.data]
    commands = {OURS: gridruns(*tune), SINGLE: gridruns(*train)}
    commands[PLAIN] = python(SCRIPT, "--data", options.data, "--log", "log")
    places = {OURS: "*/*/metrics.jsonl", SINGLE: "**/metrics.jsonl", PLAIN: "log"}
    log = options.out / "first-result.log"
    return {side: _until(command, places[side], log, cold) for side, command in commands.items()}


def _until(command: Sequence[str], pattern: str, log: Path, cold: bool) -> float:
    """Seconds from the start of a command, in a folder of its own, until a file is there and not empty."""
    with (
        tempfile.TemporaryDirectory() as cache,
        tempfile.TemporaryDirectory() as scratch,
        log.open("w") as out,
    ):
        folder = Path(scratch)
        env: Mapping[str, str] = environment(*NETWORK)
        if cold:
            env = {**env, "PYTHONPYCACHEPREFIX": cache}
        began = time.monotonic()
        process = subprocess.Popen(command, env=env, stdout=out, stderr=subprocess.STDOUT, cwd=folder)
        try:
            while not any(file.stat().st_size for file in folder.glob(pattern)):
                if process.poll() is not None and not any(folder.glob(pattern)):
                    raise SystemExit(f"{' '.join(command)} ended with {process.returncode}; see {log}")
                if time.monotonic() - began > PATIENCE:
                    raise SystemExit(f"{' '.join(command)} took longer than {PATIENCE:g} s")
                time.sleep(LOOK)
            return time.monotonic() - began
        finally:
            process.terminate()
            process.wait()


AIM = f"at most 1.2 times {PLAIN}"
BENCHMARKS = [
    Benchmark("the first epoch's metric, warm", "seconds", warm, PLAIN, digits=2, aim=AIM),
    Benchmark("the first epoch's metric, cold", "seconds", cold, PLAIN, digits=2, aim=AIM, quick=False),
]
