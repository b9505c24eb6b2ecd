"""The screenshots in docs/images/, taken anew of a study that it runs: 24 networks on handwritten digits.

    python docs/make_screenshots.py [--study runs/STUDY]

Needs playwright and /usr/bin/chromium; the study takes about two minutes on two cores, and one that is there
already can be named instead.
"""

import argparse
import contextlib
import shutil
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from results import leaderboard, report, view_comparison, view_run
from search import tuning_run

ROOT = Path(__file__).parent.parent
IMAGES = ROOT / "docs" / "images"
CHROMIUM = "/usr/bin/chromium"
SWITCHES = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
            "--disable-background-networking", "--disable-component-update"]  # fmt: skip
SIZE = {"width": 1100, "height": 900}
LARGEST = 300_000  # bytes of an image


def search() -> Path:
    """Run the study in the working directory, so that pages show no path of this machine; return its own."""
    shutil.copytree(ROOT / "scripts", "scripts", ignore=shutil.ignore_patterns("__pycache__"))
    runs = tuning_run(
        "scripts/mnist_grid_search.py", flags="mnist_grid_search", trials=24, set=["data=digits"],
        study="digits", yes=True,
    )  # fmt: skip
    return Path(str(runs["run_dir"].iloc[0])).parent


def shoot(browser: Any, page: Path, name: str, scheme: str, height: int) -> None:
    """Save what a page shows of its first `height` pixels, when its figures there are drawn."""
    context = browser.new_context(color_scheme=scheme, viewport={**SIZE, "height": height})
    opened = context.new_page()
    opened.goto(page.resolve().as_uri())
    for figure in opened.locator(".figure").all():
        if figure.is_visible() and figure.bounding_box()["y"] < height:
            figure.locator("svg.main-svg").first.wait_for(state="attached")
    path = IMAGES / f"{name}.png"
    opened.screenshot(path=path)
    context.close()
    size = path.stat().st_size
    print(f"{path.relative_to(ROOT)}: {size:,} bytes")
    if size > LARGEST:
        raise SystemExit(f"{path.name} must have at most {LARGEST:,} bytes, but has {size:,}")


def main() -> None:
    """Make the pages and photograph them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--study", type=Path, help="a study that is there already")
    options = parser.parse_args()
    IMAGES.mkdir(exist_ok=True)
    named = options.study and options.study.resolve()
    with (
        tempfile.TemporaryDirectory() as temporary,
        contextlib.chdir(temporary),
        sync_playwright() as driver,
    ):
        pages = Path(temporary)
        study = named or search()
        best = leaderboard(study).head(3)
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=SWITCHES)
        shoot(browser, report(study, output=pages / "report.html"), "report", "light", 1900)
        shoot(browser, view_comparison(best, output=pages / "compare.html"), "compare", "light", 1750)
        shoot(browser, view_comparison(best, output=pages / "compare.html"), "compare-dark", "dark", 1750)
        shoot(browser, view_run(best.head(1), output=pages / "run.html"), "run", "light", 1700)
        browser.close()


if __name__ == "__main__":
    main()
