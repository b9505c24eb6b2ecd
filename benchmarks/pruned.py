"""A search to its end, as each side ends what isn't worth it: how long, and what its winner is worth.

keras-tuner's RandomSearch stops a trial early (EarlyStopping, as its guide has it); gridruns does, too, and
prunes. All try the same points. What each calls the best is then trained again with new seeds, the same for
all.
"""

import json
import math
import tempfile
from collections.abc import Mapping
from pathlib import Path
from statistics import fmean, stdev

import pandas as pd
from harness import Benchmark, Options
from searching import OURS, PEERS, WITH_STEPS, searched, write_work

PEER = "keras-tuner"
PRUNER = "median"
TRIALS, EPOCHS, PATIENCE, SEEDS = 16, 35, 5, 5


def figures(options: Options) -> dict[str, float]:
    """Seconds of each side."""
    trials, epochs = (options.trials, 3) if options.quick else (TRIALS, EPOCHS)
    work = write_work(options, trials, epochs=epochs, patience=PATIENCE, pruner=PRUNER)
    found, winners = {}, {}
    for side in (OURS, WITH_STEPS, PEER):
        found[side], losses, winners[side] = searched(options, side, work)
        if len(losses) != trials:
            raise SystemExit(f"{side} must train {trials} networks, but trained {len(losses)}")
    (options.out / "winners.json").write_text(json.dumps(winners))
    return found


def confirmed(options: Options) -> dict[str, float]:
    """The mean val_loss of each side's winner with new seeds, and how far they are apart."""
    winners = json.loads((options.out / "winners.json").read_text())
    given = json.loads((options.out / "work.json").read_text())
    seeds = 2 if options.quick else SEEDS
    each = {number: _values(options, given, number, seeds) for number in sorted(set(winners.values()))}
    means = {side: fmean(each[number]) for side, number in winners.items()}
    error = stdev(each[winners[PEER]]) / math.sqrt(seeds)
    apart = {
        f"{side}, above {PEER}'s in standard errors": (means[side] - means[PEER]) / error
        for side in winners
        if side != PEER
    }
    return {**means, f"standard error of {PEER}'s": error, **apart}


def _values(options: Options, given: Mapping[str, object], number: int, seeds: int) -> list[float]:
    """The best val_loss of a point, a seed each."""
    from search import tuning_run

    points = given["points"]
    assert isinstance(points, list)
    common = {"arrays": str(options.out / "arrays"), "epochs": given["epochs"], "patience": given["patience"]}
    table = pd.DataFrame([{**points[number], **common, "number": 1000 + seed} for seed in range(seeds)])
    with tempfile.TemporaryDirectory() as folder:
        runs = tuning_run(PEERS / "gridruns_script.py", table, runs_dir=Path(folder), quiet=True)
    return [float(value) for value in runs["best_val_loss"]]


BENCHMARKS = [
    # One round: it takes as long as all others together.
    Benchmark(f"search of {TRIALS} networks, {EPOCHS} epochs at most", "seconds", figures, OURS, rounds=1,
              aim=f"at most 0.2 of {PEER}'s"),
    Benchmark(f"the winners, trained with {SEEDS} new seeds", "val_loss", confirmed, digits=4, rounds=1,
              aim=f"ours at most one standard error above {PEER}'s"),
]  # fmt: skip
