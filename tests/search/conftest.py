"""Scripts to run, and the executors to run them with."""

import os
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from search.cluster.settings import Cluster
from search.executor import Executor, Resources
from search.executors import make_executor
from search.script import read_script
from tests.search.support import EXECUTORS, Build, Write


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a script (or another file) into a folder of its own and return its path."""

    def write_file(text: str, name: str = "train.py") -> Path:
        path = tmp_path / "code" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text))
        return path

    return write_file


@pytest.fixture
def build(request: pytest.FixtureRequest) -> Iterator[Build]:
    """Build an executor that is closed at the end of the test."""
    made: list[Executor] = []
    environ = dict(os.environ)

    def build_executor(kind: str, script: Path, workers: int = 1, threads: int | None = None) -> Executor:
        name, method = EXECUTORS[kind]
        cluster = None
        if name == "ray":
            request.getfixturevalue("ray_here")
            cluster = Cluster(cpus=0.5, demand=True)
        resources = Resources(workers, threads, cluster=cluster)
        executor = make_executor(name, read_script(script), resources, method)
        made.append(executor)
        return executor

    yield build_executor
    for executor in made:
        executor.close()
    rays = {name: value for name, value in os.environ.items() if name.startswith("RAY_")}
    os.environ.clear()
    os.environ.update(environ | rays)
