"""What a pruner saves and what it costs: the same points searched with and without, the winners confirmed.

    MNIST_NPZ=mnist.npz python benchmarks/pruning.py run --runs-dir DIR [--trials 48] [PRUNER ...]
    python benchmarks/pruning.py table --runs-dir DIR
    python benchmarks/pruning.py replay --runs-dir DIR [PRUNER ...]

`run` searches the chapter's grid on real MNIST, the same points each time: without a pruner, then with each
of those named. Then it trains each search's winner again with five seeds. It goes on where it stopped.
`replay` asks pruners what they would have done to the curves of the search without one, two trials at a
time and an epoch each in turn: that takes no training, so that many settings can be tried.
"""

import argparse
import re
from collections.abc import Sequence
from pathlib import Path

from results.confirmation import confirmation
from results.run import Run
from results.runs import find_runs, read_run
from results.status import Status
from search import confirm, tuning_run
from search.pruners import gives_up, read_pruner
from search.quiet import quiet_optuna

ROOT = Path(__file__).parent.parent
SCRIPT = ROOT / "scripts" / "mnist_grid_search.py"
METRIC = "val_loss"
SEED, SEEDS = 42, 5
WHOLE = "none"
TRIED = (
    "median", "percentile:percentile=75,n_warmup_steps=6", "asha:min_resource=5,reduction_factor=2",
    "hyperband:max_resource=35", "wilcoxon", "patient:patience=1,wrapped_pruner=median",
)  # fmt: skip


def name_of(pruner: str) -> str:
    """The name of a search's study."""
    return f"pruning-{re.sub('[^a-z0-9]+', '-', pruner)}"


def run(runs_dir: Path, pruners: Sequence[str], trials: int, workers: int, data: str) -> None:
    """Search with each pruner, then confirm the winners."""
    for pruner in (WHOLE, *pruners):
        tuning_run(
            SCRIPT, "mnist_grid_search", set={"data": data}, trials=trials, seed=SEED, workers=workers,
            threads=1, pruner=None if pruner == WHOLE else pruner, study=name_of(pruner), runs_dir=runs_dir,
        )  # fmt: skip
    for pruner in (WHOLE, *pruners):
        confirm(name_of(pruner), top=1, seeds=SEEDS, runs_dir=runs_dir, workers=workers)


def runs_of(runs_dir: Path, pruner: str) -> list[Run]:
    """The runs of a search, by number; empty where there is none."""
    folder = runs_dir / name_of(pruner)
    runs = [read_run(path) for path in find_runs(folder)] if folder.is_dir() else []
    return sorted(runs, key=lambda one: int(one.record["number"]))


def best_of(one: Run) -> float:
    """A run's best value."""
    value = one.best_value(METRIC, "min")
    assert value is not None
    return value


def wall_seconds(runs: Sequence[Run]) -> float:
    """From the start of the first run to the end of the last, in seconds."""
    starts = [one.start for one in runs if one.start is not None]
    ends = [one.end for one in runs if one.end is not None]
    return (max(ends) - min(starts)).total_seconds()


def cpu_seconds(runs: Sequence[Run]) -> float:
    """What the processors spent on the trials, in seconds: hardly changed by what else the machine does."""
    return sum(float(one.outcome["cpu_seconds"]) for one in runs)


def table(runs_dir: Path, pruners: Sequence[str]) -> str:
    """A Markdown table of the searches that are there."""
    lines = [
        "| pruner | wall time | CPU time | epochs | saved | completed | search's best | "
        "confirmed (95% interval) |",
        "|---|---|---|---|---|---|---|---|",
    ]
    whole = sum(len(one.epochs) for one in runs_of(runs_dir, WHOLE))
    for pruner in (WHOLE, *pruners):
        runs = runs_of(runs_dir, pruner)
        if not runs:
            continue
        done = [one for one in runs if one.status is Status.COMPLETED]
        epochs = sum(len(one.epochs) for one in runs)
        confirmed = confirmation(runs_dir / name_of(pruner)).table.iloc[0]
        mean, low, high = (confirmed[f"{part}_{METRIC}"] for part in ("mean", "low", "high"))
        lines.append(
            f"| {pruner} | {wall_seconds(runs) / 60:.1f} min | {cpu_seconds(runs) / 60:.1f} min | "
            f"{epochs:,} | {1 - epochs / whole:.0%} | "
            f"{len(done)} of {len(runs)} | {min(map(best_of, done)):.4f} | "
            f"{mean:.4f} ({low:.4f} to {high:.4f}) |"
        )
    return "\n".join(lines)


def replay(runs_dir: Path, pruners: Sequence[str]) -> str:
    """A Markdown table of what pruners would have done to the curves of the search without one."""
    runs = [one for one in runs_of(runs_dir, WHOLE) if one.status is Status.COMPLETED]
    curves = [[epoch.metrics[METRIC] for epoch in one.epochs] for one in runs]
    whole = sum(map(len, curves))
    order = sorted(range(len(curves)), key=lambda index: min(curves[index]))
    lines = ["| pruner | saved epochs | completed | rank of its winner |", "|---|---|---|---|"]
    for pruner in pruners:
        epochs, kept = _replayed(curves, pruner)
        rank = order.index(min(kept, key=order.index)) + 1
        lines.append(f"| {pruner} | {1 - epochs / whole:.0%} | {len(kept)} of {len(curves)} | {rank} |")
    return "\n".join(lines)


def _replayed(curves: Sequence[Sequence[float]], text: str) -> tuple[int, list[int]]:
    """The epochs that a search of these curves would have trained, and the ones that it would have ended."""
    import optuna

    pruner = read_pruner(text)
    assert pruner is not None
    with quiet_optuna():
        study = optuna.create_study(pruner=pruner.make(), study_name=f"gridruns-{SEED}")
    running: dict[int, optuna.Trial] = {}
    waiting, kept, epochs = list(range(len(curves))), list[int](), 0
    while waiting or running:
        while waiting and len(running) < 2:
            running[waiting.pop(0)] = study.ask()
        for index, trial in list(running.items()):
            step = len(study.get_trials(deepcopy=False)[trial.number].intermediate_values) + 1
            epochs += 1
            stop = gives_up(trial, step, curves[index][step - 1])
            if step == len(curves[index]):
                study.tell(trial, min(curves[index]))
                kept.append(index)
                del running[index]
            elif stop:
                study.tell(trial, state=optuna.trial.TrialState.PRUNED)
                del running[index]
    return epochs, kept


def main() -> None:
    """Run, tabulate or replay."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("what", choices=["run", "table", "replay"])
    parser.add_argument("pruners", nargs="*", metavar="PRUNER", default=TRIED)
    parser.add_argument("--runs-dir", type=Path, required=True)
    parser.add_argument("--trials", type=int, default=48)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--data", default="mnist")
    asked = parser.parse_intermixed_args()
    if asked.what == "run":
        run(asked.runs_dir, asked.pruners, asked.trials, asked.workers, asked.data)
    else:
        print((table if asked.what == "table" else replay)(asked.runs_dir, asked.pruners))


if __name__ == "__main__":
    main()
