"""What several training steps in one call of TensorFlow save: `--steps-per-execution N`, same losses."""

import tempfile
from pathlib import Path

from harness import NETWORK, Benchmark, Options, environment, gridruns, only_run, seconds_of

HERE = Path(__file__).resolve().parent
SCRIPT = HERE / "scripts" / "timed_fit.py"
STEPS = (1, 8, 64, 375)


def figures(options: Options) -> dict[str, float]:
    """CPU seconds an epoch inside `fit()` on one thread, its first epoch's tracing included."""
    found, losses = {}, {}
    for steps in STEPS[:2] if options.quick else STEPS:
        with tempfile.TemporaryDirectory() as folder:
            asked = ["--steps-per-execution", steps, "--seed", 1, "--threads", 1, "--runs-dir", folder]
            flags = ["--data", options.data, "--epochs", options.epochs]
            command = gridruns("train", SCRIPT, *asked, "--quiet", "--", *flags)
            seconds_of(command, options.out / "steps.log", environment(*NETWORK))
            run = only_run(folder)
            spent = float((run.path / "fit_cpu_seconds").read_text())
        name = f"steps_per_execution={steps}"
        found[name], losses[name] = spent / options.epochs, [epoch.metrics for epoch in run.epochs]
    if any(one != losses["steps_per_execution=1"] for one in losses.values()):
        raise SystemExit(f"the metrics must be the same, but are {losses}")
    return found


BENCHMARKS = [
    Benchmark("an epoch of the chapter's network", "CPU seconds", figures, "steps_per_execution=1", digits=2),
]
