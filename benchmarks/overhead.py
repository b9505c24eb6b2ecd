"""What a trial costs besides the script: trials that do nothing, all recording included.

The script declares a flag and logs one number; a second one imports Keras before, as a training script does.
Ours is the time from the first end of a trial to the last over the trials between, with as many workers at
once as it says. Peers do what comes nearest, and less: Optuna calls a function and writes a row of SQLite;
keras-tuner calls a method and writes a file; Ray Tune runs a function in an actor of its own, as many at once
as there are cores. A fresh `python` with the same script is what a shell's loop pays.
"""

import json
import statistics
from collections.abc import Sequence
from pathlib import Path

from harness import Benchmark, Options, environment, python, seconds_of, there

from search.limits import cores

HERE = Path(__file__).resolve().parent
SCRIPT, WITH_KERAS = HERE / "scripts" / "noop.py", HERE / "scripts" / "noop_keras.py"
PEERS = {"Optuna, SQLite": "optuna", "keras-tuner": "keras-tuner", "Ray Tune": "ray"}
FEW, MANY = 100, 10_000
RAY_TUNE = 20  # trials are enough where one takes seconds
OURS = "gridruns, a worker a core"


def figures(options: Options) -> dict[str, float]:
    """Milliseconds a trial of each side."""
    trials = 10 if options.quick else FEW
    found = {
        OURS: statistics.fmean(_gaps(options, SCRIPT, trials, cores())),
        "gridruns, one worker": statistics.fmean(_gaps(options, SCRIPT, trials, 1)),
        "gridruns, one worker, with Keras": statistics.fmean(_gaps(options, WITH_KERAS, trials, 1)),
    }
    if there("gridruns on Ray", "ray"):
        on_ray = _gaps(options, SCRIPT, trials, cores(), "ray")
        found["gridruns on Ray, a worker a core"] = statistics.fmean(on_ray)
    for name, peer in PEERS.items():
        if peer != "ray":
            found[name] = _peer(options, peer, trials)
        elif there(name, "ray", "tensorboardX"):
            found[name] = _peer(options, peer, 4 if options.quick else RAY_TUNE)
    for name, script in (("fresh python", SCRIPT), ("fresh python, with Keras", WITH_KERAS)):
        log = options.out / "noop-python.log"
        plain = [seconds_of(python(script), log) for _ in range(2 if options.quick else 5)]
        found[name] = 1000 * statistics.fmean(plain)
    return found


def _peer(options: Options, peer: str, trials: int) -> float:
    result = options.out / f"noop-{peer}.json"
    seconds_of(python(HERE / "peers" / "noop_peers.py", peer, trials, result), result.with_suffix(".log"))
    return float(json.loads(result.read_text()))


def growth(options: Options) -> dict[str, float]:
    """Milliseconds a trial at places of a long search: means of a hundred trials."""
    trials, width = (20, 10) if options.quick else (MANY, 100)
    gaps = _gaps(options, SCRIPT, trials, cores())
    places = [place for place in (width, 1_000, 3_000, trials) if place <= trials]
    return {f"trial {place:,}": statistics.fmean(gaps[place - width : place]) for place in places}


def _gaps(
    options: Options, script: Path, trials: int, workers: int, executor: str = "local"
) -> Sequence[float]:
    result = options.out / f"noop-gridruns-{executor}.json"
    command = python(HERE / "peers" / "noop_gridruns.py", script, trials, result, executor, workers)
    seconds_of(command, result.with_suffix(".log"), environment(HERE))
    gaps: list[float] = json.loads(result.read_text())
    return gaps


BENCHMARKS = [
    Benchmark("a trial that does nothing", "ms a trial", figures, OURS, aim="30 ms at most"),
    Benchmark("the same in a long search", "ms a trial", growth, rounds=1, aim="flat"),
]
