"""What can be asked for: the options of a cluster, refused where they mean nothing, kept for `resume`."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gridruns import GridrunsError
from search import tuning_run
from search.cli import main
from search.cluster import connection
from search.cluster.settings import Cluster
from search.executors import MOST_WORKERS, read_cluster, resources_for
from search.launch import Execution
from search.study_file import read_raw

SCRIPT = "from spaces import flag_integer, flags\nflags(flag_integer('a', 1))\n"


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"address": "auto"}, "address is for the executor 'ray', but got 'auto' for 'local'"),
        ({"cpus_per_trial": 2}, "cpus_per_trial is for the executor 'ray', but got 2 for 'local'"),
        ({"gpus_per_trial": 0.0, "executor": "inline"}, "gpus_per_trial is for the executor 'ray'"),
        (
            {"executor": "ray", "cpus_per_trial": 0},
            "cpus_per_trial must be a number of more than 0, but got 0",
        ),
        ({"executor": "ray", "gpus_per_trial": -1}, "gpus_per_trial must be a number of at least 0"),
        ({"executor": "ray", "gpus_per_trial": 1.5}, "gpus_per_trial must be at most 1 or a whole number"),
        (
            {"executor": "ray", "gpus_per_trial": float("nan")},
            "gpus_per_trial must be a number of at least 0",
        ),
        ({"executor": "ray", "address": ""}, "address must be auto, HOST:PORT or ray://HOST:PORT"),
        ({"executor": "ray", "address": "head"}, "address must be auto, HOST:PORT or .*, but got 'head'"),
        ({"executor": "ray", "address": "ray://head"}, "address must be auto, .*, but got 'ray://head'"),
        (
            {"executor": "ray", "address": "http://head:1"},
            "address must be auto, .*, but got 'http://head:1'",
        ),
        ({"executor": "ray", "address": "head:65536"}, "address must be auto, .*, but got 'head:65536'"),
        ({"executor": "ray", "workers": 0}, "workers must be a whole number of at least 1"),
        ({"executor": "rya"}, "'rya'.*ray"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_starts(
    asked: dict[str, Any], message: str, tmp_path: Path
) -> None:
    (tmp_path / "train.py").write_text(SCRIPT)
    with pytest.raises(GridrunsError, match=message):
        tuning_run(tmp_path / "train.py", {"a": [1, 2]}, runs_dir=tmp_path / "runs", **asked)
    assert not (tmp_path / "runs").exists()


def test_without_ray_one_line_says_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.chdir(tmp_path)
    Path("train.py").write_text(SCRIPT)
    assert main(["tune", "train.py", "--set", "a=1,2", "--executor", "ray"]) == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert said == [f"gridruns: {connection.INSTALL}"]
    assert "pip install 'gridruns[ray]'" in said[0]
    assert not Path("runs").exists()


def test_a_trials_share_becomes_workers_and_threads() -> None:
    cluster = read_cluster("ray", "auto", 2.5, None)
    assert cluster is not None
    assert cluster.share == {"CPU": 2.5}
    found = resources_for("ray", cluster=cluster)
    assert (found.workers, found.threads, found.cluster and found.cluster.demand) == (MOST_WORKERS, 2, False)
    found = resources_for("ray", 7, 3, cluster=read_cluster("ray", None, 0.5, 0.25))
    assert (found.workers, found.threads, found.cluster and found.cluster.demand) == (7, 3, True)
    assert found.cluster is not None and found.cluster.share == {"CPU": 0.5, "GPU": 0.25}
    assert resources_for("ray", trials=5, cluster=cluster).workers == 5


@pytest.mark.parametrize(
    "address", ["auto", "head:6379", "ray://10.0.0.1:10001", "[::1]:6379", "ray://[::1]:1"]
)
def test_what_is_an_address(address: str) -> None:
    assert Cluster(address).address == address


def test_parts_of_gpus_are_counted_one_gpu_at_a_time() -> None:
    share = Cluster(cpus=1, gpus=0.6).carried
    assert share({"CPU": 8, "GPU": 2}) == 2  # 0.8 of a GPU are left, but on two
    assert Cluster(cpus=1, gpus=0.25).carried({"CPU": 8, "GPU": 2}) == 8
    assert Cluster(cpus=1, gpus=2).carried({"CPU": 8, "GPU": 5}) == 2
    assert Cluster(cpus=0.1).carried({"CPU": 1.0}) == 10
    assert Cluster().carried({}) == 0


def test_of_a_command_line_ray_is_told_no_url() -> None:
    said = ["gridruns", "tune", "a b.py", "--storage", "postgresql://me:Sesame@h/d", "--storage=sqlite:///x"]
    assert connection.shown(said) == "gridruns tune 'a b.py' --storage '***' '***'"


def test_a_study_remembers_its_cluster_and_resume_may_name_another() -> None:
    recorded = Execution(executor="ray", address="ray://old:10001", cpus_per_trial=2).to_json()
    assert Execution.changed(recorded, {}).address == "ray://old:10001"
    moved = Execution.changed(recorded, {"address": "new:6379", "workers": None})
    assert (moved.address, moved.cpus_per_trial, moved.executor) == ("new:6379", 2, "ray")
    local = Execution().to_json()
    with pytest.raises(GridrunsError, match="address is for the executor 'ray'"):
        Execution.changed(local, {"address": "auto"})


def test_help_and_a_local_search_load_no_ray(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(
        "from results import log_metrics\n" + SCRIPT + "log_metrics(1, val_loss=1.0)\n"
    )
    program = (
        "import sys\nfrom search import tuning_run\n"
        "tuning_run('train.py', {'a': [1, 2]}, study='s', workers=1, quiet=True)\n"
        "assert 'ray' not in sys.modules\n"
    )
    root = str(Path(connection.__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.append({root!r})\n{program}"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert read_raw(tmp_path / "runs" / "s")["execution"]["address"] is None
