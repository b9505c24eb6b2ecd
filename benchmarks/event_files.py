"""TensorBoard: what its events cost a trial, and how long it takes to list the trials of a search."""

import json
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness import (
    NETWORK,
    Benchmark,
    Options,
    environment,
    gridruns,
    only_run,
    python,
    run_seconds,
    seconds_of,
)

from results.status import Status
from results.tensorboard import ScalarWriter, write_session_end, write_session_start

SCRIPT = Path(__file__).resolve().parent / "scripts" / "timed_fit.py"
TRIALS, EPOCHS = 145, 20
METRICS = ("loss", "accuracy", "val_loss", "val_accuracy", "learning_rate")
SERVER = """
import sys, time
from results.board import launch
print(launch(sys.argv[1], port=0), flush=True)
sys.stdin.read()
"""
PATIENCE = 120.0


def writing(options: Options) -> dict[str, float]:
    """Milliseconds and kilobytes of a trial's events, and what share of its time writing them takes."""
    trials = 5 if options.quick else TRIALS
    with tempfile.TemporaryDirectory() as folder:
        _write(Path(folder) / "first", 0)  # the imports
        began = time.perf_counter()
        for number in range(trials):
            _write(Path(folder) / f"run-{number:03}", number)
        spent = (time.perf_counter() - began) / trials
        size = sum(file.stat().st_size for file in Path(folder).rglob("*tfevents*")) / (trials + 1)
    return {
        "writing, ms": 1000 * spent,
        "size, kB": size / 1000,
        "writing over the whole trial, %": 100 * spent / _trial(options),
    }


def _trial(options: Options) -> float:
    """Seconds of a trial that trains the chapter's network."""
    with tempfile.TemporaryDirectory() as folder:
        asked = ["--steps-per-execution", 64, "--threads", 1, "--runs-dir", folder, "--quiet"]
        flags = ["--data", options.data, "--epochs", EPOCHS]
        log = options.out / "event-files.log"
        seconds_of(gridruns("train", SCRIPT, *asked, "--", *flags), log, environment(*NETWORK))
        return run_seconds(only_run(folder))


def listing(options: Options) -> dict[str, float]:
    """Seconds from TensorBoard's start until HParams lists all trials."""
    trials = 5 if options.quick else TRIALS
    with tempfile.TemporaryDirectory() as folder:
        for number in range(trials):
            _write(Path(folder) / f"run-{number:03}", number)
        return {f"{trials} trials": _seconds_to_list(folder, trials)}


def _write(run: Path, number: int) -> None:
    """What a trial writes, and its search for it."""
    run.mkdir()
    write_session_start(run, {"nodes1": 64 + number, "dropout1": 0.2, "optimizer": "adam"}, run.name)
    writer = ScalarWriter(run)
    for epoch in range(1, EPOCHS + 1):
        writer.write(epoch, {name: number / epoch for name in METRICS})
    writer.close()
    write_session_end(run, Status.COMPLETED)


def _seconds_to_list(folder: str, trials: int) -> float:
    began = time.monotonic()
    with _server(folder) as url:
        while _listed(url) < trials:
            if time.monotonic() - began > PATIENCE:
                raise SystemExit(f"TensorBoard lists {_listed(url)} of {trials} trials after {PATIENCE:g} s")
            time.sleep(0.05)
        return time.monotonic() - began


@contextmanager
def _server(folder: str) -> Iterator[str]:
    """TensorBoard as `gridruns tensorboard` has it, in a process of its own."""
    command = python("-c", SERVER, folder)
    pipe, quiet = subprocess.PIPE, subprocess.DEVNULL
    with subprocess.Popen(
        command, env=environment(), stdin=pipe, stdout=pipe, stderr=quiet, text=True
    ) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.communicate("")


def _listed(url: str) -> int:
    """How many trials the HParams tab has."""
    asked = {"startIndex": 0, "sliceSize": 1000, "allowedStatuses": ["STATUS_SUCCESS"], "colParams": []}
    body = json.dumps(asked).encode()
    kind = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{url}data/plugin/hparams/session_groups", body, kind)
    with urllib.request.urlopen(request) as answer:
        return len(json.load(answer).get("sessionGroups", []))


BENCHMARKS = [
    Benchmark(
        f"TensorBoard's events of a trial of {EPOCHS} epochs", "figure", writing, digits=2,
        aim="under 1% of a trial",
    ),
    Benchmark("TensorBoard's start until HParams lists all", "seconds", listing, digits=2),
]  # fmt: skip
