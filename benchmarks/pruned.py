"""A search to its end, as each side ends what isn't worth it: how long, and what its winner is worth.

keras-tuner's RandomSearch stops a trial early (EarlyStopping, as its guide has it); gridruns does, too, and
prunes. Both try the same points. Each winner is then trained again with new seeds, the same for both.
"""

import json
import math
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean, stdev

import pandas as pd
from harness import Benchmark, Options
from searching import OURS, PEERS, searched, write_work

PEER = "keras-tuner"
PRUNER = "median"
TRIALS, EPOCHS, PATIENCE, SEEDS = 24, 35, 5, 5


def figures(options: Options) -> dict[str, float]:
    """Seconds of both."""
    trials, epochs = (options.trials, 3) if options.quick else (TRIALS, EPOCHS)
    work = write_work(options, trials, epochs=epochs, patience=PATIENCE, pruner=PRUNER)
    found, winners = {}, {}
    for side in (OURS, PEER):
        found[side], losses = searched(options, side, work)
        if len(losses) != trials:
            raise SystemExit(f"{side} must train {trials} networks, but trained {len(losses)}")
        winners[side] = winner(losses)
    (options.out / "winners.json").write_text(json.dumps(winners))
    return found


def winner(losses: Mapping[str, Sequence[float]]) -> int:
    """The number of the point with the least val_loss of all epochs."""
    return int(min(losses, key=lambda number: min(losses[number])))


def confirmed(options: Options) -> dict[str, float]:
    """The mean val_loss of each side's winner with new seeds, and the standard error of the peer's."""
    winners = json.loads((options.out / "winners.json").read_text())
    given = json.loads((options.out / "work.json").read_text())
    seeds = 2 if options.quick else SEEDS
    each = {number: _values(options, given, number, seeds) for number in sorted(set(winners.values()))}
    means = {side: fmean(each[number]) for side, number in winners.items()}
    error = stdev(each[winners[PEER]]) / math.sqrt(seeds)
    return {**means, f"one standard error of {PEER}'s": error}


def _values(options: Options, given: Mapping[str, object], number: int, seeds: int) -> list[float]:
    """The best val_loss of a point, a seed each."""
    from search import tuning_run

    points = given["points"]
    assert isinstance(points, list)
    common = {name: given[name] for name in ("data", "epochs", "patience")}
    table = pd.DataFrame([{**points[number], **common, "number": 1000 + seed} for seed in range(seeds)])
    with tempfile.TemporaryDirectory() as folder:
        runs = tuning_run(PEERS / "gridruns_script.py", table, runs_dir=Path(folder), quiet=True)
    return [float(value) for value in runs["best_val_loss"]]


BENCHMARKS = [
    Benchmark("search with what ends bad trials", "seconds", figures, OURS, rounds=1, aim="at most 0.2"),
    Benchmark("its winners with new seeds", "val_loss", confirmed, digits=4, rounds=1,
              aim="within one standard error"),
]  # fmt: skip
