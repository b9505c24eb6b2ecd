"""A running trial asks after each step whether to go on: the contract of `Executor.submit`."""

import signal
import time
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import psutil
import pytest

from results.runs import read_run
from search.executor import Ending, Executor, Report, Trial
from search.interrupts import listening
from search.local import LocalExecutor
from tests.faults.support import DEADLINE, wait_until
from tests.search.support import EXECUTORS, Build, Write, new_trial

every = pytest.mark.parametrize("kind", EXECUTORS)
isolated = pytest.mark.parametrize("kind", ["fork", "spawn", "ray"])
keras = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras' own, inline

LOGS = """
    from results import log_metrics
    from spaces import flag_integer, flags
    FLAGS = flags(flag_integer("a", 1))
    for step in range(1, 6):
        log_metrics(step, loss=FLAGS.a / step, nan=float("nan"))
    print("came to the end")
"""

# Two fits of 3 epochs each; what follows is run only if nothing stopped them.
FITS = """
    import keras, numpy as np
    from results import log_metrics
    from spaces import flags
    flags()
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    x = np.ones((8, 3)); y = np.ones((8, 1))
    ends = []
    end = keras.callbacks.LambdaCallback(on_train_end=lambda logs: print("train end"))
    for _ in range(2):
        model.fit(x, y, epochs=3, verbose=0, callbacks=[end])
    print("came to the end")
"""


def run_judged(executor: Executor, trial: Trial, give_up: Callable[[Report], bool]) -> Ending:
    executor.submit(trial, give_up)
    endings = executor.wait(120)
    assert [ending.number for ending in endings] == [trial.number]
    return endings[0]


@every
def test_each_step_is_reported_as_it_is_logged(kind: str, write: Write, build: Build, tmp_path: Path) -> None:
    seen: list[Report] = []
    trial = new_trial(tmp_path / "runs", 7, a=3)
    ending = run_judged(build(kind, write(LOGS)), trial, lambda report: bool(seen.append(report)))
    assert ending.exit_code == 0
    assert [(report.number, report.step, report.metrics["loss"]) for report in seen] == [
        (7, step, 3 / step) for step in range(1, 6)
    ]
    assert all(report.metrics["nan"] != report.metrics["nan"] and not report.last for report in seen)
    assert "came to the end" in (trial.run_dir / "output.log").read_text()


@every
def test_a_trial_stops_where_it_is_told(kind: str, write: Write, build: Build, tmp_path: Path) -> None:
    trial = new_trial(tmp_path / "runs", a=3)
    ending = run_judged(build(kind, write(LOGS)), trial, lambda report: report.step == 2)
    assert ending.exit_code == 0
    run = read_run(trial.run_dir)
    assert [epoch.step for epoch in run.epochs] == [1, 2]
    assert run.error is None
    assert "came to the end" not in (trial.run_dir / "output.log").read_text()


@every
def test_a_script_that_bears_its_errors_stops_too(
    kind: str, write: Write, build: Build, tmp_path: Path
) -> None:
    script = write("""
        from results import log_metrics
        from spaces import flags
        flags()
        for step in range(1, 6):
            try:
                log_metrics(step, loss=1.0)
            except Exception:
                print("borne")
    """)
    trial = new_trial(tmp_path / "runs")
    run_judged(build(kind, script), trial, lambda report: report.step == 2)
    assert len(read_run(trial.run_dir).epochs) == 2


@keras
@every
def test_fit_stops_as_keras_stops_and_the_script_with_it(
    kind: str, write: Write, build: Build, tmp_path: Path
) -> None:
    seen: list[Report] = []
    trial = new_trial(tmp_path / "runs")

    def judge(report: Report) -> bool:
        seen.append(report)
        return report.step == 5

    ending = run_judged(build(kind, write(FITS)), trial, judge)
    assert ending.exit_code == 0
    # The steps go on counting over both fits; the third is the last of the first, which ends anyway.
    assert [(report.step, report.last) for report in seen] == [
        (1, False), (2, False), (3, True), (4, False), (5, False),
    ]  # fmt: skip
    run = read_run(trial.run_dir)
    assert run.epochs_completed == 5
    output = (trial.run_dir / "output.log").read_text()
    assert output.count("train end") == 2
    assert "came to the end" not in output


@keras
@every
def test_a_last_epoch_is_reported_and_never_stopped(
    kind: str, write: Write, build: Build, tmp_path: Path
) -> None:
    trial = new_trial(tmp_path / "runs")
    run_judged(build(kind, write(FITS)), trial, lambda report: report.last)
    assert "came to the end" in (trial.run_dir / "output.log").read_text()


@keras
@every
def test_an_early_stop_of_keras_own_is_the_last_epoch(
    kind: str, write: Write, build: Build, tmp_path: Path
) -> None:
    script = write(
        FITS.replace(
            "callbacks=[end]", "callbacks=[keras.callbacks.EarlyStopping('loss', patience=0, min_delta=9)]"
        )
    )
    seen: list[Report] = []
    trial = new_trial(tmp_path / "runs")
    run_judged(build(kind, script), trial, lambda report: bool(seen.append(report)))
    assert [report.last for report in seen][1] is True  # patience=0: the second epoch of a fit ends it
    assert "came to the end" in (trial.run_dir / "output.log").read_text()


@isolated
def test_two_trials_at_once_are_judged_apart(kind: str, write: Write, build: Build, tmp_path: Path) -> None:
    executor = build(kind, write(LOGS), workers=2)
    trials = [new_trial(tmp_path / "runs", number, a=number) for number in range(2)]
    for trial in trials:
        executor.submit(trial, lambda report: report.number == 1 and report.step == 3)
    ended: list[Ending] = []
    while len(ended) < 2:
        ended += executor.wait(120)
    assert [len(read_run(trial.run_dir).epochs) for trial in trials] == [5, 3]


@isolated
def test_a_trial_killed_while_it_waits_is_an_ending(
    kind: str, write: Write, build: Build, tmp_path: Path
) -> None:
    executor = build(kind, write(LOGS))
    trial = new_trial(tmp_path / "runs")

    def judge(report: Report) -> bool:
        executor.kill(0)
        return False

    ending = run_judged(executor, trial, judge)
    assert ending.signal == 9


@every
def test_without_a_judge_nothing_is_asked(kind: str, write: Write, build: Build, tmp_path: Path) -> None:
    executor = build(kind, write(LOGS))
    trial = new_trial(tmp_path / "runs")
    executor.submit(trial)
    assert executor.wait(120)[0].exit_code == 0
    assert len(read_run(trial.run_dir).epochs) == 5


CHATTY = """
    from results import log_metrics
    from spaces import flags
    flags()
    for step in range(1, 100_000):
        log_metrics(step, loss=1.0)
"""


@isolated
def test_trials_that_report_without_a_pause_do_not_keep_the_search_from_its_limits(
    kind: str, write: Write, build: Build, tmp_path: Path
) -> None:
    executor = build(kind, write(CHATTY), workers=4)

    def judge(report: Report) -> bool:
        time.sleep(0.05)  # while one is judged, the others report
        return report.step > 100

    for number in range(4):
        executor.submit(new_trial(tmp_path / "runs", number), judge)
    logs = "runs/*/metrics.jsonl"
    wait_until(lambda: executor.wait(0) == [] and len(list(tmp_path.glob(logs))) == 4, "four that report")
    assert executor.wait(0.5) == []
    with listening() as stop:
        stop.hear(signal.SIGTERM, None)
        stop.waker.send(b"\0")
        assert executor.wait(None, stop) == []


@pytest.mark.parametrize("kind", ["fork", "spawn"])
def test_an_ending_is_not_lost_where_the_judge_of_another_trial_raises(
    kind: str, write: Write, build: Build, tmp_path: Path
) -> None:
    executor = build(kind, write(LOGS), workers=2)
    assert isinstance(executor, LocalExecutor)

    def judge(report: Report) -> bool:
        raise ZeroDivisionError

    executor.submit(new_trial(tmp_path / "runs", 1), judge)
    wait_until(lambda: len(list(tmp_path.glob("runs/*/metrics.jsonl"))) == 1, "the first report")
    executor.submit(new_trial(tmp_path / "runs", 0))
    wait_until(lambda: len(list(tmp_path.glob("runs/*/metrics.jsonl"))) == 2, "the second trial")
    nursery = psutil.Process(executor.process.pid)
    wait_until(lambda: len(nursery.children()) == 1, "its end")
    ended: dict[int, Ending] = {}
    raised = 0
    while len(ended) < 2:
        try:
            endings = executor.wait(DEADLINE)
            assert endings
            ended |= {ending.number: ending for ending in endings}
        except ZeroDivisionError:
            raised += 1
            executor.kill(1)
    assert raised == 1
    assert (ended[0].exit_code, ended[1].signal) == (0, 9)


HELPERS = {
    "fork": """
        if os.fork() == 0:
            steps(100)
            os._exit(0)
        steps(0)
        os.wait()
    """,
    "threads": """
        threads = [threading.Thread(target=steps, args=(first,)) for first in (0, 100)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    """,
}


@isolated
@pytest.mark.parametrize("helper", HELPERS)
def test_helpers_that_log_do_not_take_the_trials_answers(
    kind: str, helper: str, write: Write, build: Build, tmp_path: Path
) -> None:
    script = write(
        "import os, threading\nfrom results import log_metrics\nfrom spaces import flags\nflags()\n"
        "def steps(first):\n    for step in range(first, first + 50):\n        log_metrics(step, loss=1.0)\n"
        + dedent(HELPERS[helper])
    )
    trial = new_trial(tmp_path / "runs")
    seen: list[int] = []
    ending = run_judged(build(kind, script), trial, lambda report: bool(seen.append(report.step)))
    assert ending.exit_code == 0
    assert len(read_run(trial.run_dir).epochs) == 100
    assert sorted(seen) == [*range(50), *(range(100, 150) if helper == "threads" else ())]
