"""What a listing of many runs costs: `ls_runs` over synthetic run directories.

    python benchmarks/listing.py [--runs 1000 10000] [--large] [--repeats 5] [--epochs 10]

For each number of runs it makes a study of so many finished runs and lists it without an index (`cold`, which
also writes one), with it (`warm`, the median), and again after a hundredth of the runs changed (`changed`).
Prints seconds, of the clock and of this process's CPU time, microseconds a run, the size of the index, and
how the times grow from one number to the next. --large adds 100,000 runs; making them takes ten minutes.
Reading is from the file system's cache: the files were just written.
"""

import argparse
import json
import random
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from harness import Benchmark, Options

from results import layout, ls_runs
from results.files import encode, write_json
from results.index import SETTLED

LARGE = 100_000
# As long as Keras' summary of a small network.
MODEL = 'Model: "sequential"\n' + "\n".join(
    f"│ dense_{row} (Dense) │ (None, {{}}) │ 200,960 │" for row in range(12)
)


def make_study(folder: Path, runs: int, epochs: int) -> None:
    """Write a study of finished runs as a search leaves them, without TensorBoard's events."""
    chance = random.Random(0)
    folder.mkdir(parents=True)
    _write(folder / layout.STUDY, {"name": folder.name, "metric": {"name": "val_loss", "goal": "min"}})
    for number in range(runs):
        make_run(folder, number, epochs, chance)


def make_run(folder: Path, number: int, epochs: int, chance: random.Random) -> None:
    """Write one finished run."""
    second = f"{number // 3600 % 24:02}-{number // 60 % 60:02}-{number % 60:02}"
    run = folder / f"2026-01-{1 + number // 86400:02}T{second}.{number:06}Z"
    run.mkdir()
    flags = {
        "nodes1": chance.choice([64, 128, 256]), "nodes2": chance.choice([64, 128, 256]),
        "dropout1": chance.choice([0.2, 0.3, 0.4]), "dropout2": chance.choice([0.2, 0.3, 0.4]),
        "optimizer": chance.choice(["rmsprop", "adam"]), "lr_annealing": chance.choice([0.1, 0.05]),
    }  # fmt: skip
    record = {"id": run.name, "number": number, "study": folder.name, "script": "train.py", "seed": number}
    _write(run / layout.RUN, {**record, "flags": flags, "threads": 1, "start": "2026-01-01T00:00:00.000001Z"})
    lines = [
        {"step": step, "time": "2026-01-01T00:00:01.000001Z", "metrics": {
            "loss": chance.random(), "accuracy": chance.random(),
            "val_loss": chance.random(), "val_accuracy": chance.random(), "learning_rate": 0.001,
        }}
        for step in range(1, epochs + 1)
    ]  # fmt: skip
    (run / layout.METRICS).write_text("".join(encode(line) + "\n" for line in lines))
    sizes = {"samples": 48000, "validation_samples": 12000, "batch_size": 128, "epochs": epochs}
    network = {
        "optimizer": "Adam",
        "loss_function": "mse",
        "model": MODEL.replace("{}", str(flags["nodes1"])),
    }
    _write(run / layout.PROPERTIES, {**sizes, **network, "epochs_completed": epochs, "learning_rate": 0.001})
    _write(run / layout.EVALUATION, {"metrics": {"loss": chance.random(), "accuracy": chance.random()}})
    (run / layout.OUTPUT).write_text("Epoch 1/10\n" * epochs)
    end = {"end": "2026-01-01T00:01:00.000001Z", "exit_code": 0, "cpu_seconds": 12.5}
    _write(run / layout.OUTCOME, {"status": "completed", **end, "peak_memory_bytes": 800_000_000})


def _write(path: Path, found: Mapping[str, Any]) -> None:
    """Put JSON where nobody looks yet."""
    path.write_text(encode(found) + "\n")


def seconds(folder: Path, rows: int) -> tuple[float, float]:
    """How long one listing takes, and how much of it is this process's own CPU time."""
    began = time.perf_counter(), time.process_time()
    table = ls_runs(runs_dir=folder)
    took = time.perf_counter() - began[0], time.process_time() - began[1]
    if len(table) != rows:
        raise RuntimeError(f"expected {rows} rows, but got {len(table)}")
    return took


def measure(parent: Path, runs: int, epochs: int, repeats: int) -> dict[str, Any]:
    """Make a study below `parent` and list it."""
    folder = parent / f"study-{runs}"
    make_study(folder, runs, epochs)
    time.sleep(SETTLED / 1e9 + 0.1)  # what has just changed isn't put into the index
    cold, cold_cpu = seconds(folder, runs)
    again = [seconds(folder, runs) for _ in range(repeats)]
    warm, warm_cpu = (statistics.median(times) for times in zip(*again, strict=True))
    for run in sorted(folder.glob("2026-*"))[::100]:
        write_json(run / layout.EVALUATION, {"metrics": {"loss": 0.5, "accuracy": 0.5}})
    changed, _ = seconds(folder, runs)
    index = folder / layout.INDEX
    return {
        "runs": runs,
        "cold_s": round(cold, 3),
        "warm_s": round(warm, 3),
        "changed_s": round(changed, 3),
        "cold_cpu_s": round(cold_cpu, 3),
        "warm_cpu_s": round(warm_cpu, 3),
        "cold_us_a_run": round(1e6 * cold / runs, 1),
        "warm_us_a_run": round(1e6 * warm / runs, 1),
        "cold_over_warm": round(cold / warm, 1),
        "index_mb": round(index.stat().st_size / 1e6, 2) if index.exists() else None,
    }


def growth(measured: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """From each number of runs to the next: how many times as many, and how many times as long."""
    return [
        {
            "runs": round(after["runs"] / before["runs"], 2),
            "cold": round(after["cold_s"] / before["cold_s"], 2),
            "warm": round(after["warm_s"] / before["warm_s"], 2),
        }
        for before, after in pairwise(measured)
    ]


def figures(options: Options) -> dict[str, float]:
    """Seconds of listings, cold and warm."""
    found: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as parent:
        ls_runs(runs_dir=parent)  # the imports
        for runs in (100, 200) if options.quick else (1_000, 10_000, LARGE):
            measured = measure(Path(parent), runs, epochs=10, repeats=3)
            found |= {f"{runs:,} runs, {state}": measured[f"{state}_s"] for state in ("cold", "warm")}
    return found


BENCHMARKS = [
    Benchmark(
        "listing", "seconds", figures, digits=2, rounds=1,
        aim="linear in the number of runs; 10,000 warm under 0.5 s",
    ),
]  # fmt: skip


def main(argv: Sequence[str] | None = None) -> None:
    """Measure and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--runs", type=int, nargs="+", default=[1000, 10_000])
    parser.add_argument("--large", action="store_true", help=f"also {LARGE:,} runs")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=10)
    asked = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as parent:
        ls_runs(runs_dir=parent)  # the imports
        sizes = [*asked.runs, *([LARGE] if asked.large else [])]
        measured = [measure(Path(parent), runs, asked.epochs, asked.repeats) for runs in sizes]
    print(json.dumps({"listings": measured, "growth": growth(measured)}, indent=1))


if __name__ == "__main__":
    main()
