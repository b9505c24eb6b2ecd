"""The benchmark of listings runs, and says what it should."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.slow
def test_the_benchmark_prints_times_and_growth() -> None:
    done = subprocess.run(
        [sys.executable, "benchmarks/listing.py", "--runs", "50", "200", "--repeats", "3"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    few, many = found["listings"]
    assert few["index_mb"] is None
    assert many["index_mb"] > 0
    assert [step["runs"] for step in found["growth"]] == [4.0]
