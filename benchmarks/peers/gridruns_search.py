"""gridruns: a training script with flags, and a table of points; a trial at once on each core."""

import tempfile
from pathlib import Path

import pandas as pd
from work import Found, Work, main

from results import best_run
from search import tuning_run

SCRIPT = Path(__file__).parent / "gridruns_script.py"


def search(work: Work) -> Found:
    """Run the points in their order."""
    table = pd.DataFrame(work.points).assign(number=range(len(work.points)))
    common = ("data", "epochs", "batch_size", "steps_per_execution")
    fixed = {**{name: getattr(work, name) for name in common}, "patience": work.patience or 0}
    points = table.assign(**fixed)
    with tempfile.TemporaryDirectory() as folder:
        runs = tuning_run(SCRIPT, points, order="grid", pruner=work.pruner, runs_dir=folder, quiet=True)
        lines = {int(run["flag_number"]): Path(run["metrics"]) for _, run in runs.iterrows()}
        losses = {number: _losses(file) for number, file in lines.items()}
        return Found(losses, int(best_run(folder)["flag_number"].item()))


def _losses(file: Path) -> list[float]:
    return [float(value) for value in pd.read_json(file, lines=True)["metrics"].map(lambda m: m["val_loss"])]


if __name__ == "__main__":
    main(search)
