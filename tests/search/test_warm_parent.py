"""The executor `local` outlives its warm parent, and nothing of what ran below that does."""

import os
import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest

from results.runs import read_run
from tests.search.support import NOOP, Build, Write, alive, new_trial, run_all, wait_for_pids, wait_until

local = pytest.mark.parametrize("kind", ["fork", "spawn"])


@local
def test_a_trial_starts_after_the_warm_parent_was_killed(
    kind: str, write: Write, build: Build, tmp_path: Path
) -> None:
    script = write(NOOP + "    import time\n    time.sleep(600 if FLAGS.a == 1 else 0)\n")
    executor = build(kind, script, workers=2)
    trials = [new_trial(tmp_path / "runs", n, a=n, name="x") for n in range(3)]
    executor.submit(trials[1])
    while read_run(trials[1].run_dir).last_value("loss") is None:
        time.sleep(0.01)
    os.kill(executor.process.pid, signal.SIGKILL)  # type: ignore[attr-defined]
    (ending,) = executor.wait(120)
    assert ending.signal == signal.SIGKILL
    assert "the warm parent died" in (ending.reason or "")
    assert run_all(executor, [trials[0], trials[2]])[2].exit_code == 0


@local
def test_a_warm_parent_killed_while_nothing_runs_is_replaced(
    kind: str, write: Write, build: Build, tmp_path: Path
) -> None:
    executor = build(kind, write(NOOP))
    executor.declarations()
    process = executor.process  # type: ignore[attr-defined]
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    trial = new_trial(tmp_path / "runs", 0, a=1, name="x")
    executor.submit(trial)
    (ending,) = executor.wait(120)
    assert ending.signal == signal.SIGKILL
    assert "the warm parent died" in (ending.reason or "")
    assert run_all(executor, [new_trial(tmp_path / "runs", 1, a=1, name="x")])[1].exit_code == 0


@local
def test_a_result_that_the_warm_parent_has_sent_before_it_was_killed_counts(
    kind: str, write: Write, build: Build, tmp_path: Path
) -> None:
    executor = build(kind, write(NOOP), workers=2)
    executor.submit(new_trial(tmp_path / "runs", 0, a=1, name="x"))
    process = psutil.Process(executor.process.pid)  # type: ignore[attr-defined]
    wait_until(lambda: read_run(next((tmp_path / "runs").iterdir())).last_value("loss") is not None)
    wait_until(lambda: not process.children())
    wait_until(lambda: process.status() == psutil.STATUS_SLEEPING)
    process.kill()
    executor.process.wait()  # type: ignore[attr-defined]
    executor.submit(new_trial(tmp_path / "runs", 1, a=1, name="x"))
    endings: dict[int, int | None] = {}
    while len(endings) < 2:
        endings |= {ending.number: ending.exit_code for ending in executor.wait(120)}
    assert endings == {0: 0, 1: None}


@local
def test_what_is_left_below_a_killed_warm_parent_is_ended_and_nothing_else(
    kind: str, write: Write, build: Build, tmp_path: Path
) -> None:
    script = write("""
        import os, subprocess, time
        from results import run_dir
        from spaces import flags
        flags()
        helper = subprocess.Popen(["sleep", "600"], start_new_session=True)
        (run_dir() / "pids").write_text(f"{os.getpid()} {helper.pid}")
        (run_dir() / "pids").rename(run_dir() / "ready")
        time.sleep(600)
    """)
    executor = build(kind, script)
    trial = new_trial(tmp_path / "runs")
    executor.submit(trial)
    pids = wait_for_pids(trial.run_dir / "ready")
    with subprocess.Popen(["sleep", "600"]) as mine:
        daemon = subprocess.run(
            ["sh", "-c", "setsid sleep 600 >/dev/null 2>&1 & echo $!"],
            capture_output=True,
            text=True,
            check=True,
        )
        mine_too = int(daemon.stdout)
        os.kill(executor.process.pid, signal.SIGKILL)  # type: ignore[attr-defined]
        assert len(executor.wait(120)) == 1
        assert not any(alive(pid) for pid in pids)
        assert alive(mine.pid) and alive(mine_too)
        os.kill(mine_too, signal.SIGKILL)
        mine.kill()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("", "True 700 10"),
        ("gc.disable()", "False 700 10"),
        ("gc.set_threshold(9, 8)", "True 9 8"),
        ("gc.set_threshold(0)", "True 0 10"),
    ],
)
@local
def test_what_a_module_says_of_the_search_for_garbage_holds(
    kind: str,
    line: str,
    expected: str,
    write: Write,
    build: Build,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write(f"import gc\n{line}\n", "../packages/collecting.py")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "packages"), prepend=os.pathsep)
    script = write(NOOP + "    import gc, collecting\n    print(gc.isenabled(), *gc.get_threshold()[:2])\n")
    trial = new_trial(tmp_path / "runs", 0, a=1, name="x")
    assert run_all(build(kind, script), [trial])[0].exit_code == 0
    assert expected in (trial.run_dir / "output.log").read_text()
