"""All benchmarks against peers, or some, with one command.

    MNIST_NPZ=mnist.npz python benchmarks/all.py --out DIR [--rounds 3] [--trials 12] [--epochs 5] [NAME ...]
    python benchmarks/all.py --quick --out DIR

DIR gets benchmarks.json, with every figure, and benchmarks.md, a table for each; both are written anew
after each benchmark. `--quick` tries whether everything works, with scikit-learn's digits.
"""

import argparse
import importlib
import json
import os
from pathlib import Path

from harness import Benchmark, Measured, Options, machine

NAMES = {
    "search": "searching",
    "pruned search": "pruned",
    "overhead": "overhead",
    "efficiency": "efficiency",
    "first result": "first_result",
    "memory": "memory",
    "grid": "grids",
    "listing": "listing",
    "TensorBoard": "event_files",
    "steps": "steps",
    "practice": "practice",
    "growing": "growing",
    "limit": "limit",
}
"""The benchmarks by name, and the modules that hold them as `BENCHMARKS`."""


def benchmarks(name: str) -> list[Benchmark]:
    """What a module measures."""
    found: list[Benchmark] = importlib.import_module(NAMES[name]).BENCHMARKS
    return found


def write(out: Path, about: dict[str, object], done: list[Measured]) -> None:
    """Write what has been measured by now."""
    figures = {one.benchmark.name: {"unit": one.benchmark.unit, **one.figures} for one in done}
    (out / "benchmarks.json").write_text(json.dumps({**about, "figures": figures}, indent=1) + "\n")
    (out / "benchmarks.md").write_text("\n\n".join(one.table() for one in done) + "\n")


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}; all if not given")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--trials", type=int, default=12)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="one small round, on scikit-learn's digits")
    asked = parser.parse_intermixed_args()
    unknown = sorted(set(asked.names) - set(NAMES))
    if unknown:
        raise SystemExit(f"names must be among {', '.join(NAMES)}, but got {', '.join(unknown)}")
    small = [name for name in ("rounds", "trials", "epochs") if getattr(asked, name) < 1]
    if small:
        raise SystemExit(f"{small[0]} must be at least 1, but got {getattr(asked, small[0])}")
    if not asked.quick and not Path(os.environ.get("MNIST_NPZ", "")).is_file():
        raise SystemExit(f"MNIST_NPZ must name mnist.npz, but is {os.environ.get('MNIST_NPZ')!r}")
    asked.out.mkdir(parents=True, exist_ok=True)
    rounds, trials, epochs = (1, 2, 1) if asked.quick else (asked.rounds, asked.trials, asked.epochs)
    options = Options(asked.out.resolve(), asked.quick, trials, epochs)
    about = {**machine(), "quick": asked.quick, "rounds": rounds, "trials": trials, "epochs": epochs}
    done: list[Measured] = []
    for name in asked.names or NAMES:
        for benchmark in benchmarks(name):
            if asked.quick and not benchmark.quick:
                continue
            done.append(Measured(benchmark))
            for _ in range(min(rounds, benchmark.rounds)):
                done[-1].take(options)
                write(options.out, about, done)
            print(done[-1].table(), end="\n\n", flush=True)


if __name__ == "__main__":
    main()
