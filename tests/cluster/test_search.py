"""Whole searches through Ray on this machine: what the user gets is what `local` gives."""

import importlib.util
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from results import layout, leaderboard
from results.files import read_json
from results.runs import create_run
from search import resume, training_run, tuning_run
from search.cluster.connection import Connection, import_ray, shown
from search.cluster.executor import RayExecutor
from search.cluster.settings import Cluster
from search.cluster.workers import Worker, Workers, gone
from search.executor import Ending, ExecutorError, GiveUp, Resources, Trial
from search.executors import EXECUTORS
from search.inline import InlineExecutor
from search.interrupts import Stop
from search.objective import NoResultError
from search.script import Script, read_script
from search.study import versions
from tests.cluster.conftest import Nodes, Start, ended

pytestmark = pytest.mark.cluster

NUMBERS = """
import random
import numpy as np
from results import log_metrics
from spaces import flag_integer, flag_numeric, flags
FLAGS = flags(flag_integer("a", 1), flag_numeric("b", 0.5))
weights = np.random.default_rng(random.randrange(1 << 30)).normal(size=100)
for epoch in range(1, 6):
    weights = weights * FLAGS.b + np.random.normal(size=100) / (FLAGS.a + epoch)
    log_metrics(epoch, loss=float(weights.std()), val_loss=float((weights**2).mean()))
"""
SAME = ["status", "number", "seed", "rank", "threads", "flag_a", "flag_b"]


def same(board: Any) -> Any:
    metrics = [name for name in board.columns if name.startswith(("best_", "metric_"))]
    return board[[*SAME, *metrics]].reset_index(drop=True)


@pytest.mark.parametrize("more", [{}, {"sampler": "tpe", "pruner": "median:n_startup_trials=2"}])
def test_the_leaderboard_is_that_of_a_local_search(ray_here: Any, folder: Path, more: dict[str, Any]) -> None:
    import pandas as pd

    Path("train.py").write_text(NUMBERS)
    asked = {"flags": {"a": [1, 2, 3, 4], "b": [0.1, 0.5, 0.9]}, "trials": 8, "seed": 3, "workers": 1,
             "threads": 1, "quiet": True, **more}  # fmt: skip
    local = tuning_run("train.py", study="local", **asked)
    ours = tuning_run("train.py", study="ray", executor="ray", **asked)
    assert len(ours) == 8
    pd.testing.assert_frame_equal(same(local), same(ours), check_exact=True)
    assert not more or "pruned" in set(ours["status"])
    names = [{path.name for path in (Path(board["run_dir"].iloc[0])).rglob("*")} for board in (local, ours)]
    assert names[1] - names[0] == {layout.NODE}
    assert names[0] <= names[1]


def test_limits_hold_on_nodes(ray_here: Any, folder: Path) -> None:
    Path("train.py").write_text(
        "import time\nimport numpy as np\n"
        "from results import log_metrics\nfrom spaces import flag_integer, flags\n"
        "A = flags(flag_integer('a', 1)).a\nlog_metrics(1, val_loss=A)\n"
        "field = np.ones(60_000_000) if A == 2 else 0\ntime.sleep(600 if A in (2, 3) else 0)\n"
    )
    asked: dict[str, Any] = {
        "quiet": True, "executor": "ray", "workers": 2, "cpus_per_trial": 0.5, "retries": 0,
    }  # fmt: skip
    board = tuning_run("train.py", {"a": [1, 2]}, study="memory", memory_limit="300M", **asked)
    ends = dict(zip(board["flag_a"], board["status"], strict=True))
    assert ends == {1: "completed", 2: "oom"}
    (oom,) = board[board["flag_a"] == 2].to_dict("records")
    assert oom["peak_memory_bytes"] > 300 << 20
    assert oom["reason"] == "over the memory limit of 300 MiB"
    with pytest.raises(NoResultError, match="over the trial timeout of 2 s"):
        tuning_run("train.py", {"a": [3]}, study="time", trial_timeout=2, **asked)
    assert list(leaderboard("runs/time")["status"]) == ["timeout"]


def test_a_search_that_is_cut_short_resumes_on_ray(ray_here: Any, folder: Path) -> None:
    Path("train.py").write_text(NUMBERS)
    asked = {"flags": {"a": [1, 2], "b": [0.1, 0.5]}, "order": "grid", "study": "s", "quiet": True}
    with pytest.raises(ExecutorError, match=r"'192\.0\.2\.1:1', but this process is connected to another"):
        tuning_run("train.py", executor="ray", address="192.0.2.1:1", **asked)
    tuning_run("train.py", executor="ray", cpus_per_trial=0.5, trials=2, **asked)
    execution = (read_json("runs/s/study.json") or {})["execution"]
    assert (execution["executor"], execution["cpus_per_trial"]) == ("ray", 0.5)
    board = tuning_run("train.py", executor="ray", cpus_per_trial=0.5, **asked)
    assert list(board["status"]) == ["completed"] * 4
    assert len(resume("s", quiet=True)) == 4


def test_a_single_run_shows_its_output_as_it_comes(
    ray_here: Any, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("train.py").write_text(NUMBERS + "print('came to the end')\n")
    run = training_run("train.py", {"a": 2}, executor="ray")
    assert run["status"].iloc[0] == "completed"
    assert "came to the end" in capsys.readouterr().out
    node = read_json(Path(run["run_dir"].iloc[0]) / layout.NODE)
    assert node is not None and node["host"] == os.uname().nodename


def test_what_no_node_carries_is_one_line(ray_here: Any, folder: Path) -> None:
    with pytest.raises(ExecutorError, match=r"no node of the cluster has the 1 CPU and 64 GPU .*--workers N"):
        tuning_run("train.py", {"a": [1]}, executor="ray", gpus_per_trial=64, quiet=True)
    assert not Path("runs").exists()


def test_a_trial_that_a_ray_of_our_own_can_never_carry_is_one_line(folder: Path) -> None:
    connection, cluster = Mock(started=True), Cluster(gpus=64, demand=True)
    connection.nodes.return_value = [{"NodeID": "1", "Resources": {"CPU": 2.0}}]
    with pytest.raises(ExecutorError, match=r"no node of the cluster has .* nodes have 2 CPU/0 GPU$"):
        Workers(connection, cluster, 1, b"")


def test_a_connection_that_is_lost_is_one_line(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("train.py").write_text(NUMBERS)
    lost = Exception("Ray Client is not connected. Please connect by calling `ray.init`.")
    ray = Mock()
    ray.nodes.return_value = [{"NodeID": "1", "Alive": True, "Resources": {"CPU": 1.0}}]
    monkeypatch.setattr(
        Connection, "__init__", lambda self, cluster: vars(self).update(ray=ray, started=False)
    )
    monkeypatch.setattr(Connection, "close", lambda self: None)
    executor = RayExecutor(read_script("train.py"), Resources(1, 1))
    (worker,) = executor.workers.all
    worker.facts = {"host": "b", "node": "1", "gpus": None}
    executor.submit(Trial(0, {"a": 1}, 1, create_run(folder, {"number": 0})))
    assert worker.attempt is not None
    worker.actor.send.remote.side_effect = worker.actor.close.remote.side_effect = lost
    ray.nodes.side_effect = ray.kill.side_effect = lost
    with pytest.raises(ExecutorError, match=r"^the Ray cluster can't be reached any more: Ray Client"):
        executor.workers.grow()
    executor.kill(0)
    assert executor.wait(0) == [Ending(0, None, 9)]
    executor.close()


def test_the_command_line_that_ray_notes_has_no_url(ray_here: Any) -> None:
    from ray._private import state

    (job,) = [job for job in state.jobs() if job["JobID"] == ray_here.get_runtime_context().get_job_id()]
    assert job["Entrypoint"] == shown(sys.argv)


def test_usage_statistics_are_off_unless_the_user_wants_them(
    ray_here: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for before, after in ((None, "0"), ("1", "1")):
        monkeypatch.delenv("RAY_USAGE_STATS_ENABLED", raising=False)
        if before is not None:
            monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", before)
        import_ray()
        assert os.environ["RAY_USAGE_STATS_ENABLED"] == after


def test_our_cluster_answers_no_stranger(ray_here: Any, folder: Path) -> None:
    address = ray_here.get_runtime_context().gcs_address
    assert address.startswith("127.0.0.") or sys.platform != "linux"
    # What `ray.init` asks first; that itself asks again for 20 seconds.
    asks = f"from ray._raylet import GcsClient; GcsClient(address={address!r}).get_all_node_info(timeout=300)"
    for token in (os.environ["RAY_AUTH_TOKEN"], "a guess"):
        who = {**os.environ, "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": token, "HOME": str(folder)}
        done = subprocess.run(
            [sys.executable, "-c", asks], env=who, capture_output=True, text=True, check=False
        )
        assert (done.returncode == 0) is (token != "a guess"), done.stderr
        assert ("InvalidAuthToken" in done.stderr) is (token == "a guess"), done.stderr


def test_a_node_with_other_packages_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Workers, "__init__", lambda self: None)
    workers = Workers()  # type: ignore[call-arg]
    workers.all, workers._refused = [], set()
    here = versions()
    facts = {"host": "b", "node": "1", "versions": {**here, "python": "2.7.18"}}
    del facts["versions"]["keras"]
    said = workers.admit(Worker(None), facts)
    minor = ".".join(here["python"].split(".")[:2])
    assert said == (
        f"the node b has keras not at all (here {here['keras']}), Python 2.7 (here {minor}); "
        "install the same there (docs/cluster.md)"
    )
    assert workers._refused == {"1"}
    assert workers.admit(Worker(None), {**facts, "versions": {**here, "pandas": "0"}}) is None


def test_what_ray_says_of_a_death_becomes_a_few_words() -> None:
    said = (
        "The actor died unexpectedly before finishing this task.\n\tclass_name: Slot\nThe actor is dead "
        "because its worker process has died. Worker exit type: SYSTEM_ERROR Worker exit detail: Worker "
        "unexpectedly "
        "exits with a connection error code 2. End of file. Some common causes include: (1) the process was "
        "killed by the OOM killer due to high memory usage, (2) ..."
    )
    assert gone(RuntimeError(said)) == "Worker unexpectedly exits with a connection error code 2. End of file"
    assert gone(RuntimeError("")) == "RuntimeError"


class Losing(InlineExecutor):
    """Loses the machine of each trial of the point a=2."""

    def __init__(self, script: Script, resources: Resources, start_method: str = "auto") -> None:
        """As `inline`."""
        super().__init__(script, resources, start_method)
        self.lost = 0

    def submit(self, trial: Trial, give_up: GiveUp | None = None) -> None:
        """Run a trial, or lose it."""
        if trial.flags["a"] != 2:
            super().submit(trial, give_up)
            return
        self.ended.append(Ending(trial.number, None, 9, reason="the node b was lost", lost=True))


def put_for_inline(monkeypatch: pytest.MonkeyPatch, kind: type[InlineExecutor]) -> None:
    """Let searches with the executor `inline` have one of these."""
    monkeypatch.setitem(EXECUTORS, "inline", f"{kind.__module__}:{kind.__name__}")
    monkeypatch.setitem(sys.modules, kind.__module__, sys.modules[__name__])


def test_a_point_that_loses_machine_after_machine_is_given_up(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_for_inline(monkeypatch, Losing)
    Path("train.py").write_text(NUMBERS)
    board = tuning_run("train.py", {"a": [1, 2, 3]}, study="s", executor="inline", quiet=True, retries=1)
    lost = board[board["flag_a"] == 2]
    assert sorted(lost["status"]) == ["interrupted"] * 3 + ["killed"] * 2
    assert set(lost["reason"]) == {"the node b was lost"}
    assert list(board[board["flag_a"] != 2]["status"]) == ["completed"] * 2
    assert len(resume("s", quiet=True)) == 7  # settled


class Gone(InlineExecutor):
    """Loses the cluster once its trials have begun, and says so however often it is asked."""

    def wait(self, timeout: float | None = None, stop: Stop | None = None) -> list[Ending]:
        """Lose it."""
        raise ExecutorError("the Ray cluster can't be reached any more")

    def kill(self, number: int) -> None:
        """Reach nobody."""


def test_runs_have_an_outcome_though_the_cluster_is_lost(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_for_inline(monkeypatch, Gone)
    Path("train.py").write_text(NUMBERS)
    with pytest.raises(ExecutorError, match=r"can't be reached any more$"):
        tuning_run("train.py", {"a": [1, 2]}, study="s", executor="inline", quiet=True)
    (run,) = leaderboard("runs/s").to_dict("records")
    assert (run["status"], run["reason"]) == ("interrupted", "the search was stopped")
    assert (Path(run["run_dir"]) / layout.OUTCOME).exists()


CLIENT_SERVER_DIED = "SpecificServer startup failed"  # seen once on a busy machine, with no word why


@pytest.mark.slow
def test_a_search_from_outside_the_cluster(nodes: Nodes, start: Start, folder: Path) -> None:
    Path("train.py").write_text(NUMBERS)
    search = start("tune", "train.py", "--set", "a=1,2,3", "--executor", "ray", "--pruner", "median",
                   "--address", nodes.client_address, "--study", "s")  # fmt: skip
    code = ended(search)
    if code and CLIENT_SERVER_DIED in nodes.client_log():
        pytest.skip(
            "RAY'S CLIENT SERVER DIED as it started, which Ray noted itself: nothing to try ray:// on"
        )
    assert code == 0, Path("said").read_text()
    assert set(leaderboard("runs/s")["status"]) <= {"completed", "pruned"}
    assert len(leaderboard("runs/s")) == 3


def test_a_cluster_that_is_not_there_is_one_line(folder: Path, start: Start) -> None:
    if importlib.util.find_spec("ray") is None:
        pytest.skip("NO RAY: pip install 'gridruns[ray]'")
    with socket.socket() as taken:  # bound, but nobody listens
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        search = start("tune", "train.py", "--set", "a=1,2", "--executor", "ray", "--address", address)
        assert ended(search) == 2
    (line,) = Path("said").read_text().splitlines()
    assert line == f"gridruns: Ray can't be reached at {address!r}: [Errno 111] Connection refused"
    assert not Path("runs").exists()


def test_a_share_is_what_ray_is_asked_for() -> None:
    assert Cluster(cpus=2, gpus=0.25).share == {"CPU": 2, "GPU": 0.25}
