"""The same search by gridruns and by what users would pick instead, in turns, as ratios.

    MNIST_NPZ=mnist.npz python benchmarks/compare.py --out DIR [--trials 12] [--epochs 5] [PEER ...]
    python benchmarks/compare.py --quick --out DIR

Each peer is a program of peers/, run as a process of its own, from its start to its end: A B C, A B C ... so
that a drift of the machine hits all alike. All train the same networks (those that
keras-tuner's RandomSearch draws) from the same data for the same epochs. DIR gets search.json, with all
figures, and search.md, a table of ratios. `--quick` tries whether everything works: two networks, one
epoch, scikit-learn's digits.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PEERS = Path(__file__).resolve().parent / "peers"
ROOT = PEERS.parent.parent
OURS = "gridruns"
PROGRAMS = {
    OURS: "gridruns_search.py",
    "keras-tuner": "keras_tuner_search.py",
    "optuna": "optuna_loop.py",
    "ray": "ray_tune_search.py",
    "shell loop": "fresh_processes.py",
}
PACKAGES = ("tensorflow", "keras", "keras-tuner", "optuna", "ray", "numpy")


def environment() -> dict[str, str]:
    """What the programs find: the modules of peers/ and of this checkout."""
    paths = [str(PEERS), str(ROOT), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}


def machine() -> dict[str, Any]:
    """Versions, cores and load at the start."""
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = "-"
    return {
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "load": [round(part, 2) for part in os.getloadavg()],
        "versions": versions,
    }


def seconds_of(peer: str, work: Path, out: Path, number: int) -> tuple[float, dict[str, list[float]]]:
    """Run one program; returns its wall time and the val_losses that it found."""
    result, log = (
        out / f"{peer.replace(' ', '-')}-{number}.json",
        out / f"{peer.replace(' ', '-')}-{number}.log",
    )
    command = [sys.executable, str(PEERS / PROGRAMS[peer]), str(work), str(result)]
    with log.open("w") as output:
        began = time.monotonic()
        done = subprocess.run(command, env=environment(), stdout=output, stderr=subprocess.STDOUT)
        seconds = time.monotonic() - began
    if done.returncode:
        raise SystemExit(f"{peer} ended with exit code {done.returncode}; see {log}")
    return seconds, json.loads(result.read_text())


def check(found: Mapping[str, Mapping[str, Sequence[float]]], trials: int, epochs: int) -> None:
    """Refuse figures of peers that haven't done the same work.

    Raises:
        SystemExit: One has other trials or epochs.
    """
    for peer, losses in found.items():
        epochs_of = [len(curve) for curve in losses.values()]
        if epochs_of != [epochs] * trials:
            raise SystemExit(f"{peer} must have trained {trials} x {epochs} epochs, but trained {epochs_of}")


def table(seconds: Mapping[str, Sequence[float]], losses: Mapping[str, Mapping[str, Sequence[float]]]) -> str:
    """Markdown: seconds and ratios to ours, of rounds."""
    lines = [
        f"| search by | seconds: min | median | max | {OURS} takes, of it | mean last val_loss |",
        "|---|---|---|---|---|---|",
    ]
    for peer, times in seconds.items():
        ratios = [ours / theirs for ours, theirs in zip(seconds[OURS], times, strict=True)]
        spread = f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
        last = statistics.fmean(curve[-1] for curve in losses[peer].values())
        lines.append(
            f"| {peer} | {min(times):.1f} | {statistics.median(times):.1f} | {max(times):.1f} | "
            f"{'' if peer == OURS else spread} | {last:.4f} |"
        )
    return "\n".join(lines)


def compare(peers: Sequence[str], out: Path, rounds: int, work: Mapping[str, Any], trials: int) -> None:
    """Run everything and write the figures."""
    out.mkdir(parents=True, exist_ok=True)
    report: dict[str, Any] = {**machine(), **work, "trials": trials, "rounds": rounds}
    points, file = out / "points.json", out / "work.json"
    drawn = [sys.executable, str(PEERS / "draw.py"), str(points), str(trials), str(work["seed"])]
    subprocess.run(drawn, env=environment(), check=True, capture_output=True)
    file.write_text(json.dumps({**work, "points": json.loads(points.read_text())}))
    seconds: dict[str, list[float]] = {peer: [] for peer in peers}
    losses: dict[str, dict[str, list[float]]] = {}
    for number in range(rounds):
        for peer in peers:
            took, losses[peer] = seconds_of(peer, file, out, number)
            seconds[peer].append(took)
            print(f"round {number + 1}, {peer}: {took:.1f} s", flush=True)
        check(losses, trials, work["epochs"])
    (out / "search.json").write_text(json.dumps({**report, "seconds": seconds, "val_loss": losses}, indent=1))
    (out / "search.md").write_text(table(seconds, losses) + "\n")
    print(table(seconds, losses))


def main() -> None:
    """Compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument(
        "peers", nargs="*", metavar="PEER", help=f"of {', '.join(PROGRAMS)}; all if not given"
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--trials", type=int, default=12)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps-per-execution", type=int, default=1, help="of compile(), for all")
    parser.add_argument("--quick", action="store_true", help="two networks, an epoch each, of digits")
    asked = parser.parse_intermixed_args()
    unknown = sorted(set(asked.peers) - set(PROGRAMS))
    if unknown:
        raise SystemExit(f"peers must be among {', '.join(PROGRAMS)}, but got {', '.join(unknown)}")
    others = [peer for peer in PROGRAMS if peer in asked.peers or not asked.peers]
    work = {
        "data": "digits" if asked.quick else "mnist",
        "epochs": 1 if asked.quick else asked.epochs,
        "batch_size": 128,
        "steps_per_execution": asked.steps_per_execution,
        "seed": asked.seed,
    }
    rounds, trials = (1, 2) if asked.quick else (asked.rounds, asked.trials)
    compare(list(dict.fromkeys([OURS, *others])), asked.out, rounds, work, trials)


if __name__ == "__main__":
    main()
