"""What a no-op trial costs: gridruns on Ray, gridruns on this machine, and Ray Tune, in turns.

    pip install 'gridruns[ray]' 'ray[tune]'
    python benchmarks/ray_overhead.py [--trials 60] [--rounds 3] [--workers 2] [--quick]

Each round runs all three, one after another, on one Ray that stays. Of each search of N trials the time
from its first recorded trial to its last (of Ray Tune, from the first report to the last) counts, divided
by N - 1: starting Ray, slots and warm parents isn't in it. A trial of gridruns is a process of its own with
a recorded run directory; of Ray Tune it is a function trainable with its default settings, an actor of its
own with its result files. The time of the whole search, its start included but not Ray's, stands beside it.
Prints one JSON object with ratios and the machine's load.
"""

import argparse
import contextlib
import itertools
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness import ends
from overhead import SCRIPT

from search import tuning_run
from search.cluster.connection import Connection
from search.cluster.settings import Cluster

Moments = list[float]


def ours(executor: str, trials: int, workers: int) -> Moments:
    """The moments at which gridruns recorded trials."""
    with tempfile.TemporaryDirectory() as runs_dir:
        tuning_run(
            SCRIPT,
            {"x": list(range(trials))},
            study="noop",
            runs_dir=runs_dir,
            workers=workers,
            threads=1,
            executor=executor,
            quiet=True,
        )
        return ends(Path(runs_dir) / "noop")


def tune(trials: int, workers: int) -> Moments:
    """The moments at which the trials of Ray Tune reported."""
    from ray import tune

    def noop(config: dict[str, Any]) -> None:
        tune.report({"val_loss": config["x"] / 1000, "reported": time.time()})

    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(sys.stderr):
        found = tune.Tuner(
            tune.with_resources(noop, {"cpu": 1}),
            param_space={"x": tune.grid_search(list(range(trials)))},
            tune_config=tune.TuneConfig(max_concurrent_trials=workers),
            run_config=tune.RunConfig(storage_path=folder, name="noop", verbose=0),
        ).fit()
        if len(found) != trials or found.errors:
            raise RuntimeError(f"Ray Tune ran {len(found)} of {trials} trials: {found.errors}")
        return sorted(float(result.metrics["reported"]) for result in found if result.metrics)


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--trials", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--quick", action="store_true", help="One round of 8 trials.")
    asked = parser.parse_args()
    trials, rounds = (8, 1) if asked.quick else (asked.trials, asked.rounds)
    connection = Connection(Cluster())
    ways: dict[str, Callable[[], Moments]] = {
        "gridruns local": lambda: ours("local", trials, asked.workers),
        "gridruns ray": lambda: ours("ray", trials, asked.workers),
        "ray tune": lambda: tune(trials, asked.workers),
    }
    each: dict[str, list[float]] = {name: [] for name in ways}
    whole: dict[str, list[float]] = {name: [] for name in ways}
    loads = []
    for _, (name, run) in itertools.product(range(rounds), ways.items()):
        began = time.monotonic()
        moments = run()
        whole[name].append(time.monotonic() - began)
        each[name].append(1000 * (moments[-1] - moments[0]) / (trials - 1))
        loads.append(os.getloadavg()[0])
    connection.close()
    medians = {name: statistics.median(found) for name, found in each.items()}
    print(
        json.dumps(
            {
                "trials": trials,
                "rounds": rounds,
                "workers": asked.workers,
                "cores": os.cpu_count(),
                "load_average": [round(min(loads), 1), round(max(loads), 1)],
                "ms_a_trial": {name: [round(value, 1) for value in found] for name, found in each.items()},
                "ms_a_trial_median": {name: round(value, 1) for name, value in medians.items()},
                "seconds_in_all": {
                    name: [round(value, 1) for value in found] for name, found in whole.items()
                },
                "ray_to_local": round(medians["gridruns ray"] / medians["gridruns local"], 2),
                "tune_to_ray": round(medians["ray tune"] / medians["gridruns ray"], 2),
            },
            indent=1,
        )
    )


if __name__ == "__main__":
    main()
