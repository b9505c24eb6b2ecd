"""The benchmarks against peers work, in their quick form; what they measure is nobody's affair here."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
QUICK = [
    "pruned search",
    "overhead",
    "first result",
    "memory",
    "efficiency",
    "grid",
    "listing",
    "TensorBoard",
    "steps",
    "limit",
]


def measured(names: list[str], out: Path) -> dict[str, dict[str, object]]:
    """The figures of a quick round."""
    done = subprocess.run(
        [sys.executable, "benchmarks/all.py", "--quick", "--out", str(out), *names],
        cwd=ROOT, env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    logs = "".join(f"\n{log.name}: {log.read_text()[-2000:]}" for log in out.glob("*.log"))
    assert done.returncode == 0, done.stdout + done.stderr + logs
    assert (out / "benchmarks.md").read_text().strip() == done.stdout.strip()
    found: dict[str, dict[str, object]] = json.loads((out / "benchmarks.json").read_text())["figures"]
    return found


@pytest.mark.slow
def test_the_same_search_by_gridruns_and_its_peers(tmp_path: Path) -> None:
    sides = {"unit", "gridruns", "keras-tuner", "Optuna", "shell loop"}
    if find_spec("tensorboardX") is not None and find_spec("ray") is not None:
        sides.add("Ray Tune")
    for figures in measured(["search"], tmp_path).values():
        assert set(figures) == sides


@pytest.mark.slow
@pytest.mark.parametrize("name", QUICK)
def test_the_other_benchmarks(name: str, tmp_path: Path) -> None:
    found = measured([name], tmp_path)
    assert found
    for figures in found.values():
        assert figures.pop("unit")
        assert figures and all(figures.values())


def test_an_unknown_name_is_one_line(tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = subprocess.run(
        [sys.executable, "benchmarks/all.py", "--out", str(out), "speed"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1 and "names must be among search, pruned search" in done.stderr
    assert not out.exists()
