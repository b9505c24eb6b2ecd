"""A study set going: its lock, its past, its loop. `tuning_run` and `resume` both end here."""

import shlex
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints

import click

from gridruns import unknown
from search.executor import Executor, Resources
from search.executors import check_executor, check_limits, make_executor, read_cluster, resources_for
from search.interrupts import Interrupted
from search.plan import check_steps, plan_words
from search.progress import clock, reporter
from search.script import Script
from search.study import Study, StudyError
from search.units import count_bytes, seconds

if TYPE_CHECKING:
    from search.storage.link import Link


@dataclass(frozen=True)
class Execution:
    """How the trials of a search are run; a study remembers it for `resume`.

    Attributes:
        executor: "local", "inline" or "ray".
        start_method: "fork", "spawn" or "auto".
        workers: Trials at once, or "auto".
        threads: Threads of each, or "auto".
        trial_timeout: Seconds a trial may take, or a text such as "30m".
        timeout: Seconds the search may take, or a text.
        memory_limit: Bytes the processes of a trial may take, or a text such as "2G".
        retries: How often a trial is run again that was killed or ran out of memory.
        keep_going: Whether to go on when the first trials fail alike.
        max_time: Seconds that the search is to fit in, or a text: no trial is begun that would end later.
        save_model: Whether each trial keeps its model and the data that its script evaluates it on.
        steps_per_execution: Training steps in a call of TensorFlow's, for a script that leaves it at one.
        address: Of the executor "ray" the cluster (see `search.cluster.settings.Cluster`).
        cpus_per_trial: Of the same, the CPUs of a trial; None for 1.
        gpus_per_trial: Of the same, the GPUs of a trial; None for none.
    """

    executor: str = "local"
    start_method: str = "auto"
    workers: int | str = "auto"
    threads: int | str = "auto"
    trial_timeout: int | float | str | None = None
    timeout: int | float | str | None = None
    memory_limit: int | float | str | None = None
    retries: int = 1
    keep_going: bool = False
    max_time: int | float | str | None = None
    save_model: bool = False
    steps_per_execution: int | None = None
    address: str | None = None
    cpus_per_trial: int | float | None = None
    gpus_per_trial: int | float | None = None

    def __post_init__(self) -> None:
        check_executor(self.executor, self.start_method)
        check_limits(self.executor, self.trial_timeout, self.memory_limit)
        check_steps(self.steps_per_execution)
        self.resources()
        self.limits()

    @classmethod
    def changed(cls, recorded: Mapping[str, Any], asked: Mapping[str, Any]) -> "Execution":
        """What a study recorded, with what is asked for now; None there leaves it as it was."""
        return cls(**{**recorded, **{name: value for name, value in asked.items() if value is not None}})

    def limits(self) -> Any:
        """What trials and search may take (a `search.watch.Limits`)."""
        from search.watch import Limits

        return Limits(
            seconds("trial_timeout", self.trial_timeout),
            seconds("timeout", self.timeout),
            count_bytes("memory_limit", self.memory_limit),
            self.retries,
            seconds("max_time", self.max_time),
        )

    def to_json(self) -> dict[str, Any]:
        """Plain JSON; `Execution(**...)` reads it, where `check_execution` passes it."""
        return asdict(self)

    def resources(self, trials: int | None = None) -> Resources:
        """What its trials may use."""
        cluster = read_cluster(self.executor, self.address, self.cpus_per_trial, self.gpus_per_trial)
        return resources_for(self.executor, self.workers, self.threads, trials, cluster)

    def start(self, script: Script, trials: int | None = None) -> Executor:
        """Build the executor; a warm parent begins to import."""
        return make_executor(self.executor, script, self.resources(trials), self.start_method)


def resume_command(folder: Path) -> str:
    """The command that goes on with the study of a directory."""
    parent = str(folder.parent)
    where = "" if parent == "runs" else f" --runs-dir {shlex.quote(parent)}"
    return f"gridruns resume {folder.name}{where}"


def check_execution(recorded: Any) -> None:
    """Refuse what no `Execution` writes: names that it doesn't know, and values of other types.

    Raises:
        StudyError: The message names the key and the value.
    """
    if not isinstance(recorded, Mapping):
        raise StudyError(f"execution must be an object, but got {recorded!r}")
    known = get_type_hints(Execution)
    for name, value in recorded.items():
        if name not in known:
            raise StudyError(f"execution: {unknown('key', str(name), known)}")
        kind = known[name]
        if isinstance(value, bool) is not (kind is bool) or not isinstance(value, kind):
            raise StudyError(f"execution: {name} must be of the type {getattr(kind, '__name__', kind)}, "
                             f"but got {value!r}")  # fmt: skip


def _left_words(left: int | None, seconds: float) -> str:
    """What `max_time` has left to do, in words."""
    what = "no more trials" if left is None else f"{left:,} trials are left, none of which"
    return (
        f"max_time: {what} would have ended within {clock(seconds)} most likely. "
        "To go on, for as long or with another --max-time"
    )


def run_study(
    study: Study,
    execution: Execution,
    runner: Executor,
    open_folder: Callable[[Study], AbstractContextManager[Path]],
    *,
    link: "Link | None" = None,
    seed_is_drawn: bool = False,
    yes: bool,
    quiet: bool,
) -> Path:
    """Run what of a study hasn't been done.

    Args:
        study: What is searched.
        execution: How.
        runner: The executor, started.
        open_folder: Makes or finds the study's directory and holds its lock; called when all is checked.
        link: The way to the database that the study is in too.
        seed_is_drawn: Whether nobody asked for the seed, so that the one of other machines will do.
        yes: Don't ask first.
        quiet: Show neither plan nor progress.

    Returns:
        The study's directory.
    """
    # Optuna and pandas load here, while the warm parent imports TensorFlow.
    from search.engine import study_sampler
    from search.loop import Search
    from search.past import read_past
    from search.schedule import Schedule
    from search.warm_start import as_trials

    # Built before anything is written: a sampler may refuse the space.
    sampler = study_sampler(study)
    if study.pruner is not None:
        study.pruner.make()
    resources = execution.resources(study.planned)
    if not quiet:
        words = plan_words(study.points, study.space.size, study.repeats)
        click.echo(f"{words}, {runner.slots} at a time, seed {study.seed}")
    if not yes:
        click.confirm("Start?", default=True, abort=True)
    with ExitStack() as held:
        if link is not None:
            study = link.agree(study, seed_is_drawn)
            sampler = study_sampler(study)
        folder = held.enter_context(open_folder(study))
        limits = execution.limits()
        past = read_past(folder, study.declared, limits.retries, study.rerun)
        study = study.named(folder.name)
        earlier = as_trials(study.earlier, study.space)
        if link is None:
            schedule = Schedule(study, sampler, past, earlier)
        else:
            schedule = link.schedule(study, sampler, past, earlier, folder)
        done = len(schedule.settled) + schedule.elsewhere
        if done and not quiet:
            click.echo(f"{done:,} are done already")
        search = Search(
            study,
            folder,
            runner,
            schedule,
            resources.threads,
            reporter(quiet, shared=execution.executor == "inline"),
            limits,
            execution.keep_going,
        )
        try:
            search.run()
        except Interrupted as stopped:
            stopped.folder = folder
            raise
        if schedule.elsewhere and not quiet:
            click.echo(f"{schedule.elsewhere:,} trials were run by other searches of the study")
        if search.out_of_time and not quiet:
            over = f"timeout: the search was ended after {limits.search_seconds:g} s"
            click.echo(f"\n{over}. To go on with the rest:\n  {resume_command(folder)}")
        elif search.out_of_plan and schedule.undealt != 0 and not quiet:
            click.echo(f"\n{_left_words(schedule.undealt, limits.plan_seconds)}:\n  {resume_command(folder)}")
    return folder
