"""The contract that every executor keeps (search/executor.py), on real processes."""

import json
import logging
import os
import signal
import sys
from pathlib import Path

import pytest

from gridruns import GridrunsError
from results.runs import read_run
from search.executor import Declarations, ExecutorError
from search.executors import check_limits
from search.interrupts import Interrupted
from tests.search.support import (
    EXECUTORS,
    NOOP,
    Build,
    Write,
    alive,
    new_trial,
    run_all,
    wait_for_pids,
    wait_until,
)

every = pytest.mark.parametrize("kind", EXECUTORS)
isolated = pytest.mark.parametrize("kind", ["fork", "spawn", "ray"])


@every
def test_a_script_is_asked_for_its_flags_and_goes_no_further(kind: str, write: Write, build: Build) -> None:
    script = write(NOOP + "    raise SystemExit('ran too far')\n")
    declarations = build(kind, script).declarations()
    assert isinstance(declarations, Declarations)
    assert [(flag.name, flag.default) for flag in declarations.flags] == [("a", 1), ("name", "x")]


@every
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("print('no flags here')\n", "never called flags()"),
        ("import sys\nsys.exit(4)\n", "ended with exit code 4 and never called flags()"),
        ("import nowhere_to_be_found\n", "ModuleNotFoundError.*line 1"),
        ("from results import log_metrics\nlog_metrics(1, loss=1.0)\n", r"called log_metrics\(\) before"),
        (
            "from results import run_dir, write_run_metadata\nrun_dir()\nwrite_run_metadata('mine', {})\n",
            r"called write_run_metadata\(\) before",
        ),
    ],
)
def test_a_script_that_never_declares_is_an_error(
    kind: str, text: str, message: str, write: Write, build: Build
) -> None:
    with pytest.raises(ExecutorError, match=message):
        build(kind, write(text)).declarations()


@every
def test_trials_end_once_and_record(kind: str, write: Write, build: Build, tmp_path: Path) -> None:
    executor = build(kind, write(NOOP), workers=1 if kind == "inline" else 2)
    trials = [new_trial(tmp_path / "runs", number, a=number, name="007") for number in range(5)]
    endings = run_all(executor, trials)
    assert {number: ending.exit_code for number, ending in endings.items()} == dict.fromkeys(range(5), 0)
    for trial in trials:
        assert read_run(trial.run_dir).last_value("loss") == trial.number / 10
        assert endings[trial.number].cpu_seconds is not None
        assert (endings[trial.number].peak_memory_bytes or 0) > 1 << 20


@every
def test_the_script_runs_as_python_would_run_it(
    kind: str, write: Write, build: Build, tmp_path: Path
) -> None:
    write("VALUE = 42\n", "neighbour.py")
    script = write("""
        import sys, json, os
        from pathlib import Path
        import neighbour
        from results import run_dir
        from spaces import flag_numeric, flags
        FLAGS = flags(flag_numeric("x", 0.5))
        facts = {"name": __name__, "file": __file__, "argv": sys.argv, "cwd": os.getcwd(),
                 "path": sys.path[0], "neighbour": neighbour.VALUE, "x": FLAGS.x}
        (run_dir() / "facts.json").write_text(json.dumps(facts))
        print("to standard output")
        print("to standard error", file=sys.stderr)
    """)
    trial = new_trial(tmp_path / "runs", x=0.1 + 0.2)
    run_all(build(kind, script), [trial])
    assert json.loads((trial.run_dir / "facts.json").read_text()) == {
        "name": "__main__",
        "file": str(script),
        "argv": [str(script)],
        "cwd": os.getcwd(),
        "path": str(script.parent),
        "neighbour": 42,
        "x": 0.1 + 0.2,
    }
    output = (trial.run_dir / "output.log").read_text()
    assert "to standard output" in output
    assert "to standard error" in output
    assert (trial.run_dir / "source" / "train.py").read_text() == script.read_text()
    assert (trial.run_dir / "source" / "neighbour.py").read_text() == "VALUE = 42\n"


@every
def test_a_seed_fixes_python_and_numpy(kind: str, write: Write, build: Build, tmp_path: Path) -> None:
    script = write("""
        import random
        import numpy as np
        from results import log_metrics
        from spaces import flags
        flags()
        log_metrics(1, python=random.random(), numpy=np.random.random())
    """)
    trials = [new_trial(tmp_path / "runs", number, seed) for number, seed in enumerate([7, 7, 8])]
    run_all(build(kind, script), trials)
    first, again, other = ((tmp := read_run(t.run_dir)).last_value("python") for t in trials)
    assert first == again != other
    assert first == 0.32383276483316237  # random.Random(7).random()
    del tmp


@every
def test_an_exception_is_recorded_without_our_frames(
    kind: str, write: Write, build: Build, tmp_path: Path
) -> None:
    script = write(NOOP + "    raise ValueError('the 7th of 9 is wrong')\n")
    trial = new_trial(tmp_path / "runs", a=1, name="x")
    assert run_all(build(kind, script), [trial])[0].exit_code == 1
    run = read_run(trial.run_dir)
    assert run.error_summary == "ValueError: the 7th of 9 is wrong"
    assert run.error is not None
    assert str(script) in run.error
    assert "worker.py" not in run.error
    assert "the 7th of 9 is wrong" in (trial.run_dir / "output.log").read_text()
    assert run.last_value("loss") == 0.1  # what it had logged stays


@every
@pytest.mark.parametrize("error", ["KeyboardInterrupt", "GeneratorExit", "type('Own', (BaseException,), {})"])
def test_whatever_a_script_raises_is_recorded(
    kind: str, error: str, write: Write, build: Build, tmp_path: Path
) -> None:
    script = write(NOOP + f"    raise {error}('by the script')\n")
    trial = new_trial(tmp_path / "runs", a=1, name="x")
    executor = build(kind, script)
    if kind == "inline" and error == "KeyboardInterrupt":
        executor.submit(trial)
        with pytest.raises(Interrupted):  # there it is the user's Ctrl-C
            executor.wait()
        assert executor.wait()[0].signal == signal.SIGINT
        return
    assert run_all(executor, [trial])[0].exit_code == 1
    run = read_run(trial.run_dir)
    assert run.error_summary == f"{'Own' if error.startswith('type') else error}: by the script"
    assert str(script) in (run.error or "")


def test_limits_that_an_executor_cannot_keep_are_refused() -> None:
    check_limits("local", 3, "2G")
    check_limits("inline", None, None)
    with pytest.raises(GridrunsError, match="'inline' can't keep a trial_timeout, but got 3; the executor"):
        check_limits("inline", 3, None)
    with pytest.raises(GridrunsError, match="'inline' can't keep a memory_limit, but got '2G'"):
        check_limits("inline", None, "2G")


@every
@pytest.mark.parametrize(("code", "expected"), [("3", 3), ("0", 0), ("None", 0), ("'words'", 1)])
def test_exit_codes_are_the_scripts(
    kind: str, code: str, expected: int, write: Write, build: Build, tmp_path: Path
) -> None:
    script = write(NOOP + f"    import sys; sys.exit({code})\n")
    trial = new_trial(tmp_path / "runs", a=1, name="x")
    assert run_all(build(kind, script), [trial])[0].exit_code == expected


@every
def test_trials_leave_nothing_behind_for_the_next(
    kind: str, write: Write, build: Build, tmp_path: Path
) -> None:
    write("COUNT = []\n", "state.py")
    script = write("""
        import os, sys, tempfile
        import state
        from results import log_metrics
        from spaces import flags
        flags()
        state.COUNT.append(1)
        sys.path.append("somewhere")
        os.chdir(tempfile.gettempdir())
        log_metrics(1, count=len(state.COUNT), paths=sys.path.count("somewhere"))
    """)
    trials = [new_trial(tmp_path / "runs", number) for number in range(3)]
    run_all(build(kind, script), trials)
    for trial in trials:
        run = read_run(trial.run_dir)
        assert (run.last_value("count"), run.last_value("paths")) == (1, 1)


@every
def test_bytes_of_subprocesses_and_open_figures_are_kept(
    kind: str, write: Write, build: Build, tmp_path: Path
) -> None:
    script = write("""
        import matplotlib
        matplotlib.use("Agg")
        import subprocess
        import matplotlib.pyplot as plt
        from spaces import flags
        flags()
        plt.plot([1, 2, 3])
        print(subprocess.run(["echo", "from a child"], capture_output=True, text=True).stdout)
        subprocess.run(["echo", "bytes of its own"])
    """)
    trial = new_trial(tmp_path / "runs")
    run_all(build(kind, script), [trial])
    output = (trial.run_dir / "output.log").read_text()
    assert "from a child" in output
    assert kind == "inline" or "bytes of its own" in output
    (figure,) = (trial.run_dir / "plots").iterdir()
    assert figure.read_bytes().startswith(b"\x89PNG")


@every
def test_helpers_of_a_script_get_its_flags_and_are_waited_for(
    kind: str, write: Write, build: Build, tmp_path: Path
) -> None:
    script = write("""
        import atexit, multiprocessing, threading, time
        from results import log_metrics
        from spaces import flag_integer, flags
        FLAGS = flags(flag_integer("a", 1))

        def work(queue):
            queue.put(FLAGS.a)

        def late():
            time.sleep(0.2)
            log_metrics(2, thread=FLAGS.a)

        if __name__ == "__main__":
            context = multiprocessing.get_context("spawn")
            queue = context.Queue()
            process = context.Process(target=work, args=(queue,))
            process.start()
            log_metrics(1, helper=queue.get(timeout=60))
            process.join()
            threading.Thread(target=late).start()
    """)
    trial = new_trial(tmp_path / "runs", a=3)
    assert run_all(build(kind, script), [trial])[0].exit_code == 0
    run = read_run(trial.run_dir)
    assert (run.last_value("helper"), run.last_value("thread")) == (3, 3)


@every
def test_variables_that_a_script_sets_hold_for_what_it_imports(
    kind: str, write: Write, build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if kind == "ray":
        pytest.skip("what is installed must be on a node before Ray starts there; here that is too late")
    packages = tmp_path / "installed"
    packages.mkdir()
    (packages / "backend_of_mine.py").write_text("import os\nNAME = os.environ.get('MY_BACKEND', 'none')\n")
    monkeypatch.setenv("PYTHONPATH", str(packages))
    monkeypatch.syspath_prepend(str(packages))
    script = write("""
        import os
        os.environ["MY_BACKEND"] = "jax"
        import backend_of_mine
        from results import log_metrics
        from spaces import flags
        flags()
        log_metrics(1, right=int(backend_of_mine.NAME == "jax"))
    """)
    monkeypatch.delitem(sys.modules, "backend_of_mine", raising=False)
    trial = new_trial(tmp_path / "runs")
    run_all(build(kind, script), [trial])
    assert read_run(trial.run_dir).last_value("right") == 1
    sys.modules.pop("backend_of_mine", None)


def test_inline_keeps_the_log_of_every_trial(
    write: Write, build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.root, "handlers", [])  # pytest's own would do for basicConfig
    script = write("""
        import logging, sys
        from spaces import flag_integer, flags
        FLAGS = flags(flag_integer("a", 1))
        logging.basicConfig(level=logging.INFO, stream=sys.stderr)
        logging.info("trial %d logs", FLAGS.a)
        sys.stdout.buffer.write(b"bytes too\\n")
    """)
    trials = [new_trial(tmp_path / "runs", number, a=number) for number in range(3)]
    run_all(build("inline", script), trials)
    for trial in trials:
        output = (trial.run_dir / "output.log").read_text()
        assert f"trial {trial.number} logs" in output
        assert "bytes too" in output
        assert "Logging error" not in output


@isolated
@pytest.mark.parametrize(
    ("death", "number"),
    [
        ("os.abort()", signal.SIGABRT),
        ("os.kill(os.getpid(), 11)", 11),
        ("os.kill(os.getpid(), 9)", 9),
        ("os.kill(os.getpid(), 40)", 40),
    ],
)
def test_a_signal_takes_one_trial_only(
    kind: str, death: str, number: int, write: Write, build: Build, tmp_path: Path
) -> None:
    script = write(NOOP + f"    import os\n    if FLAGS.a == 1: {death}\n")
    trials = [new_trial(tmp_path / "runs", n, a=n, name="x") for n in range(3)]
    endings = run_all(build(kind, script, workers=2), trials)
    assert [endings[n].signal for n in range(3)] == [None, number, None]
    assert endings[1].exit_code is None
    assert read_run(trials[1].run_dir).last_value("loss") == 0.1


@isolated
def test_kill_takes_the_whole_process_group(kind: str, write: Write, build: Build, tmp_path: Path) -> None:
    script = write("""
        import os, signal, subprocess, time
        from results import run_dir
        from spaces import flags
        flags()
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        child = subprocess.Popen(["sleep", "600"])
        (run_dir() / "pids").write_text(f"{os.getpid()} {child.pid}")
        (run_dir() / "pids").rename(run_dir() / "ready")
        time.sleep(600)
    """)
    executor = build(kind, script)
    trial = new_trial(tmp_path / "runs")
    executor.submit(trial)
    pids = wait_for_pids(trial.run_dir / "ready", executor)
    executor.kill(0)
    (ending,) = executor.wait(120)
    assert ending.signal == signal.SIGKILL
    assert not any(alive(pid) for pid in pids)


@isolated
def test_a_grandchild_left_behind_ends_with_its_trial(
    kind: str, write: Write, build: Build, tmp_path: Path
) -> None:
    script = write("""
        import os, subprocess
        from results import run_dir
        from spaces import flags
        flags()
        (run_dir() / "ready").write_text(str(subprocess.Popen(["sleep", "600"]).pid))
    """)
    trial = new_trial(tmp_path / "runs")
    assert run_all(build(kind, script), [trial])[0].exit_code == 0
    assert not any(alive(pid) for pid in wait_for_pids(trial.run_dir / "ready"))


@isolated
def test_close_ends_what_runs(kind: str, write: Write, build: Build, tmp_path: Path) -> None:
    script = write("""
        import os, time
        from results import run_dir
        from spaces import flags
        flags()
        (run_dir() / "pid").write_text(str(os.getpid()))
        (run_dir() / "pid").rename(run_dir() / "ready")
        time.sleep(600)
    """)
    executor = build(kind, script)
    trial = new_trial(tmp_path / "runs")
    executor.submit(trial)
    pids = wait_for_pids(trial.run_dir / "ready", executor)
    executor.close()
    wait_until(lambda: not any(alive(pid) for pid in pids))
