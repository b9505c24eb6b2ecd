"""How soon is a network good? The best value so far against the epochs trained, for several ways to search.

    python benchmarks/quality.py run --runs-dir DIR [--trials 40] [--seeds 5] [WAY ...]
    python benchmarks/quality.py table --runs-dir DIR
    python benchmarks/quality.py plot --runs-dir DIR --output FILE.png

The chapter's grid of 2,916 networks on scikit-learn's digits, one trial at a time, so that every
search is the same each time. The ways are in `WAYS`. `run` goes on where it stopped. Epochs are counted over
all trials, those that were given up too; a search's best so far is of completed runs.
"""

import argparse
import math
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from results.run import Run
from results.runs import find_runs, read_run
from results.status import Status
from search import tuning_run

ROOT = Path(__file__).parent.parent
SCRIPT = ROOT / "scripts" / "mnist_grid_search.py"
METRIC = "val_loss"
WAYS: dict[str, dict[str, Any]] = {
    "random grid": {"sampler": "grid"},
    "tpe": {"sampler": "tpe"},
    "tpe, median": {"sampler": "tpe", "pruner": "median"},
    "tpe, wilcoxon": {"sampler": "tpe", "pruner": "wilcoxon"},
}
"""The ways to search, as arguments of `tuning_run`."""
BUDGETS = (50, 100, 200, 400, 600)


def name_of(way: str, seed: int) -> str:
    """The name of one search's study."""
    return f"{way.replace(',', '').replace(' ', '-')}-{seed}"


def run(runs_dir: Path, trials: int, seeds: int, ways: Sequence[str]) -> None:
    """Run every search that isn't there yet; the ways take turns, so that a drift of the machine hits all."""
    for seed in range(1, seeds + 1):
        for way in ways:
            tuning_run(
                SCRIPT, "mnist_grid_search", set={"data": "digits"}, trials=trials, seed=seed, workers=1,
                threads=1, study=name_of(way, seed), runs_dir=runs_dir, quiet=True, **WAYS[way],
            )  # fmt: skip
            print(f"{way}, seed {seed}: done", flush=True)


def so_far(runs: Sequence[Run]) -> list[tuple[int, float]]:
    """The best value after each trial, with the epochs trained by then; infinite before the first value."""
    curve, epochs, best = [], 0, math.inf
    for one in sorted(runs, key=lambda one: str(one.outcome.get("end"))):
        epochs += len(one.epochs)
        value = one.best_value(METRIC, "min") if one.status is Status.COMPLETED else None
        best = best if value is None else min(best, value)
        curve.append((epochs, best))
    return curve


def at(curve: Sequence[tuple[int, float]], budget: int) -> float:
    """The best value within a budget of epochs; its last where the search ended before, else infinite."""
    if curve[-1][0] < budget:
        return curve[-1][1]
    return min((best for epochs, best in curve if epochs <= budget), default=math.inf)


def curves(runs_dir: Path) -> dict[str, list[list[tuple[int, float]]]]:
    """The curve of each search that is there, by way."""
    found: dict[str, list[list[tuple[int, float]]]] = {}
    for way in WAYS:
        for folder in sorted(runs_dir.glob(name_of(way, 0)[:-1] + "[0-9]*")):
            runs = [read_run(path) for path in find_runs(folder)]
            found.setdefault(way, []).append(so_far(runs))
    return found


def table(runs_dir: Path) -> str:
    """A Markdown table: mean and standard deviation over the seeds of the best value within each budget."""
    lines = [f"| search | {' | '.join(f'{budget} epochs' for budget in BUDGETS)} | all its epochs |"]
    lines.append("|---" * (len(BUDGETS) + 2) + "|")
    for way, found in curves(runs_dir).items():
        cells = [_cell([at(curve, budget) for curve in found]) for budget in BUDGETS]
        whole = _cell([curve[-1][1] for curve in found])
        cells.append(f"{whole} ({fmean(curve[-1][0] for curve in found):.0f} epochs)")
        lines.append(f"| {way} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(values: Sequence[float]) -> str:
    if not all(map(math.isfinite, values)):
        return "-"
    spread = f" ± {stdev(values):.4f}" if len(values) > 1 else ""
    return f"{fmean(values):.4f}{spread}"


def plot(runs_dir: Path, output: Path) -> None:
    """Draw the mean best value so far of each way, with the range of its seeds."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 5))
    for way, found in curves(runs_dir).items():
        steps = range(25, max(curve[-1][0] for curve in found), 5)
        values = [[at(curve, budget) for curve in found] for budget in steps]
        known = [(step, row) for step, row in zip(steps, values, strict=True) if all(map(math.isfinite, row))]
        (line,) = axes.plot([step for step, _ in known], [fmean(row) for _, row in known], label=way)
        axes.fill_between(
            [step for step, _ in known], [min(row) for _, row in known], [max(row) for _, row in known],
            alpha=0.15, color=line.get_color(),
        )  # fmt: skip
    axes.set(xlabel="epochs trained, over all trials", ylabel=f"best {METRIC} so far", yscale="log")
    axes.legend()
    figure.savefig(output, dpi=110, bbox_inches="tight")


def main() -> None:
    """Run, tabulate or plot."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("what", choices=["run", "table", "plot"])
    parser.add_argument("ways", nargs="*", metavar="WAY", default=list(WAYS), help=f"of: {'; '.join(WAYS)}")
    parser.add_argument("--runs-dir", type=Path, required=True)
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--output", type=Path, default=Path("quality.png"))
    asked = parser.parse_intermixed_args()
    if not set(asked.ways) <= set(WAYS):
        parser.error(f"ways must be of {'; '.join(WAYS)}, but got {'; '.join(asked.ways)}")
    if asked.what == "run":
        run(asked.runs_dir, asked.trials, asked.seeds, asked.ways)
    elif asked.what == "table":
        print(table(asked.runs_dir))
    else:
        plot(asked.runs_dir, asked.output)


if __name__ == "__main__":
    main()
