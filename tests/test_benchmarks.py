"""The benchmarks against peers work, in their quick form; what they measure is nobody's affair here."""

import importlib
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
    "practice",
    "growing",
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
    sides = {"unit", "gridruns", "gridruns --steps-per-execution 64", "keras-tuner", "Optuna", "shell loop"}
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


def test_a_table_says_how_many_times_as_long_as_the_others_ours_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    harness = importlib.import_module("harness")
    rounds = iter([{"ours": 1.0, "theirs": 4.0}, {"ours": 2.0, "theirs": 4.0}, {"ours": 1.0, "theirs": 1.0}])
    measured = harness.Measured(harness.Benchmark("search", "s", lambda _: next(rounds), "ours", aim="less"))
    for _ in range(3):
        measured.take(None)
    assert measured.table().splitlines() == [
        "| search | s: min | median | max | ours / this |",
        "|---|---|---|---|---|",
        "| ours | 1.0 | 1.0 | 2.0 |  |",
        "| theirs | 1.0 | 4.0 | 4.0 | 0.50 (0.25 to 1.00) |",
        "",
        "Aim: less.",
    ]


@pytest.mark.parametrize(
    ("arguments", "law"),
    [
        (["speed"], "names must be among search, pruned search"),
        (["--rounds", "0"], "rounds must be at least 1, but got 0"),
        (["grid"], "MNIST_NPZ must name mnist.npz, but is None"),
    ],
)
def test_what_cant_be_measured_is_one_line(arguments: list[str], law: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    environ = {name: value for name, value in os.environ.items() if name != "MNIST_NPZ"}
    done = subprocess.run(
        [sys.executable, "benchmarks/all.py", "--out", str(out), *arguments],
        cwd=ROOT, env=environ, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1 and law in done.stderr and done.stderr.count("\n") == 1
    assert not out.exists()
