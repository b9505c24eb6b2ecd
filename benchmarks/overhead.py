"""What a trial costs besides the script: trials that do nothing, all recording included.

The script declares a flag and logs one number; a second one imports Keras before, as a training script does.
Ours is the time from the first end of a trial to the last over the trials between. Peers do what comes
nearest, and less: Optuna calls a function and writes a row of SQLite; keras-tuner calls a method and writes a
file; Ray Tune runs a function in an actor of its own, as many at once as there are cores. A fresh `python`
with the same script is what a shell's loop pays. Those that run one trial after another are compared with
one worker, Ray Tune with a worker a core.
"""

import json
import statistics
from collections.abc import Sequence
from pathlib import Path

from harness import Benchmark, Options, environment, python, seconds_of, there

from search.limits import cores

HERE = Path(__file__).resolve().parent
SCRIPT, WITH_KERAS = HERE / "scripts" / "noop.py", HERE / "scripts" / "noop_keras.py"
PEERS = {"Optuna, SQLite": "optuna", "keras-tuner": "keras-tuner"}
FEW, MANY = 100, 10_000
RAY_TUNE = 20  # trials are enough where one takes seconds
OURS, EACH = "gridruns, one worker", "gridruns, a worker a core"


def one_by_one(options: Options) -> dict[str, float]:
    """Milliseconds a trial of those that run one after another."""
    trials = 10 if options.quick else FEW
    return {
        OURS: statistics.fmean(_gaps(options, SCRIPT, trials, 1)),
        **{name: _peer(options, peer, trials) for name, peer in PEERS.items()},
        "fresh python": _fresh(options, SCRIPT),
    }


def with_keras(options: Options) -> dict[str, float]:
    """The same of a script that imports Keras, in processes of their own."""
    trials = 10 if options.quick else FEW
    ours = statistics.fmean(_gaps(options, WITH_KERAS, trials, 1))
    return {OURS: ours, "fresh python": _fresh(options, WITH_KERAS)}


def at_once(options: Options) -> dict[str, float]:
    """Milliseconds a trial of those that run as many at once as there are cores."""
    trials = 10 if options.quick else FEW
    found = {EACH: statistics.fmean(_gaps(options, SCRIPT, trials, cores()))}
    if there("gridruns on Ray", "ray"):
        found["gridruns on Ray"] = statistics.fmean(_gaps(options, SCRIPT, trials, cores(), "ray"))
    if there("Ray Tune", "ray", "tensorboardX"):
        found["Ray Tune"] = _peer(options, "ray", 4 if options.quick else RAY_TUNE)
    return found


def _fresh(options: Options, script: Path) -> float:
    log = options.out / "noop-python.log"
    return 1000 * statistics.fmean(seconds_of(python(script), log) for _ in range(2 if options.quick else 5))


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
    if len(gaps) != trials - 1:
        raise SystemExit(f"expected {trials} trials, but {len(gaps) + 1} ended")
    return gaps


BENCHMARKS = [
    Benchmark("a trial that does nothing", "ms a trial", one_by_one, OURS, aim="30 ms at most"),
    Benchmark("one that imports Keras", "ms a trial", with_keras, OURS),
    Benchmark("as many at once as cores", "ms a trial", at_once, EACH),
    Benchmark("the same in a long search", "ms a trial", growth, rounds=1, aim="flat"),
]
