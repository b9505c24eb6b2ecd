"""The warm parent: what it imports, and the guard that keeps it safe to fork."""

import json
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from results.runs import read_run
from search.local import LocalExecutor
from tests.search.support import Build, Write, new_trial, run_all

SCRIPT = """
    import {module}
    from results import log_metrics
    from spaces import flags
    flags()
    log_metrics(1, loss=1.0)
"""


@pytest.mark.parametrize("daemon", [True, False])
def test_a_module_that_starts_a_thread_is_left_to_the_children(
    daemon: bool, write: Write, build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packages = tmp_path / "installed"
    packages.mkdir()
    (packages / "threaded.py").write_text(
        f"import threading, time\nthreading.Thread(target=time.sleep, args=(600,), daemon={daemon}).start()\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(packages))
    executor = build("fork", write(SCRIPT.format(module="threaded")))
    assert isinstance(executor, LocalExecutor)
    trial = new_trial(tmp_path / "runs")
    executor.submit(trial)
    if daemon:
        assert executor.wait(60)[0].exit_code == 0
    else:  # Python, too, waits for such a thread before it ends
        while read_run(trial.run_dir).last_value("loss") is None:
            assert executor.wait(0.1) == []
    assert executor.late == {"threaded": "it started the thread 'Thread-1 (sleep)'"}


@pytest.mark.slow
def test_a_module_that_runs_tensorflow_is_left_to_the_children(
    write: Write, build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packages = tmp_path / "installed"
    packages.mkdir()
    (packages / "eager.py").write_text("import tensorflow as tf\nONE = tf.constant(1.0) + 0\n")
    monkeypatch.setenv("PYTHONPATH", str(packages))
    script = write("""
        import keras
        import eager
        from results import log_metrics
        from spaces import flags
        flags()
        log_metrics(1, loss=float(keras.ops.sum(keras.ops.ones((3, 3))) * eager.ONE))
    """)
    executor = build("fork", script, threads=1)
    assert isinstance(executor, LocalExecutor)
    trial = new_trial(tmp_path / "runs")
    assert run_all(executor, [trial])[0].exit_code == 0
    assert executor.late == {"eager": "it ran a TensorFlow operation"}
    assert read_run(trial.run_dir).last_value("loss") == 9.0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("tf.constant(1.0)", "it ran a TensorFlow operation"),
        ("keras.optimizers.Adam()", "it ran a TensorFlow operation"),
        ("keras.layers.Dense(3).build((1, 2))", "it ran a TensorFlow operation"),
        ("tf.config.list_physical_devices(); keras.utils.set_random_seed(1)", None),
    ],
)
def test_the_guard_knows_what_hangs_a_fork(statement: str, why: str | None) -> None:
    code = (
        "import json, tensorflow as tf, keras\n"
        f"{statement}\n"
        "from search.nursery import why_unsafe\n"
        "print(json.dumps(why_unsafe()))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout.splitlines()[-1]) == why


def test_a_module_that_ends_the_warm_parent_is_named_by_its_last_words(write: Write, tmp_path: Path) -> None:
    # The import is tried early and again in the trial, where its error belongs.
    script = write(SCRIPT.format(module="nowhere_to_be_found"))
    from search.executor import Resources
    from search.script import read_script

    executor = LocalExecutor(read_script(script), Resources())
    try:
        trial = new_trial(tmp_path / "runs")
        assert run_all(executor, [trial])[0].exit_code == 1
        assert (
            read_run(trial.run_dir).error_summary
            == "ModuleNotFoundError: No module named 'nowhere_to_be_found'"
        )
    finally:
        executor.close()


def test_a_warm_parent_whose_search_has_gone_ends_its_children_as_it_reports(
    write: Write, build: Build, tmp_path: Path
) -> None:
    script = write("""
        import subprocess, time
        from results import log_metrics, run_dir
        from spaces import flag_integer, flags
        A = flags(flag_integer("a", 1)).a
        if A == 1:
            helper = subprocess.Popen(["sleep", "600"], start_new_session=True)
            (run_dir() / "pid").write_text(str(helper.pid))
        log_metrics(1, loss=1.0)
        time.sleep(600)
    """)
    executor = build("fork", script, workers=2)
    assert isinstance(executor, LocalExecutor)
    trials = [new_trial(tmp_path / "runs", a, a=a) for a in (0, 1)]
    for trial in trials:
        executor.submit(trial)
    for trial in trials:
        while read_run(trial.run_dir).last_value("loss") is None:
            assert executor.wait(0.05) == []
    nursery = psutil.Process(executor.process.pid)
    (first,) = [psutil.Process(pid) for number, pid in executor.pids.items() if number == 0]
    helper = psutil.Process(int((trials[1].run_dir / "pid").read_text()))
    nursery.suspend()
    first.kill()  # an end to report, once the search has gone
    executor.link.close()
    nursery.resume()
    assert executor.process.wait(60) == 0
    assert not psutil.wait_procs([helper], timeout=60)[1]
