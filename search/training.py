"""A single training run: one script, one set of flags, one run directory."""

import codecs
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from results import layout
from results.kept import keeping
from results.runs import read_run
from results.stepping import stepping
from results.table import run_info
from search.entry import read_what
from search.executor import Ending, Executor, Trial
from search.executors import check_executor, make_executor, read_cluster, resources_for
from search.interrupts import Stop, listening
from search.plan import check_seed, check_steps, check_writable, make_runs_dir, new_seed
from search.record import begin_run, close_run, run_record
from search.study import versions
from search.verdicts import Judge
from spaces import Value, resolve

if TYPE_CHECKING:
    import pandas as pd

LOOK = 0.2  # seconds between two looks at the output of the run
GRACE = 10.0  # seconds that a run has to be reported as ended; after that it is recorded without numbers


def training_run(
    file: Any,
    flags: Mapping[str, Value] | None = None,
    *,
    data: Any = None,
    seed: int | None = None,
    threads: int | str = "auto",
    executor: str = "local",
    start_method: str = "auto",
    runs_dir: str | Path = "runs",
    arguments: Sequence[str] = (),
    quiet: bool = False,
    save_model: bool = False,
    steps_per_execution: int | None = None,
    address: str | None = None,
    cpus_per_trial: float | None = None,
    gpus_per_trial: float | None = None,
) -> "pd.DataFrame":
    """Run a script once and record it.

    Args:
        file: The training script; it calls `flags()`. Or a hypermodel, as in `tuning_run`.
        flags: Values of flags; they win over `arguments`, flags.yml and the defaults.
        data: The function of a hypermodel's data, as in `tuning_run`.
        seed: Seeds Python, NumPy and Keras, in [0, 2**32); None draws a new one.
        threads: Threads of TensorFlow, OpenMP and BLAS; "auto" for all cores.
        executor: "local" (a process of its own), "inline" (this process) or "ray" (a Ray cluster).
        start_method: "fork", "spawn" or "auto" (see `tuning_run`).
        runs_dir: The directory in which the run gets its own.
        arguments: Values of flags as on the script's command line.
        quiet: Don't show the script's output while it runs.
        save_model: Keep the model of the script's last `fit()` or `evaluate()` as model.keras in the run's
            directory, and the data of its last `evaluate(x, y)` as held_out.npz, for `evaluate`.
        steps_per_execution: Training steps in a call of TensorFlow's, at least 1, as in `tuning_run`.
        address: The Ray cluster, as in `tuning_run`.
        cpus_per_trial: CPUs of the run there; None for 1.
        gpus_per_trial: GPUs of the run there; None for none.

    Returns:
        The run as a DataFrame of one row (see `results.run_info`), whatever its status.

    Raises:
        GridrunsError: Something asked for can't be; nothing has been written then.
        Interrupted: Ctrl-C or SIGTERM, a KeyboardInterrupt; the run is recorded.
    """
    check_executor(executor, start_method)
    check_seed(seed)
    check_steps(steps_per_execution)
    check_writable(Path(runs_dir))
    script = read_what(file, data=data)
    cluster = read_cluster(executor, address, cpus_per_trial, gpus_per_trial)
    resources = resources_for(executor, 1, threads, 1, cluster)
    runner = make_executor(executor, script, resources, start_method)
    try:
        declared = runner.declarations()
        script = replace(script, entry=declared.entry)
        values = resolve(
            declared.flags, file=declared.file, profile=declared.profile, argv=arguments, values=flags
        )
        chosen = new_seed() if seed is None else seed
        make_runs_dir(Path(runs_dir))
        record = run_record(
            script, values, 0, chosen, resources.threads, versions=versions(),
            **keeping(save_model), **stepping(steps_per_execution),
        )  # fmt: skip
        output = None if quiet or executor == "inline" else sys.stdout
        with listening(patient=False) as stop:
            run_dir = begin_run(Path(runs_dir), record, values)
            _run(runner, Trial(0, values, chosen, run_dir.absolute()), run_dir, output, stop)
            stop.check()
    finally:
        runner.close()
    return run_info(run_dir)


def _run(runner: Executor, trial: Trial, run_dir: Path, output: TextIO | None, stop: Stop) -> None:
    """Run the trial, showing its output as it comes, and record its end; end it when told to stop."""
    follower = _Follower(run_dir / layout.OUTPUT, output)
    judge = Judge()
    endings: list[Ending] = []
    try:
        runner.submit(trial)
        while not endings and not stop.asked:
            endings = runner.wait(LOOK, stop)
            follower.show()
    finally:
        if not endings or stop.asked:
            judge.stop("the run was stopped")
            runner.kill(trial.number)
        endings = endings or runner.wait(GRACE) or [Ending(trial.number, None)]
        run = read_run(run_dir)
        close_run(run_dir, endings[0], judge.verdict(endings[0], run), run.error)


class _Follower:
    """Copies a growing log to a stream."""

    def __init__(self, log: Path, output: TextIO | None) -> None:
        self._log = log
        self._output = output
        self._start = 0
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")

    def show(self) -> None:
        """Copy what is new."""
        if self._output is None or not self._log.exists():
            return
        with self._log.open("rb") as file:
            file.seek(self._start)
            new = file.read()
        self._start += len(new)
        self._output.write(self._decoder.decode(new))
        self._output.flush()
