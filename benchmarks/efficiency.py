"""How much of the machine a search uses for training: CPU time inside `fit()` over cores times wall time."""

import tempfile
from pathlib import Path

from harness import NETWORK, Benchmark, Options, environment, gridruns, seconds_of

HERE = Path(__file__).resolve().parent
SCRIPT = HERE / "scripts" / "timed_fit.py"
TRIALS, EPOCHS = 24, 20  # a trial of the grid search in docs/mnist-grid-search.md had 21 on average


def figures(options: Options) -> dict[str, float]:
    """The share, from the command's start to its end, and how many cores there are."""
    from search.limits import cores

    trials, epochs = (options.trials, options.epochs) if options.quick else (TRIALS, EPOCHS)
    command = ["tune", SCRIPT, "--space", "mnist_grid_search", "--trials", trials]
    with tempfile.TemporaryDirectory() as folder:
        given = ["--set", f"data={options.data}", "--set", f"epochs={epochs}", "--steps-per-execution", 64]
        settings = [*given, "--seed", 1, "--runs-dir", folder]
        log = options.out / "efficiency.log"
        wall = seconds_of(gridruns(*command, *settings), log, environment(*NETWORK))
        spent = [float(file.read_text()) for file in Path(folder).glob("*/*/fit_cpu_seconds")]
    if len(spent) != trials:
        raise SystemExit(f"expected {trials} trials, but {len(spent)} told their time")
    return {"CPU time in fit() / (cores x wall time)": sum(spent) / (cores() * wall)}


BENCHMARKS = [
    Benchmark(
        f"efficiency of a search of {TRIALS} trials of {EPOCHS} epochs", "share", figures, digits=3, rounds=1,
        aim="at least 0.9",
    ),
]  # fmt: skip
