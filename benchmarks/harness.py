"""What the benchmarks share: rounds of figures, the machine they were made on, and tables of ratios.

A benchmark gives some figures a round, each under a name. All rounds of one are run in turn, so that
within a round its sides (A B C, A B C ...) meet the same state of a noisy machine, and a ratio is one of
figures of the same round.
"""

import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from results.run import Run, read_run
from results.runs import find_runs
from search.limits import cores

ROOT = Path(__file__).resolve().parent.parent
NETWORK = ROOT / "benchmarks" / "peers", ROOT / "scripts"
"""Where scripts that train the chapter's network find it, and its data."""
ONE_THREAD = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1", "OMP_NUM_THREADS": "1"}
"""The environment of a program that computes on one thread."""
PACKAGES = (
    "gridruns",
    "tensorflow",
    "keras",
    "keras-tuner",
    "optuna",
    "ray",
    "numpy",
    "pandas",
    "tensorboard",
)


@dataclass(frozen=True)
class Options:
    """What is asked of all benchmarks.

    Attributes:
        out: A folder for their files, which exists.
        quick: Whether to try only that they work.
        trials: Of the searches that have no number of their own.
        epochs: Of a trial, likewise.
    """

    out: Path
    quick: bool = False
    trials: int = 12
    epochs: int = 5

    @property
    def data(self) -> str:
        """The data set that networks are trained on."""
        return "digits" if self.quick else "mnist"


@dataclass(frozen=True)
class Benchmark:
    """One question.

    Attributes:
        name: As on the command line.
        unit: Of its figures.
        figures: Runs one round.
        base: The figure that the others are shown as ratios of, where that makes sense.
        digits: Shown behind the point.
        aim: What it should show.
        rounds: How many there should be at most; more would tell nothing new.
        quick: Whether the quick form tries it; one whose way another goes is left out.
    """

    name: str
    unit: str
    figures: Callable[[Options], Mapping[str, float]]
    base: str | None = None
    digits: int = 1
    aim: str = ""
    rounds: int = 100
    quick: bool = True


@dataclass
class Measured:
    """The figures of a benchmark, a list of all rounds under each name."""

    benchmark: Benchmark
    figures: dict[str, list[float]] = field(default_factory=dict)

    def take(self, options: Options) -> None:
        """Run one more round."""
        for name, figure in self.benchmark.figures(options).items():
            self.figures.setdefault(name, []).append(figure)

    def ratios(self, name: str) -> list[float]:
        """The base's figure over this one's, round by round."""
        base = self.benchmark.base
        assert base is not None
        return [ours / theirs for ours, theirs in zip(self.figures[base], self.figures[name], strict=True)]

    def table(self) -> str:
        """Markdown: minimum, median and maximum, and the ratio of the base to each."""
        one, base = self.benchmark, self.benchmark.base
        heads = [f"{one.unit}: min", "median", "max", *([f"{base} / this"] if base else [])]
        lines = [f"| {one.name} | {' | '.join(heads)} |", "|---" * (len(heads) + 1) + "|"]
        for name, found in self.figures.items():
            cells = [f"{part(found):,.{one.digits}f}" for part in (min, statistics.median, max)]
            if base:
                cells.append("" if name == base else _spread(self.ratios(name)))
            lines.append(f"| {name} | {' | '.join(cells)} |")
        aim = f"\n\nAim: {one.aim}." if one.aim else ""
        return "\n".join(lines) + aim


def _spread(ratios: Sequence[float]) -> str:
    if len(ratios) == 1:
        return f"{ratios[0]:.2f}"
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


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
        "cores": cores(),
        "load": [round(part, 2) for part in os.getloadavg()],
        "versions": versions,
    }


def environment(*paths: Path, **more: str) -> dict[str, str]:
    """What a measured program finds: this environment, these folders and this checkout to import from."""
    found = [*map(str, paths), str(ROOT), os.environ.get("PYTHONPATH", "")]
    given = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**given, "PYTHONPATH": os.pathsep.join(filter(None, found)), **more}


def seconds_of(command: Sequence[str], log: Path, env: Mapping[str, str] | None = None) -> float:
    """The wall time of a program from its start to its end; its output goes into `log`.

    Raises:
        SystemExit: It failed.
    """
    with log.open("w") as output:
        began = time.monotonic()
        done = subprocess.run(command, env=env or environment(), stdout=output, stderr=subprocess.STDOUT)
        seconds = time.monotonic() - began
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} ended with exit code {done.returncode}; see {log}")
    return seconds


def only_run(folder: str) -> Run:
    """The one run below a folder."""
    (found,) = find_runs(Path(folder))
    return read_run(found)


def run_seconds(run: Run) -> float:
    """From the start of a run to its end."""
    assert run.start is not None and run.end is not None
    return (run.end - run.start).total_seconds()


def gridruns(*arguments: object) -> list[str]:
    """A command of gridruns', with this interpreter."""
    return python("-c", "from search.cli import main; main()", *arguments)


def python(*arguments: object) -> list[str]:
    """A command of this interpreter."""
    return [sys.executable, *map(str, arguments)]


def there(side: str, *modules: str) -> bool:
    """Whether the packages of a side are installed; if not, it says so on standard error."""
    for module in modules:
        if find_spec(module) is None:
            print(f"{side} IS LEFT OUT: pip install -e '.[benchmarks]'", file=sys.stderr)
            return False
    return True


def ends(folder: Path) -> list[float]:
    """The moments at which the trials of a study were recorded, in seconds, sorted."""
    return sorted(path.stat().st_mtime for path in folder.glob("*/outcome.json"))
