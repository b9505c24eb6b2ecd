import json
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from results.board import launch
from results.errors import ResultsError
from results.files import write_json
from results.recorder import Recorder
from results.runs import create_run
from results.status import Status
from results.tensorboard import write_session_end, write_session_start

PROGRAM = """
import sys
from results.board import launch
url = launch(sys.argv[1], port=0, reload_seconds=1)
print(url, "tensorflow" in sys.modules, "keras" in sys.modules, flush=True)
sys.stdin.read()
"""
STATUSES = ["STATUS_SUCCESS", "STATUS_FAILURE", "STATUS_RUNNING", "STATUS_UNKNOWN"]
Ask = Callable[..., Any]


def trial(parent: Path, flags: dict[str, Any], metrics: dict[str, float], status: Status | None) -> Path:
    run_dir = create_run(parent, {"flags": flags})
    write_session_start(run_dir, flags, run_dir.name)
    recorder = Recorder(run_dir)
    for step in (1, 2):
        recorder.log({name: value / step for name, value in metrics.items()})
    recorder.close()
    if status is not None:
        write_session_end(run_dir, status)
    return run_dir


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Runs of two studies and a single one, by a name for each; all in one runs directory, "root"."""
    root = tmp_path_factory.mktemp("board") / "runs"
    done: dict[str, Path] = {"root": root}
    kinds = {"units": 64, "rate": 0.5, "optimizer": "adam", "batchnorm": True, "depth": None}
    losses = {"loss": 1.0, "val_loss": 2.0}
    done["completed"] = trial(root / "a", kinds, losses, Status.COMPLETED)
    done["failed"] = trial(root / "a", {**kinds, "units": 128, "depth": 3}, losses, Status.FAILED)
    done["running"] = trial(root / "a", {**kinds, "batchnorm": False}, losses, None)
    done["pruned"] = trial(root / "b", {"width": 3}, {"auc": 0.5, "val_auc": 0.25}, Status.PRUNED)
    done["diverged"] = trial(root / "b", {"width": 4}, {"auc": float("nan")}, Status.DIVERGED)
    done["single"] = trial(root, {"word": "x"}, {"loss": 4.0}, Status.COMPLETED)
    return done


def start(logdir: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(logdir)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


@pytest.fixture(scope="module")
def board(runs: dict[str, Path]) -> Iterator[Ask]:
    """TensorBoard on the whole runs directory; asks its HTTP interface until the answer is as wanted."""
    process = start(runs["root"])
    assert process.stdout is not None
    url, *heavy = process.stdout.readline().split()
    assert heavy == ["False", "False"]

    def ask(path: str, body: Any = None, until: Callable[[Any], object] = bool) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            url + "data/plugin/" + path, data, {"Content-Type": "application/json"}
        )
        deadline = time.monotonic() + 20
        while True:
            with urllib.request.urlopen(request) as answer:
                found = json.loads(answer.read())
            if until(found) or time.monotonic() > deadline:
                return found
            time.sleep(0.05)

    yield ask
    process.communicate("")
    assert process.returncode == 0


def sessions(board: Ask, until: Callable[[Any], object]) -> dict[str, Any]:
    body = {
        "experimentName": "",
        "startIndex": 0,
        "sliceSize": 100,
        "allowedStatuses": STATUSES,
        "colParams": [],
    }
    found = board("hparams/session_groups", body, lambda answer: until(_by_name(answer)))
    return _by_name(found)


def _by_name(answer: Any) -> dict[str, Any]:
    return {group["name"]: group for group in answer["sessionGroups"]}


@pytest.mark.slow
def test_hparams_lists_every_trial_of_every_study_with_its_flags(board: Ask, runs: dict[str, Path]) -> None:
    found = sessions(board, lambda groups: len(groups) == 6)
    assert {path.name for name, path in runs.items() if name != "root"} == set(found)
    assert found[runs["completed"].name]["hparams"] == {
        "units": 64.0,
        "rate": 0.5,
        "optimizer": "adam",
        "batchnorm": True,
    }
    assert found[runs["failed"].name]["hparams"]["depth"] == 3.0
    assert found[runs["pruned"].name]["hparams"] == {"width": 3.0}


@pytest.mark.slow
def test_hparams_has_a_column_for_each_flag_and_each_metric(board: Ask) -> None:
    wanted = {
        ("train", "epoch_loss"),
        ("validation", "epoch_loss"),
        ("train", "epoch_auc"),
        ("validation", "epoch_auc"),
    }

    def columns(answer: Any) -> set[tuple[str, str]]:
        return {(metric["name"]["group"], metric["name"]["tag"]) for metric in answer.get("metricInfos", ())}

    body = {"experimentName": "", "includeMetrics": True}
    found = board("hparams/experiment", body, lambda answer: columns(answer) == wanted)
    assert columns(found) == wanted
    assert {info["name"]: info["type"].removeprefix("DATA_TYPE_") for info in found["hparamInfos"]} == {
        "units": "FLOAT64",
        "rate": "FLOAT64",
        "depth": "FLOAT64",
        "width": "FLOAT64",
        "optimizer": "STRING",
        "word": "STRING",
        "batchnorm": "BOOL",
    }


@pytest.mark.slow
def test_hparams_shows_last_values_and_how_a_trial_ended(board: Ask, runs: dict[str, Path]) -> None:
    found = sessions(board, lambda groups: all(group["metricValues"] for group in groups.values()))
    statuses = {
        name: found[path.name]["sessions"][0]["status"] for name, path in runs.items() if name != "root"
    }
    assert statuses == {
        "completed": "STATUS_SUCCESS",
        "pruned": "STATUS_SUCCESS",
        "single": "STATUS_SUCCESS",
        "failed": "STATUS_FAILURE",
        "diverged": "STATUS_FAILURE",
        "running": "STATUS_UNKNOWN",
    }
    values = {
        metric["name"]["group"]: metric["value"] for metric in found[runs["completed"].name]["metricValues"]
    }
    assert values == {"train": 0.5, "validation": 1.0}
    assert [metric["value"] for metric in found[runs["diverged"].name]["metricValues"]] == ["NaN"]


@pytest.mark.slow
def test_curves_of_training_and_validation_share_a_tag(board: Ask, runs: dict[str, Path]) -> None:
    name = f"a/{runs['completed'].name}"
    wanted = {f"{name}/train", f"{name}/validation"}
    tags = board("scalars/tags", until=lambda answer: wanted <= set(answer))
    assert [list(tags[run]) for run in sorted(wanted)] == [["epoch_loss"], ["epoch_loss"]]
    points = board(f"scalars/scalars?run={name}/train&tag=epoch_loss", until=lambda answer: len(answer) == 2)
    assert [(step, value) for _, step, value in points] == [(1, 1.0), (2, 0.5)]


@pytest.mark.slow
def test_what_happens_while_tensorboard_runs_is_shown(board: Ask, runs: dict[str, Path]) -> None:
    def status(groups: dict[str, Any], run: Path) -> str | None:
        return groups[run.name]["sessions"][0]["status"] if run.name in groups else None

    new = trial(runs["root"] / "c", {"kernel": "rbf"}, {"loss": 1.0}, None)
    found = sessions(board, lambda groups: status(groups, new) == "STATUS_UNKNOWN")
    assert found[new.name]["hparams"] == {"kernel": "rbf"}
    write_session_end(new, Status.COMPLETED)
    found = sessions(board, lambda groups: status(groups, new) == "STATUS_SUCCESS")
    assert status(found, new) == "STATUS_SUCCESS"


@pytest.mark.slow
def test_tensorboard_ends_with_its_process_and_leaves_none_behind(tmp_path: Path) -> None:
    write_json(tmp_path / "x.json", {})
    process = start(tmp_path)
    assert process.stdout is not None
    process.stdout.readline()
    children = psutil.Process(process.pid).children(recursive=True)
    process.communicate("")
    assert psutil.wait_procs(children, timeout=10)[1] == []


@pytest.mark.slow
def test_serve_says_where_and_ends_at_ctrl_c(tmp_path: Path) -> None:
    code = f"from results.board import serve; serve({str(tmp_path)!r}, port=0)"
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith(f"TensorBoard on {str(tmp_path)!r}: http://127.0.0.1:")
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=20) == ("", "")
    assert process.returncode == 0


@pytest.mark.slow
def test_a_port_that_is_taken_is_an_error_of_one_line(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code = f"from results.board import serve; serve({str(tmp_path)!r}, port={port})"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    last = done.stderr.splitlines()[-1]
    assert last.startswith("results.errors.ResultsError: ")
    assert f"port {port}, it was already in use" in last


def test_a_missing_directory_and_a_wrong_port_are_errors(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match=r"^no directory of runs at '.*none'$"):
        launch(tmp_path / "none")
    with pytest.raises(ResultsError, match=r"^port must be in \[0, 65535\], but got 70000$"):
        launch(tmp_path, port=70000)
