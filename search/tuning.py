"""`tuning_run`: from what a user asks for to a finished, ranked search.

Optuna and pandas are imported only once the warm parent is importing TensorFlow beside them.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from search.executor import Declarations
from search.launch import Execution, run_study
from search.plan import Request, base_values, check_writable, make_space, new_seed, planned_trials
from search.pruners import read_pruner
from search.script import Script, read_script
from search.study import Metric, Study, StudyError, check_name
from search.study_file import differences, read_raw
from search.study_folder import existing_folder, holds_study, new_folder

if TYPE_CHECKING:
    import pandas as pd
    from optuna.pruners import BasePruner


def tuning_run(
    file: str | Path,
    flags: Any = None,
    *,
    set: Mapping[str, Any] | Sequence[str] = (),
    sample: float | None = None,
    trials: int | None = None,
    order: str = "random",
    sampler: str = "grid",
    pruner: "str | BasePruner | None" = None,
    metric: str = "val_loss",
    goal: str = "min",
    seed: int | None = None,
    workers: int | str = "auto",
    threads: int | str = "auto",
    executor: str = "local",
    start_method: str = "auto",
    trial_timeout: float | str | None = None,
    timeout: float | str | None = None,
    memory_limit: int | str | None = None,
    retries: int = 1,
    keep_going: bool = False,
    study: str | None = None,
    extend: bool = False,
    runs_dir: str | Path = "runs",
    arguments: Sequence[str] = (),
    yes: bool = True,
    quiet: bool = False,
) -> "pd.DataFrame":
    """Run a script at points of a space, each trial in a process of its own, and rank the runs.

    Args:
        file: The training script; it calls `flags()`.
        flags: The space: a mapping of flags to values or domains, a `Space`, the name of a shipped space or
            a YAML file, a DataFrame of ready combinations, or None for the domains that the script declares.
        set: Adds flags to the space or replaces them, as texts ("lr=1e-4,1e-3") or a mapping.
        sample: The fraction of the points of a finite space to run, in (0, 1]: ceil(sample * N) different
            points. None runs all.
        trials: The number of trials instead, at least 1.
        order: Of the sampler `grid`: "random", or "grid" for the points in order, first flag fastest.
        sampler: "grid", "random" or "keras-tuner:random".
        pruner: What ends trials that go badly, after an epoch: "median", "percentile", "asha", "hyperband",
            "wilcoxon" or "patient", with settings as in "asha:min_resource=2", or an Optuna pruner. None lets
            every trial run to its end.
        metric: What is optimized: a name that `fit()` or `log_metrics` logs.
        goal: "min" or "max".
        seed: In [0, 2**32); the order of the points and every trial's own seed follow from it. None
            draws a new one.
        workers: How many trials run at once, or "auto".
        threads: Threads of each trial, or "auto" for its share of the cores.
        executor: "local" (a process a trial) or "inline" (in this process).
        start_method: "fork" from a warm parent, "spawn" a fresh interpreter a trial, or "auto".
        trial_timeout: Seconds that a trial may take, or a text such as "30m"; then it is ended: `timeout`.
        timeout: Seconds that the search may take, or a text; then what runs is ended, to be resumed.
        memory_limit: Bytes that the processes of a trial may take together, or a text such as "2G"; a trial
            over it is ended: `oom` (Linux).
        retries: How often a trial is run again that was killed, or, with nothing beside it, one that
            ran out of memory.
        keep_going: Go on when the first three trials fail the same way.
        study: The study's name, its directory below `runs_dir`; None makes one from script and time. One that
            exists goes on: only what is new is run.
        extend: Go on with an existing study although script, space, metric ... have changed. Finished points
            that are still points are kept.
        runs_dir: The directory of all studies.
        arguments: Values of flags outside the space, as on the script's command line.
        yes: Don't ask before starting; asking takes a terminal.
        quiet: Show no plan and no progress.

    Returns:
        The runs of the study as a leaderboard, best first (see `results.leaderboard`).

    Raises:
        GridrunsError: Something asked for can't be; nothing has been written then.
        NoResultError: No trial logged the metric, or the first three failed the same way.
        RecordingError: A run couldn't be recorded.
        Interrupted: Ctrl-C or SIGTERM; a KeyboardInterrupt. The search can be resumed.
    """
    request = Request(
        flags, set, sample, trials, order, sampler, pruner, Metric(metric, goal), seed, arguments
    )
    execution = Execution(
        executor, start_method, workers, threads, trial_timeout, timeout, memory_limit, retries, keep_going
    )
    former = _former(study, Path(runs_dir), extend)
    check_writable(Path(runs_dir))
    script = read_script(file)
    runner = execution.start(script, trials)
    try:
        spec = _specify(study or "", request, script, runner.declarations(), execution, former)
        if former is None:
            folder = new_folder(Path(runs_dir), study, spec)
        else:
            folder = existing_folder(former, spec, changed=_check_growth(former, spec, extend))
        where = run_study(spec, execution, runner, folder, yes=yes, quiet=quiet)
    finally:
        runner.close()
    from results import leaderboard

    return leaderboard(where)


def _former(study: str | None, runs_dir: Path, extend: bool) -> Path | None:
    """The directory of the study that is to go on, or None for a new one.

    Raises:
        StudyError: The name can't be one, there is nothing to extend, or another search runs the study.
    """
    folder = None if study is None else runs_dir / check_name(study)
    if folder is not None and holds_study(folder):
        return folder
    if extend:
        raise StudyError(f"there is no study {study or ''!r} in {str(runs_dir)!r} to extend")
    return None


def _specify(
    name: str,
    request: Request,
    script: Script,
    declarations: Declarations,
    execution: Execution,
    former: Path | None,
) -> Study:
    """The study that a request comes to; one that goes on keeps its seed unless another is asked for."""
    space = make_space(request, declarations.flags)
    seed = request.seed
    if seed is None:
        seed = new_seed() if former is None else read_raw(former).get("seed", 0)
    return Study(
        name=name,
        script=script,
        declared=declarations.flags,
        base=base_values(request, declarations, space),
        space=space,
        planned=planned_trials(request, space),
        sampler=request.sampler,
        order=request.order,
        metric=request.metric,
        seed=seed,
        pruner=read_pruner(request.pruner),
        sample=request.sample,
        execution=execution.to_json(),
    )


def _check_growth(former: Path, spec: Study, extend: bool) -> bool:
    """Whether a study that goes on becomes another one than study.json says.

    Raises:
        StudyError: It does, in more than the number of trials, and that wasn't asked for; or it would shrink.
    """
    changes = differences(former, spec)
    if changes and not extend:
        raise StudyError(
            f"study {former.name!r} isn't what is asked for now: {'; '.join(changes)}. "
            "--extend goes on with what is asked for now; another --study name begins anew"
        )
    planned = read_raw(former).get("planned", 0)
    if not changes and spec.planned < planned:
        raise StudyError(
            f"study {former.name!r} has {planned:,} trials planned already, but got {spec.planned:,}"
        )
    return bool(changes) or spec.planned != planned
