"""The same search by gridruns and by what users would pick instead; each is a program of peers/.

All train the same networks, those that RandomSearch of keras-tuner draws, on the same data for the same
epochs, without pruning. A side's time is that of its whole program. Of ours, there are two: the script as it
is, and with the option that sets several steps a call of TensorFlow from outside.
"""

import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean

from harness import Benchmark, Options, environment, python, seconds_of, there

PEERS = Path(__file__).resolve().parent / "peers"
OURS = "gridruns"
WITH_STEPS = f"{OURS} --steps-per-execution 64"
PROGRAMS: dict[str, tuple[str, ...]] = {
    OURS: ("gridruns_search.py",),
    WITH_STEPS: ("gridruns_search.py", "64"),
    "keras-tuner": ("keras_tuner_search.py",),
    "Optuna": ("optuna_loop.py",),
    "Ray Tune": ("ray_tune_search.py",),
    "shell loop": ("fresh_processes.py",),
}
SEED = 1
SAME = 0.1  # of the mean val_loss after an epoch: threads round differently, other data or flags are far off


def figures(options: Options, steps_per_execution: int = 1) -> dict[str, float]:
    """Seconds of each side; all must have found something for each epoch of each trial."""
    given = {"epochs": options.epochs, "steps_per_execution": steps_per_execution}
    work = write_work(options, options.trials, **given)
    found, first = {}, {}
    for side in PROGRAMS:
        if side == WITH_STEPS and steps_per_execution > 1:
            continue
        if side != "Ray Tune" or there(side, "ray", "tensorboardX"):
            found[side], losses, _ = searched(options, side, work)
            first[side] = check(side, losses, options)
    others = {side: loss for side, loss in first.items() if abs(loss / first[OURS] - 1) > SAME}
    if others:
        raise SystemExit(f"all sides must train the same networks, but val_loss after an epoch is {first}")
    return found


def at_64(options: Options) -> dict[str, float]:
    """The same with 64 steps an execution on all sides."""
    return figures(options, 64)


def write_work(options: Options, trials: int, **given: object) -> Path:
    """The file of a `Work` at the points that keras-tuner's RandomSearch tries."""
    points, work = options.out / "points.json", options.out / "work.json"
    command = python(PEERS / "draw.py", points, trials, SEED)
    subprocess.run(command, env=environment(PEERS), check=True, capture_output=True)
    drawn = json.loads(points.read_text())
    work.write_text(json.dumps({"data": options.data, "points": drawn, "seed": SEED, **given}))
    return work


def searched(options: Options, side: str, work: Path) -> tuple[float, dict[str, list[float]], int]:
    """How many seconds a side took, val_loss of each epoch by the point's number, and its own winner's."""
    program, *more = PROGRAMS[side]
    name = program.removesuffix(".py")
    result = options.out / f"{name}.json"
    command = python(PEERS / program, work, result, *more)
    seconds = seconds_of(command, options.out / f"{name}.log", environment(PEERS))
    found = json.loads(result.read_text())
    return seconds, found["losses"], found["winner"]


def check(side: str, losses: Mapping[str, Sequence[float]], options: Options) -> float:
    """The mean val_loss after an epoch of a side that has done the same work.

    Raises:
        SystemExit: It trained other trials or epochs.
    """
    epochs = [len(curve) for curve in losses.values()]
    if epochs != [options.epochs] * options.trials:
        raise SystemExit(
            f"{side} must train {options.trials} x {options.epochs} epochs, but trained {epochs}"
        )
    return fmean(curve[0] for curve in losses.values())


BENCHMARKS = [
    Benchmark(
        "search", "seconds", figures, OURS,
        aim="at most 0.45 of keras-tuner's, 0.5 of Optuna's and of Ray Tune's, on two cores",
    ),
    Benchmark("search, 64 steps an execution on all sides", "seconds", at_64, OURS, rounds=1, quick=False),
]  # fmt: skip
