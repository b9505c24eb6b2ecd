"""What a trial costs besides the script: no-op trials, all recording included.

    python benchmarks/overhead.py [--trials 200] [--workers 2]

Prints the median, the 10th and the 90th percentile of the wall time between two ends of trials, and, in the
same run, of `python script.py` for the same script, as a ratio.
"""

import argparse
import itertools
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from search import tuning_run

SCRIPT = Path(__file__).parent / "scripts" / "noop.py"


def ends(folder: Path) -> list[float]:
    """The moments at which the trials of a study were recorded, in seconds, sorted."""
    return sorted(path.stat().st_mtime for path in folder.glob("*/outcome.json"))


def quantiles(seconds: Sequence[float]) -> dict[str, float]:
    """Median, 10th and 90th percentile, in milliseconds."""
    tenths = statistics.quantiles(seconds, n=10)
    return {
        "p10": round(1000 * tenths[0], 2),
        "median": round(1000 * statistics.median(seconds), 2),
        "p90": round(1000 * tenths[-1], 2),
    }


def main() -> None:
    """Run and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--start-method", default="auto")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as runs_dir:
        began = time.monotonic()
        tuning_run(
            SCRIPT,
            {"x": list(range(asked.trials))},
            study="noop",
            runs_dir=runs_dir,
            workers=asked.workers,
            start_method=asked.start_method,
            quiet=True,
        )
        whole = time.monotonic() - began
        moments = ends(Path(runs_dir) / "noop")
    gaps = [after - before for before, after in itertools.pairwise(moments)]
    plain = []
    for _ in range(10):
        began = time.monotonic()
        subprocess.run([sys.executable, str(SCRIPT)], check=True)
        plain.append(time.monotonic() - began)
    ours, python = quantiles(gaps), quantiles(plain)
    print(
        json.dumps(
            {
                "trials": asked.trials,
                "workers": asked.workers,
                "start_method": asked.start_method,
                "ms_a_trial": ours,
                "ms_a_python_process": python,
                "ratio_of_medians": round(ours["median"] / python["median"], 3),
                "seconds_in_all": round(whole, 2),
            },
            indent=1,
        )
    )


if __name__ == "__main__":
    main()
