"""A cluster of several nodes on this machine, real processes of Ray's, and searches that run on it."""

import json
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import chdir
from pathlib import Path
from typing import Any

import psutil
import pytest

from results import layout
from tests.faults.support import runs_of
from tests.ports import free_port

DEADLINE = 180.0  # seconds after which a condition that should come true counts as broken

# A training that says it has begun and then waits for the file `go`.
WAITS = """
import os, random, time
from results import log_metrics
from spaces import flag_integer, flags
FLAGS = flags(flag_integer("a", 1), flag_integer("b", 1))
log_metrics(1, val_loss=FLAGS.a + 1, draw=random.random())
while not os.path.exists("go"):
    time.sleep(0.02)
log_metrics(2, val_loss=FLAGS.a)
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory with a script train.py."""
    monkeypatch.chdir(tmp_path)
    Path("train.py").write_text(WAITS)
    return tmp_path


class Nodes:
    """A head without CPUs, where the searches are, and nodes with a CPU and, by their own word, two GPUs."""

    def __init__(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Ray's own
            from ray.cluster_utils import Cluster

            self._cluster: Any = Cluster()
            port = free_port()
            with chdir("/"):
                self._cluster.add_node(num_cpus=0, include_dashboard=False, ray_client_server_port=port)
        self.alive: dict[str, Any] = {}
        self.address: str = self._cluster.address
        self.client_address = f"ray://127.0.0.1:{port}"

    def have(self, count: int) -> None:
        """Add nodes until there are so many."""
        while len(self.alive) < count:
            with warnings.catch_warnings(), chdir("/"):  # a search's folder is no place for them
                warnings.simplefilter("ignore")
                node = self._cluster.add_node(num_cpus=1, num_gpus=2)
            self.alive[node.node_id] = node

    def kill(self, name: str) -> None:
        """End all processes of a node, as a machine that loses its power does."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._cluster.remove_node(self.alive.pop(name), allow_graceful=False)

    def client_log(self) -> str:
        """What Ray's server for ray:// addresses has noted."""
        logs = Path(self._cluster.head_node.get_session_dir_path()) / "logs"
        return (logs / "ray_client_server.err").read_text()

    def close(self) -> None:
        """End the cluster."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._cluster.shutdown()


@pytest.fixture(scope="session")
def cluster(ray_token: None) -> Iterator[Nodes]:
    """One cluster for all tests, since it takes seconds to start."""
    nodes = Nodes()
    yield nodes
    nodes.close()


@pytest.fixture
def nodes(cluster: Nodes) -> Nodes:
    """The cluster with two nodes, whatever became of those of other tests."""
    cluster.have(2)
    return cluster


Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(folder: Path) -> Iterator[Start]:
    """Start gridruns with some arguments; what still runs at the end is killed."""
    begun: list[subprocess.Popen[str]] = []

    def start_command(*arguments: str) -> subprocess.Popen[str]:
        with open("said", "a") as said:
            process = subprocess.Popen(
                [sys.executable, "-m", "gridruns", *arguments],
                stdin=subprocess.DEVNULL, stdout=said, stderr=said, text=True,
            )  # fmt: skip
        begun.append(process)
        return process

    yield start_command
    for process in begun:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.wait()


def ended(process: subprocess.Popen[str]) -> int:
    """The exit code of a search that should end now."""
    try:
        return process.wait(DEADLINE)
    except subprocess.TimeoutExpired:
        raise AssertionError(Path("said").read_text()) from None


def wait_until(condition: Callable[[], object], what: str) -> None:
    """Look until `condition` holds."""
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}: {Path('said').read_text()}"
        time.sleep(0.02)


def begun() -> dict[Path, str]:
    """The runs whose first epoch has come back, and the node that each runs on."""
    return {
        run: json.loads((run / layout.NODE).read_text())["node"]
        for run in runs_of()
        if (run / layout.METRICS).exists() and (run / layout.METRICS).stat().st_size
    }


def slots() -> list[psutil.Process]:
    """The Ray workers that are slots of searches."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.cmdline()[:1] and process.cmdline()[0].startswith("ray::Slot"):
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found
