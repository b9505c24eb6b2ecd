"""gridruns: a training script with flags, and a table of points; a trial at once on each core.

As docs/performance.md tells its users: the arrays are computed once, and the trials map them.
`python gridruns_search.py WORK.json RESULT.json [64]`; the last is `--steps-per-execution`.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from work import Found, Work, main, read

from results import best_run
from search import tuning_run

SCRIPT = Path(__file__).parent / "gridruns_script.py"


def search(work: Work) -> Found:
    """Run the points in their order."""
    table = pd.DataFrame(work.points).assign(number=range(len(work.points)))
    arrays = Path(sys.argv[2]).resolve().parent / "arrays"
    arrays.mkdir(exist_ok=True)
    for name, array in zip(("images", "labels"), read(work.data), strict=True):
        np.save(arrays / f"{name}.npy", array)
    common = ("epochs", "batch_size", "steps_per_execution")
    fixed = {**{name: getattr(work, name) for name in common}, "patience": work.patience or 0}
    steps = int(sys.argv[3]) if sys.argv[3:] else None
    points = table.assign(**fixed, arrays=str(arrays))
    with tempfile.TemporaryDirectory() as folder:
        runs = tuning_run(
            SCRIPT, points, order="grid", pruner=work.pruner, steps_per_execution=steps,
            runs_dir=folder, quiet=True,
        )  # fmt: skip
        lines = {int(run["flag_number"]): Path(run["metrics"]) for _, run in runs.iterrows()}
        losses = {number: _losses(file) for number, file in lines.items()}
        return Found(losses, int(best_run(folder)["flag_number"].item()))


def _losses(file: Path) -> list[float]:
    return [float(value) for value in pd.read_json(file, lines=True)["metrics"].map(lambda m: m["val_loss"])]


if __name__ == "__main__":
    main(search)
