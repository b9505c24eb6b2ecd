"""What a pruner saves and what it costs: the same points searched with and without, the winners confirmed.

    MNIST_NPZ=mnist.npz python benchmarks/pruning.py run --runs-dir DIR [--trials 48] [PRUNER ...]
    python benchmarks/pruning.py table --runs-dir DIR
    python benchmarks/pruning.py replay --runs-dir DIR [--studies S ...] [--orders 20] [PRUNER ...]

`run` searches the chapter's grid on real MNIST, the same points each time: without a pruner, then with each
of those named. Then it trains each search's winner again with five seeds. It goes on where it stopped.
`replay` asks pruners what they would have done to the curves of the search without one, two trials at a
time and an epoch each in turn: that takes no training, so that many settings and orders can be tried.
"""

import argparse
import math
import random
import re
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

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
TRIED = ("wilcoxon", "median", "asha:min_resource=3,reduction_factor=2")


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
    return _runs(runs_dir / name_of(pruner))


def _runs(folder: Path) -> list[Run]:
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


def replay(runs_dir: Path, studies: Sequence[str], pruners: Sequence[str], orders: int) -> str:
    """A Markdown table of what pruners would have done to the curves of searches without one.

    In the order in which they were trained, and in random ones: a pruner compares a trial with those before
    it, so its luck with one order says little.
    """
    chance = random.Random(SEED)
    replayed = []
    for study in studies:
        curves = _whole_curves(runs_dir / study)
        replayed += [curves, *(chance.sample(curves, len(curves)) for _ in range(orders))]
    lines = [
        f"| pruner | saved epochs | range | keeps the best | its {METRIC} less the best: mean | worst |",
        "|---|---|---|---|---|---|",
    ]
    for pruner in pruners:
        found = [(_replayed(curves, pruner), curves) for curves in replayed]
        saved = [1 - epochs / sum(map(len, curves)) for (epochs, _), curves in found]
        lost = [winner - min(map(min, curves)) for (_, winner), curves in found]
        lines.append(
            f"| {pruner} | {fmean(saved):.0%} | {min(saved):.0%} to {max(saved):.0%} | "
            f"{lost.count(0)} of {len(lost)} | {fmean(lost):.4f} | {max(lost):.4f} |"
        )
    return "\n".join(lines)


def _whole_curves(folder: Path) -> list[list[float]]:
    """The curves of the completed runs of a study, by number."""
    runs = [one for one in _runs(folder) if one.status is Status.COMPLETED]
    return [[epoch.metrics[METRIC] for epoch in one.epochs] for one in runs]


def _replayed(curves: Sequence[Sequence[float]], text: str) -> tuple[int, float]:
    """The epochs that a search of these curves would train, and the best value that it would find."""
    import optuna

    pruner = read_pruner(text)
    assert pruner is not None
    with quiet_optuna():
        study = optuna.create_study(pruner=pruner.make(), study_name=f"gridruns-{SEED}")
    running: dict[int, optuna.Trial] = {}
    waiting, winner, epochs = list(range(len(curves))), math.inf, 0
    while waiting or running:
        while waiting and len(running) < 2:
            running[waiting.pop(0)] = study.ask()
        for index, trial in list(running.items()):
            step = len(study.get_trials(deepcopy=False)[trial.number].intermediate_values) + 1
            epochs += 1
            stop = gives_up(trial, step, curves[index][step - 1])
            if step == len(curves[index]):
                study.tell(trial, min(curves[index]))
                winner = min(winner, *curves[index])
                del running[index]
            elif stop:
                study.tell(trial, state=optuna.trial.TrialState.PRUNED)
                del running[index]
    return epochs, winner


def main() -> None:
    """Run, tabulate or replay."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("what", choices=["run", "table", "replay"])
    parser.add_argument("pruners", nargs="*", metavar="PRUNER", default=TRIED)
    parser.add_argument("--runs-dir", type=Path, required=True)
    parser.add_argument("--trials", type=int, default=48)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--data", default="mnist")
    parser.add_argument("--studies", nargs="+", default=[name_of(WHOLE)], help="what is replayed")
    parser.add_argument("--orders", type=int, default=20, help="random orders of the replayed curves")
    asked = parser.parse_intermixed_args()
    if asked.what == "run":
        run(asked.runs_dir, asked.pruners, asked.trials, asked.workers, asked.data)
    elif asked.what == "table":
        print(table(asked.runs_dir, asked.pruners))
    else:
        print(replay(asked.runs_dir, asked.studies, asked.pruners, asked.orders))


if __name__ == "__main__":
    main()
