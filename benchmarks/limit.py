"""How near training comes to what a core can do, and what the rest of an epoch is spent on.

A large matrix product shows what TensorFlow gets out of one core, in billions of multiplications and
additions a second; the products that a step of the network needs, and nothing else, what their shapes leave
of it; `fit()` what everything around them leaves.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from harness import ONE_THREAD, Benchmark, Options, environment, python, seconds_of

HERE = Path(__file__).resolve().parent
PROGRAM = HERE / "peers" / "one_core.py"


def rates(options: Options) -> Mapping[str, float]:
    """GFLOP/s of one core."""
    result = options.out / "limit.json"
    command = python(PROGRAM, options.data, result)
    seconds_of(command, result.with_suffix(".log"), environment(HERE / "peers", **ONE_THREAD))
    found: dict[str, float] = json.loads(result.read_text())["rates"]
    return found


def seconds(options: Options) -> Mapping[str, float]:
    """Seconds of an epoch, found by the same program."""
    found: dict[str, float] = json.loads((options.out / "limit.json").read_text())["seconds"]
    return found


BENCHMARKS = [
    Benchmark("what one core does of the arithmetic", "GFLOP/s", rates, digits=1, rounds=1),
    Benchmark("an epoch on one core, with less and less in it", "seconds", seconds, digits=3, rounds=1),
]
