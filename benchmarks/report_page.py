"""What the report of a large study costs: seconds to write it, its size, and until it answers a click.

    python benchmarks/report_page.py [--runs 1000] [--epochs 30] [--repeats 3] [--keep DIR]

Makes a study of synthetic runs, writes its report, and opens the file in headless Chromium.
Measured there, each time in a fresh browser: from opening to a click on the header of the metric's
column having sorted the table, and from opening until the first figure is drawn. Needs playwright and
/usr/bin/chromium.
"""

import argparse
import json
import math
import random
import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.sync_api import sync_playwright

from results import layout, report
from results.clock import timestamp
from results.files import write_json

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
             "--disable-background-networking", "--disable-component-update"]  # fmt: skip
WORKERS = 4


def make_study(folder: Path, runs: int, epochs: int) -> None:
    """Write a study as a search of four workers leaves it, a tenth of its runs failed or diverged."""
    chance = random.Random(0)
    folder.mkdir(parents=True)
    write_json(folder / layout.STUDY, {"name": folder.name, "metric": {"name": "val_loss", "goal": "min"}})
    free = [datetime(2026, 1, 1, tzinfo=UTC)] * WORKERS
    for number in range(runs):
        worker = min(range(WORKERS), key=free.__getitem__)
        start = free[worker] + timedelta(microseconds=number + 1)
        free[worker] = end = start + timedelta(seconds=chance.uniform(5, 60))
        make_run(folder, number, epochs, chance, start, end)


def make_run(
    folder: Path, number: int, epochs: int, chance: random.Random, start: datetime, end: datetime
) -> None:
    """Write one run."""
    run = folder / start.strftime(layout.RUN_NAME_FORMAT)
    run.mkdir()
    nodes1, lr = chance.choice([64, 128, 256]), 10 ** chance.uniform(-5, -1)
    optimizer = chance.choice(["rmsprop", "adam", "sgd"])
    flags = {
        "nodes1": nodes1, "nodes2": chance.choice([64, 128, 256]),
        "nodes3": chance.choice([64, 128, 256]), "dropout1": chance.choice([0.2, 0.3, 0.4]),
        "dropout2": chance.choice([0.2, 0.3, 0.4]), "optimizer": optimizer, "lr": lr,
    }  # fmt: skip
    record = {"id": run.name, "number": number, "study": folder.name, "script": "train.py", "seed": number}
    write_json(run / layout.RUN, {**record, "flags": flags, "threads": 1, "start": timestamp(start)})
    bad = 32 / nodes1 + abs(math.log10(lr) + 3) / 3 + 0.3 * (optimizer == "sgd")
    lines = []
    for step in range(1, epochs + 1):
        loss = bad / 4 + math.exp(-step / 8) + chance.gauss(0, 0.01)
        metrics = {
            "loss": loss,
            "accuracy": 1 / (1 + loss),
            "val_loss": loss * 1.1,
            "val_accuracy": 0.9 / (1 + loss),
        }
        lines.append(json.dumps({"step": step, "time": timestamp(start), "metrics": metrics}))
    (run / layout.METRICS).write_text("\n".join(lines) + "\n")
    status, reason = "completed", None
    if number % 10 == 9:
        status, reason = chance.choice([("failed", "ValueError: no good"), ("diverged", "val_loss is NaN")])
    write_json(run / layout.OUTCOME, {"status": status, "end": timestamp(end), "reason": reason})


def open_page(path: Path) -> tuple[float, float]:
    """Seconds from opening the file to a sorted table, and to the first drawn figure."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page()
        start = time.perf_counter()
        page.goto(path.resolve().as_uri(), wait_until="commit")
        heading = page.locator("#leaderboard-table th[title='best_val_loss']")
        heading.locator("button").click()
        page.locator("th[title='best_val_loss'][aria-sort='ascending']").wait_for()
        clicked = time.perf_counter() - start
        page.locator(".figure").first.scroll_into_view_if_needed()
        page.locator(".figure .main-svg").first.wait_for()
        drawn = time.perf_counter() - start
        browser.close()
    return clicked, drawn


def main() -> None:
    """Print the numbers."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--keep", type=Path, help="make the study here and leave it")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        study = (options.keep or Path(temporary)) / "synthetic"
        make_study(study, options.runs, options.epochs)
        start = time.perf_counter()
        path = report(study)
        written = time.perf_counter() - start
        size = path.stat().st_size / 1e6
        print(f"{options.runs} runs of {options.epochs} epochs: {size:.1f} MB in {written:.1f} s")
        times = [open_page(path) for _ in range(options.repeats)]
    for name, values in zip(
        ("sorted after a click", "first figure drawn"), zip(*times, strict=True), strict=True
    ):
        print(
            f"{name}: {statistics.median(values):.2f} s (median of {len(values)}; worst {max(values):.2f} s)"
        )


if __name__ == "__main__":
    main()
