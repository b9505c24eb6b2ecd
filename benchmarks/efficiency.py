"""How much of the machine a search uses for training: CPU time inside `fit()` over cores times wall time."""

import subprocess
import tempfile
import time
from pathlib import Path

from harness import Benchmark, Options, environment, gridruns

HERE = Path(__file__).resolve().parent
SCRIPT = HERE / "scripts" / "timed_fit.py"
TRIALS, EPOCHS = 24, 10


def figures(options: Options) -> dict[str, float]:
    """The share, from the command's start to its end, and how many cores there are."""
    from search.limits import cores

    trials, epochs = (options.trials, options.epochs) if options.quick else (TRIALS, EPOCHS)
    command = ["tune", SCRIPT, "--space", "mnist_grid_search", "--trials", trials]
    with tempfile.TemporaryDirectory() as folder:
        given = ["--set", f"data={options.data}", "--set", f"epochs={epochs}", "--steps-per-execution", 64]
        settings = [*given, "--seed", 1, "--runs-dir", folder]
        began = time.monotonic()
        with (options.out / "efficiency.log").open("w") as log:
            subprocess.run(
                gridruns(*command, *settings), env=environment(HERE / "peers"), check=True,
                stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip
        wall = time.monotonic() - began
        spent = [float(file.read_text()) for file in Path(folder).glob("*/*/fit_cpu_seconds")]
    if len(spent) != trials:
        raise SystemExit(f"expected {trials} trials, but {len(spent)} told their time")
    return {"CPU time in fit() / (cores x wall time)": sum(spent) / (cores() * wall)}


BENCHMARKS = [
    Benchmark("efficiency of a search", "share", figures, digits=3, aim=f"at least 0.9 for {TRIALS} trials"),
]
