"""How long until the first epoch's metric, against `python script.py` without gridruns.

Each is timed from its start to the moment when the first epoch's metrics are on disk: of ours in the run's
metrics.jsonl, of the plain script in a file of its own. Cold means that no module has byte code yet.
"""

import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness import Benchmark, Options, environment, gridruns, python

HERE = Path(__file__).resolve().parent
SCRIPT = HERE / "scripts" / "first_epoch.py"
PLAIN, OURS = "python script.py", "gridruns tune"
PATIENCE = 600.0
LOOK = 0.002


def figures(options: Options) -> dict[str, float]:
    """Seconds, warm and cold."""
    found = {}
    for state in ("warm",) if options.quick else ("warm", "cold"):
        found[f"{OURS}, {state}"] = _ours(options, state == "cold")
        found[f"{PLAIN}, {state}"] = _plain(options, state == "cold")
    return found


def _ours(options: Options, cold: bool) -> float:
    with tempfile.TemporaryDirectory() as folder:
        command = ["tune", SCRIPT, "--set", "nodes=64,128", "--set", f"data={options.data}"]
        return _until(gridruns(*command, "--runs-dir", folder), Path(folder), "*/*/metrics.jsonl", cold)


def _plain(options: Options, cold: bool) -> float:
    with tempfile.TemporaryDirectory() as folder:
        command = python(SCRIPT, "--data", options.data, "--log", Path(folder) / "log")
        return _until(command, Path(folder), "log", cold)


def _until(command: Sequence[str], folder: Path, pattern: str, cold: bool) -> float:
    """Seconds from the start of a command until a file is there and not empty; then it is ended."""
    with tempfile.TemporaryDirectory() as cache:
        env: Mapping[str, str] = environment(HERE / "peers")
        if cold:
            env = {**env, "PYTHONPYCACHEPREFIX": cache}
        quiet = subprocess.DEVNULL
        began = time.monotonic()
        process = subprocess.Popen(command, env=env, stdout=quiet, stderr=quiet, cwd=folder)
        try:
            while not any(file.stat().st_size for file in folder.glob(pattern)):
                if process.poll() is not None and not any(folder.glob(pattern)):
                    raise SystemExit(f"{' '.join(command)} ended with {process.returncode} before an epoch")
                if time.monotonic() - began > PATIENCE:
                    raise SystemExit(f"{' '.join(command)} took longer than {PATIENCE:g} s")
                time.sleep(LOOK)
            return time.monotonic() - began
        finally:
            process.terminate()
            process.wait()


BENCHMARKS = [
    Benchmark(
        "the first epoch's metric", "seconds", figures, digits=2, aim=f"{OURS} at most 1.2 times {PLAIN}"
    ),
]
