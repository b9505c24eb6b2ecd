import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from results import layout
from results.files import write_json
from results.recorder import Recorder
from results.runs import create_run, finish_run
from results.status import Status

MakeRun = Callable[..., Path]
RunProgram = Callable[[str, Path], dict[str, Any]]


@pytest.fixture(scope="session")
def run_program() -> RunProgram:
    """Runs a program of this directory that trains with Keras, on a folder; what it prints last, as JSON."""

    def run(name: str, folder: Path) -> dict[str, Any]:
        program = Path(__file__).with_name(name)
        quiet = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
        asked = [sys.executable, str(program), str(folder)]
        done = subprocess.run(asked, capture_output=True, text=True, env=quiet, check=False)
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return found

    return run


@pytest.fixture
def runs_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty runs directory, named as a user names it: from the working directory."""
    monkeypatch.chdir(tmp_path)
    Path("runs").mkdir()
    return Path("runs")


@pytest.fixture
def make_run(runs_dir: Path) -> MakeRun:
    def make(
        *epochs: Mapping[str, float],
        study: str | None = None,
        status: Status | None = Status.COMPLETED,
        flags: Mapping[str, Any] | None = None,
        **record: Any,
    ) -> Path:
        parent = runs_dir / study if study else runs_dir
        run_dir = create_run(parent, {"flags": dict(flags or {}), "study": study, **record})
        recorder = Recorder(run_dir)
        for metrics in epochs:
            recorder.log(metrics)
        recorder.close()
        if status is not None:
            finish_run(run_dir, status=status)
        return run_dir

    return make


@pytest.fixture
def make_study(runs_dir: Path) -> Callable[..., Path]:
    def make(name: str, metric: str = "val_loss", goal: str = "min") -> Path:
        folder = runs_dir / name
        folder.mkdir()
        write_json(folder / layout.STUDY, {"name": name, "metric": {"name": metric, "goal": goal}})
        return folder

    return make


@pytest.fixture
def names() -> Callable[[Any], Sequence[str]]:
    """The names of the run directories of a table, in its order."""
    return lambda table: [path.rsplit("/", 1)[-1] for path in table["run_dir"]]
