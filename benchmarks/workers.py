"""A worker a core, of one thread each, against one worker of all threads: the same trials, in turns.

    MNIST_NPZ=mnist.npz python benchmarks/workers.py [--trials 4] [--epochs 4] [--rounds 3]

For the chapter's network on MNIST: samples a second while training (from the end of the first epoch of
each trial to the end of its last, validation included, times the trials at once), seconds of the whole
search, and ratios.
"""

import argparse
import json
import statistics
import tempfile
import time
from datetime import datetime
from pathlib import Path

from search import tuning_run
from search.limits import cores

SCRIPT = Path(__file__).parent.parent / "scripts" / "mnist_grid_search.py"


def measure(workers: int, threads: int, trials: int, epochs: int) -> tuple[float, float]:
    """Samples a second while training, of all workers together, and seconds of the whole search."""
    with tempfile.TemporaryDirectory() as runs_dir:
        began = time.monotonic()
        runs = tuning_run(
            SCRIPT,
            "mnist_grid_search",
            trials=trials,
            seed=1,
            workers=workers,
            threads=threads,
            runs_dir=runs_dir,
            arguments=["--epochs", str(epochs)],
            quiet=True,
        )
        seconds = time.monotonic() - began
        paces = [
            int(samples) * (epochs - 1) / training_seconds(Path(path))
            for samples, path in zip(runs["samples"], runs["metrics"], strict=True)
        ]
    return workers * statistics.mean(paces), seconds


def training_seconds(metrics: Path) -> float:
    """From the end of a run's first epoch to the end of its last."""
    times = [datetime.fromisoformat(json.loads(line)["time"]) for line in metrics.read_text().splitlines()]
    return (times[-1] - times[0]).total_seconds()


def main() -> None:
    """Run and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--trials", type=int, default=4)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    rounds = []
    for _ in range(asked.rounds):
        many, many_seconds = measure(cores(), 1, asked.trials, asked.epochs)
        one, one_seconds = measure(1, cores(), asked.trials, asked.epochs)
        rounds.append(
            {
                "samples_a_second": [round(many), round(one)],
                "ratio_of_samples": round(many / one, 2),
                "seconds": [round(many_seconds, 1), round(one_seconds, 1)],
                "ratio_of_seconds": round(many_seconds / one_seconds, 2),
            }
        )
    what = {"cores": cores(), "trials": asked.trials, "epochs": asked.epochs}
    print(json.dumps({**what, "rounds": rounds}, indent=1))


if __name__ == "__main__":
    main()
