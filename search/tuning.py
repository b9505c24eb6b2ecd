"""`tuning_run`: from what a user asks for to a finished, ranked search.

Optuna and pandas are imported only once the warm parent is importing TensorFlow beside them.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from search.dry_run import check_foreseeable, points_to_run
from search.entry import read_what
from search.executor import Declarations
from search.launch import Execution, run_study
from search.past import NOTHING, ends_to_rerun, read_past
from search.plan import (
    Request,
    base_values,
    check_writable,
    is_fewer,
    make_space,
    new_seed,
    plan_words,
    planned_points,
    read_metrics,
    trials_words,
)
from search.pruners import read_pruner
from search.script import Script
from search.storage.address import StorageError, read_address
from search.storage.link import chosen_storage, opened_link
from search.study import Study, StudyError, check_name
from search.study_file import differences, load, read_raw
from search.study_folder import existing_folder, holds_study, new_folder, shared_folder
from search.warm_start import read_earlier

if TYPE_CHECKING:
    import pandas as pd
    from optuna.pruners import BasePruner
    from optuna.samplers import BaseSampler


def tuning_run(
    file: str | Path | None = None,
    flags: Any = None,
    *,
    hypermodel: Any = None,
    data: Any = None,
    set: Mapping[str, Any] | Sequence[str] = (),
    sample: float | None = None,
    trials: int | None = None,
    order: str = "random",
    where: Sequence[str] = (),
    sampler: "str | BaseSampler | Any" = "grid",
    pruner: "str | BasePruner | None" = None,
    metric: str | Sequence[str] = "val_loss",
    goal: str | None = None,
    repeats: int = 1,
    allow_duplicates: bool = False,
    warm_start: Any = None,
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
    max_time: float | str | None = None,
    save_model: bool = False,
    steps_per_execution: int | None = None,
    address: str | None = None,
    cpus_per_trial: float | None = None,
    gpus_per_trial: float | None = None,
    study: str | None = None,
    extend: bool = False,
    rerun: str | Sequence[str] = (),
    storage: str | None = None,
    runs_dir: str | Path = "runs",
    arguments: Sequence[str] = (),
    dry_run: bool = False,
    yes: bool = True,
    quiet: bool = False,
) -> "pd.DataFrame":
    """Run a script at points of a space, each trial in a process of its own, and rank the runs.

    Args:
        file: The training script; it calls `flags()`. Or "FILE.py:NAME", as `hypermodel`.
        flags: The space: a mapping of flags to values or domains, a `Space`, the name of a shipped space or
            a YAML file, a DataFrame of ready combinations, or None for the domains that the script declares.
        hypermodel: In a script's place a `build(hp)` function or a keras-tuner `HyperModel`: "FILE.py:NAME",
            or what a file has under a name. Its hyperparameters are flags with domains and conditions, beside
            `epochs` and `batch_size` (docs/hypermodels.md).
        data: The function of a hypermodel's data: "FILE.py:NAME", a NAME in the same file, or the function.
        set: Adds flags to the space or replaces them, as texts ("lr=1e-4,1e-3") or a mapping.
        sample: The fraction of the points of a finite space to run, in (0, 1]: ceil(sample * N) different
            points. None runs all.
        trials: The number of points instead, at least 1. A space with ranges needs it, or `max_time`.
        where: Constraints that every point keeps, such as "dropout1 + dropout2 <= 0.6".
        order: Of the sampler `grid`: "random", or "grid" for the points in order, first flag fastest.
        sampler: "grid", "random", "tpe", "gp", "cmaes", "qmc", "keras-tuner:random",
            "keras-tuner:bayesian", or an Optuna sampler or keras-tuner oracle.
        pruner: What ends trials that go badly, after an epoch: "median", "percentile", "asha", "hyperband",
            "wilcoxon" or "patient", with settings as in "asha:min_resource=2", or an Optuna pruner. None lets
            every trial run to its end.
        metric: What is optimized: a name that `fit()` or `log_metrics` logs, perhaps with its goal, as in
            "val_accuracy:max"; or several, for their Pareto front. `epoch_seconds` is the time of an epoch.
            A run is judged at the best epoch of the first.
        goal: "min" or "max", for a metric without one; None for "min".
        repeats: How often each point is run, with other seeds, the same ones for all points.
        allow_duplicates: Whether the sampler may propose a point again.
        warm_start: Earlier results for the sampler to begin with: a DataFrame, a CSV or YAML file, or an
            Optuna study (see `search.warm_start.read_earlier`).
        seed: In [0, 2**32); the order of the points and every trial's own seed follow from it. None
            draws a new one.
        workers: How many trials run at once, or "auto".
        threads: Threads of each trial, or "auto" for its share of the cores.
        executor: "local" (a process a trial), "inline" (in this process) or "ray" (on a Ray cluster).
        start_method: "fork" from a warm parent, "spawn" a fresh interpreter a trial, or "auto".
        trial_timeout: Seconds that a trial may take, or a text such as "30m"; then it is ended: `timeout`.
        timeout: Seconds that the search may take, or a text; then what runs is ended, to be resumed.
        memory_limit: Bytes that the processes of a trial may take together, or a text such as "2G"; a trial
            over it is ended: `oom` (Linux).
        retries: How often a trial is run again that was killed, or, with nothing beside it, one that
            ran out of memory.
        max_time: Seconds that the search is to fit in, or a text: no trial is begun that most likely would
            end later; the others are left to `resume`. In a space with ranges it may stand alone, without
            `trials`: then the search goes on until the time is over.
        keep_going: Go on when the first three trials fail the same way.
        save_model: Each trial keeps its model and the data of its last `evaluate()` (see `training_run`).
        steps_per_execution: Training steps in a call of TensorFlow's, at least 1, for a script that compiles
            its model with one (docs/performance.md): fewer calls from Python, the same losses. A script
            with a callback that looks at every batch is refused, as a failed trial.
        address: The Ray cluster: "auto" for the one that this machine belongs to, "HOST:PORT", or
            "ray://HOST:PORT"; None starts Ray on this machine (docs/cluster.md).
        cpus_per_trial: CPUs of a trial on a Ray cluster; None for 1.
        gpus_per_trial: GPUs of a trial there, parts of one too; None for none.
        study: The study's name, its directory below `runs_dir`; None makes one from script and time. One that
            exists goes on: only what is new is run.
        extend: Go on with an existing study although script, space, metric ... have changed. Finished points
            that are still points are kept.
        rerun: Of a study that goes on, ends without a result, such as "failed" or "timeout", whose points are
            run again; their runs stay.
        storage: A database that the study is in too, for optuna-dashboard and for other machines that work on
            the same study: "sqlite:///FILE" or "postgresql://USER@HOST/DATABASE" (docs/storage.md). It needs
            the study's name. "none" leaves the one that the study had.
        runs_dir: The directory of all studies.
        arguments: Values of flags outside the space, as on the script's command line.
        dry_run: Run nothing and write nothing: return the trials that would be run, a row each (see
            `search.dry_run.points_to_run`); for a sampler that doesn't go by results.
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
        flags, set, sample, trials, order, sampler, pruner, read_metrics(metric, goal), repeats, where,
        allow_duplicates, warm_start, seed, arguments,
    )  # fmt: skip
    if dry_run:
        check_foreseeable(sampler)
    execution = Execution(
        executor, start_method, workers, threads, trial_timeout, timeout, memory_limit, retries, keep_going,
        max_time, save_model, steps_per_execution, address, cpus_per_trial, gpus_per_trial,
    )  # fmt: skip
    ends = ends_to_rerun(rerun)
    former = _former(study, Path(runs_dir), "extend" if extend else "run points of again" if ends else None)
    raw = {} if former is None else read_raw(former)
    before = None if former is None else load(former, raw)
    url = chosen_storage(storage, before)
    _check_storage(url, study, dry_run)
    check_writable(Path(runs_dir))
    script = read_what(file, hypermodel, data)
    runner = execution.start(script, trials)
    try:
        declarations = runner.declarations()
        # Whatever is wrong with the space is said before a database is made.
        spec = _specify(study or "", request, script, declarations, execution, before)
        with opened_link(url) as link:
            known = None if link is None else link.known(study or "")
            there = before
            if link is not None and known is not None and before is None:
                there = link.study(known, study or "")
                spec = _specify(study or "", request, script, declarations, execution, there)
            spec = replace(spec, storage=None if link is None else link.public)
            changed = bool(ends)
            if former is not None and before is not None:
                changed |= _check_growth(before, differences(former, raw, spec), spec, extend)
                spec = replace(spec, rerun={**before.rerun, **dict.fromkeys(ends, datetime.now(UTC))})
            if dry_run:
                return _dry_run(spec, former, execution, quiet)
            opened: Callable[[Study], AbstractContextManager[Path]]
            if link is not None:
                if known is not None:
                    link.check(known, spec)
                place = Path(runs_dir) / check_name(study or "")
                opened = partial(shared_folder, place, turn=link.turn(place.name), extended=extend)
            elif former is None:
                opened = partial(new_folder, Path(runs_dir), study)
            else:
                opened = partial(existing_folder, former, raw, changed=changed)
            drawn = seed is None and there is None
            home = run_study(
                spec, execution, runner, opened, link=link, seed_is_drawn=drawn, yes=yes, quiet=quiet
            )
    finally:
        runner.close()
    from results import leaderboard

    return leaderboard(home)


def _dry_run(spec: Study, former: Path | None, execution: Execution, quiet: bool) -> "pd.DataFrame":
    """The trials that would be run, with the plan in words before them."""
    limits = execution.limits()
    past = NOTHING if former is None else read_past(former, spec.declared, limits.retries, spec.rerun)
    points = points_to_run(spec, past)
    if not quiet:
        words = plan_words(spec.points, spec.space.size, spec.repeats)
        click.echo(f"{words}; with --seed {spec.seed} these {len(points):,} trials are run:")
    return points


def _check_storage(url: str | None, study: str | None, dry_run: bool) -> None:
    """Refuse a database that can't be one, or what can't be done with one, before anything is started.

    Raises:
        StorageError: The message says which.
    """
    if url is None:
        return
    read_address(url)
    if study is None:
        raise StorageError("storage needs the study's name, the same on every machine: give --study NAME")
    if dry_run:
        raise StorageError(
            "dry_run shows what one machine would run, but the study is in a database: leave storage out, or "
            "look at a new study"
        )


def _former(study: str | None, runs_dir: Path, needed_to: str | None) -> Path | None:
    """The directory of the study that is to go on, or None for a new one.

    Args:
        study: Its name.
        runs_dir: The directory of all studies.
        needed_to: What can only be done to a study that is there.

    Raises:
        StudyError: The name can't be one, there is no study that is needed, or another search runs it.
    """
    folder = None if study is None else runs_dir / check_name(study)
    if folder is not None and holds_study(folder):
        return folder
    if needed_to is not None:
        raise StudyError(f"there is no study {study or ''!r} in {str(runs_dir)!r} to {needed_to}")
    return None


def _specify(
    name: str,
    request: Request,
    script: Script,
    declarations: Declarations,
    execution: Execution,
    before: Study | None,
) -> Study:
    """The study that a request comes to; one that goes on keeps its seed unless another is asked for.

    Args:
        name: Its name.
        request: What the user asked for.
        script: The script.
        declarations: What the script declares.
        execution: How trials are run.
        before: The study that goes on, as it was, or None for a new one.
    """
    space = make_space(request, declarations)
    points = planned_points(request, space, budget=execution.max_time is not None)
    earlier = () if before is None else before.earlier
    if request.warm_start is not None:
        earlier = read_earlier(request.warm_start, space, declarations.flags, request.metrics)
    seed = request.seed
    if seed is None:
        seed = new_seed() if before is None else before.seed
    return Study(
        name=name,
        script=replace(script, entry=declarations.entry),
        declared=declarations.flags,
        base=base_values(request, declarations, space),
        space=space,
        planned=None if points is None else points * request.repeats,
        sampler=request.sampler,
        order=request.order,
        metric=request.metrics[0],
        also=request.metrics[1:],
        repeats=request.repeats,
        allow_duplicates=request.allow_duplicates,
        earlier=earlier,
        seed=seed,
        pruner=read_pruner(request.pruner),
        sample=request.sample,
        execution=execution.to_json(),
    )


def _check_growth(before: Study, changes: Sequence[str], spec: Study, extend: bool) -> bool:
    """Whether a study that goes on becomes another one than study.json says.

    Args:
        before: The study as it was.
        changes: What of it isn't as it is asked for now, the number of trials aside.
        spec: What is asked for now.
        extend: Whether changes are wanted.

    Raises:
        StudyError: It does, in more than the number of trials, and that wasn't asked for; or it would shrink.
    """
    if changes and not extend:
        raise StudyError(
            f"study {before.name!r} isn't what is asked for now: {'; '.join(changes)}. "
            "--extend goes on with what is asked for now; another --study name begins anew"
        )
    if not changes and is_fewer(spec.planned, before.planned):
        planned = trials_words(before.planned)
        raise StudyError(f"study {before.name!r} has {planned} planned already, but got {spec.planned:,}")
    return bool(changes) or spec.planned != before.planned or spec.storage != before.storage
