"""What good practice saves a trial, each before and after, with the same numbers trained.

Keras' pipelines over arrays without tf.data's autotuning (results/array_pipelines.py), and MNIST's arrays
mapped from one place instead of computed by each process (scripts/shared_arrays.py). Several steps in a call
of TensorFlow have a benchmark of their own, `steps`.
"""

import json
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from statistics import fmean
from typing import Any

from harness import NETWORK, ONE_THREAD, Benchmark, Options, environment, python

from search.limits import cores

PEERS = Path(__file__).resolve().parent / "peers"
AS_IT_IS, UNTUNED = "autotuning, TensorFlow's default", "without, as gridruns has it"
ALONE, MAPPED = "computed by each process", "mapped"


def pipelines(options: Options) -> Mapping[str, float]:
    """Seconds an epoch where as many processes train as there are cores, of one thread each."""
    found, losses = {}, {}
    for side, untuned in ((AS_IT_IS, "no"), (UNTUNED, "yes")):
        program = python(PEERS / "epochs.py", options.data, options.epochs, untuned)
        told = _at_once(options, [program] * cores())
        found[side] = fmean(one["seconds"] for one in told)
        losses[side] = [one["losses"] for one in told]
    if losses[AS_IT_IS] != losses[UNTUNED]:
        raise SystemExit(f"the losses must be the same, but are {losses}")
    return found


def loading(options: Options) -> Mapping[str, float]:
    """CPU seconds of `load()`, its libraries being imported."""
    with tempfile.TemporaryDirectory() as folder:
        nowhere = Path(folder) / "file"
        nowhere.touch()
        homes = {ALONE: nowhere, MAPPED: Path(folder) / "keras"}
        program = python(PEERS / "loading.py", options.data)
        _at_once(options, [program], homes[MAPPED])  # which puts them there
        return {side: _at_once(options, [program], home)[0]["seconds"] for side, home in homes.items()}


def _at_once(options: Options, commands: list[list[str]], home: Path | None = None) -> list[Any]:
    """What programs print as JSON, run at the same time."""
    env = environment(*NETWORK, **ONE_THREAD, **({} if home is None else {"KERAS_HOME": str(home)}))
    with (options.out / "practice.log").open("w") as log:
        pipe = subprocess.PIPE
        running = [subprocess.Popen(one, env=env, stdout=pipe, stderr=log, text=True) for one in commands]
        printed = [process.communicate()[0] for process in running]
    if any(process.returncode for process in running):
        raise SystemExit(f"{' '.join(commands[0])} failed; see {log.name}")
    return [json.loads(text) for text in printed]


BENCHMARKS = [
    Benchmark("an epoch of each of as many processes as cores", "seconds", pipelines, UNTUNED, digits=2),
    Benchmark("loading the images", "CPU seconds", loading, MAPPED, digits=3),
]
