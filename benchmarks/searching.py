"""The same search by gridruns and by what users would pick instead; each is a program of peers/.

All train the same networks, those that RandomSearch of keras-tuner draws, on the same data for the same
epochs, without pruning. A side's time is that of its whole program.
"""

import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness import Benchmark, Options, environment, python, seconds_of, there

PEERS = Path(__file__).resolve().parent / "peers"
OURS = "gridruns"
PROGRAMS = {
    OURS: "gridruns_search.py",
    "keras-tuner": "keras_tuner_search.py",
    "Optuna": "optuna_loop.py",
    "Ray Tune": "ray_tune_search.py",
    "shell loop": "fresh_processes.py",
}
SEED = 1


def figures(options: Options, steps_per_execution: int = 1) -> dict[str, float]:
    """Seconds of each side; all must have found something for each epoch of each trial."""
    work = options.out / "work.json"
    given = {"data": options.data, "epochs": options.epochs, "steps_per_execution": steps_per_execution}
    work.write_text(json.dumps({**given, "points": _points(options), "seed": SEED}))
    sides = [side for side in PROGRAMS if side != "Ray Tune" or there(side, "ray", "tensorboardX")]
    return {side: _seconds(options, side, work) for side in sides}


def at_64(options: Options) -> dict[str, float]:
    """The same with 64 steps an execution on all sides."""
    return figures(options, 64)


def _points(options: Options) -> list[object]:
    """The points that keras-tuner's RandomSearch tries."""
    file = options.out / "points.json"
    command = python(PEERS / "draw.py", file, options.trials, SEED)
    subprocess.run(command, env=environment(PEERS), check=True, capture_output=True)
    points: list[object] = json.loads(file.read_text())
    return points


def _seconds(options: Options, side: str, work: Path) -> float:
    name = PROGRAMS[side].removesuffix(".py")
    result = options.out / f"{name}.json"
    command = python(PEERS / PROGRAMS[side], work, result)
    seconds = seconds_of(command, options.out / f"{name}.log", environment(PEERS))
    check(side, json.loads(result.read_text()), options)
    return seconds


def check(side: str, losses: Mapping[str, Sequence[float]], options: Options) -> None:
    """Refuse the time of a side that hasn't done the same work.

    Raises:
        SystemExit: It trained other trials or epochs.
    """
    epochs = [len(curve) for curve in losses.values()]
    if epochs != [options.epochs] * options.trials:
        raise SystemExit(
            f"{side} must train {options.trials} x {options.epochs} epochs, but trained {epochs}"
        )


BENCHMARKS = [
    Benchmark(
        "search", "seconds", figures, OURS,
        aim="at most 0.45 of keras-tuner's, 0.5 of Optuna's and of Ray Tune's, on two cores",
    ),
    Benchmark("search, 64 steps an execution on all sides", "seconds", at_64, OURS),
]  # fmt: skip
