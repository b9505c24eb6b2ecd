"""From what a user asked for to a `Study`: every check that can be made before anything is written."""

import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gridruns import GridrunsError, unknown
from search.declared import declared_space, reachable
from search.executor import Declarations
from search.samplers import ORDERS, check_sampler
from search.sampling import finite_size, infinite_flags
from search.study import Metric, StudyError
from search.warm_start import check_learns
from spaces import Space, Value, load_space, parse_setting, resolve, sample_count


@dataclass(frozen=True)
class Request:
    """What a user asked of a search, as far as it can be checked without the script.

    Attributes:
        space: The space, or None for the domains that the script declares.
        settings: What `--set` adds to it: texts such as "lr=1e-4,1e-3", or flags with their values.
        sample: The fraction of the space to run, in (0, 1], or None.
        trials: The number of trials instead, at least 1, or None.
        order: "random" or "grid".
        sampler: A name from the table in search/samplers.py, or an Optuna or keras-tuner object.
        pruner: A name from the table in search/pruners.py, with settings, or an Optuna pruner, or None.
        metrics: What is optimized; a run is judged at the best epoch of the first.
        repeats: How often each point is run, with a seed each.
        where: Constraints besides those of the space, such as "nodes2 <= nodes1".
        allow_duplicates: Whether the sampler may propose a point again.
        warm_start: Earlier results (see `search.warm_start.read_earlier`), or None.
        seed: In [0, 2**32), or None for a new one.
        arguments: What follows `--`: values of flags, `--profile` and `--flags-file`.
    """

    space: Any = None
    settings: Mapping[str, Any] | Sequence[str] = ()
    sample: float | None = None
    trials: int | None = None
    order: str = "random"
    sampler: Any = "grid"
    pruner: Any = None
    metrics: Sequence[Metric] = (Metric(),)
    repeats: int = 1
    where: Sequence[str] = ()
    allow_duplicates: bool = False
    warm_start: Any = None
    seed: int | None = None
    arguments: Sequence[str] = ()

    def __post_init__(self) -> None:
        if self.sample is not None and self.trials is not None:
            raise StudyError("give sample or trials, not both")
        if self.sample is not None:
            sample_count(self.sample, 1)
        if self.trials is not None:
            check_count("trials", self.trials)
        if self.order not in ORDERS:
            raise StudyError(unknown("order", self.order, ORDERS))
        check_seed(self.seed)
        check_count("repeats", self.repeats)
        if not self.metrics:
            raise StudyError("metric must name at least one metric, but got none")
        names = [metric.name for metric in self.metrics]
        if len(set(names)) < len(names):
            raise StudyError(f"metrics must be different, but got {', '.join(names)}")
        check_sampler(self.sampler, len(self.metrics))
        self._check_pruner()
        if self.allow_duplicates and self.repeats > 1:
            raise StudyError(f"give repeats or allow_duplicates, not both, but repeats is {self.repeats}")
        if self.warm_start is not None:
            check_learns(self.sampler)

    def _check_pruner(self) -> None:
        """Refuse a pruner that would have to compare what it can't."""
        if self.pruner is not None and len(self.metrics) > 1:
            raise StudyError(f"a pruner goes by one metric, but got {len(self.metrics)}")
        if self.pruner is not None and self.repeats > 1:
            raise StudyError(
                f"a pruner compares single runs, so repeats must be 1 beside it, but got {self.repeats}; "
                "search with the pruner, then `gridruns confirm` with several seeds"
            )


def read_metrics(given: str | Sequence[str], goal: str | None) -> tuple[Metric, ...]:
    """The metrics that a caller names, each perhaps with its goal.

    Raises:
        StudyError: They are no names, a goal is given twice or isn't known, or there is one for several.
    """
    names = [given] if isinstance(given, str) else given
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise StudyError(f"metric must be a name or a list of names, but got {given!r:.80}")
    if goal is not None and len(names) > 1:
        raise StudyError(f"of several metrics each has its own goal, as in 'val_loss:min', but got {goal!r}")
    return tuple(Metric.parse(name, goal) for name in names)


def check_count(name: str, value: object) -> None:
    """Refuse what is no whole number of at least 1."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise StudyError(f"{name} must be a whole number of at least 1, but got {value!r}")
    if value < 1:
        raise StudyError(f"{name} must be at least 1, but got {value}")


def check_steps(steps_per_execution: int | None) -> None:
    """Refuse steps in a call of TensorFlow's that are no whole number of at least 1."""
    if steps_per_execution is not None:
        check_count("steps_per_execution", steps_per_execution)


def check_seed(seed: int | None) -> None:
    """Refuse a seed outside [0, 2**32)."""
    if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**32):
        raise StudyError(f"seed must be a whole number in [0, 4294967296), but got {seed!r}")


def make_space(request: Request, declarations: Declarations) -> Space:
    """The space of a request, checked against the script's flags.

    Raises:
        GridrunsError: It names a flag or a value that the script doesn't take, or nothing is left to vary.
    """
    declared, given = declarations.flags, request.space
    if isinstance(given, Space):
        space = given
    elif given is None:
        space = declared_space(declarations)
    elif isinstance(given, (str, Path)):
        space = load_space(str(given))
    elif isinstance(given, Mapping):
        space = Space(given)
    else:
        space = Space.from_frame(given)
    if isinstance(request.settings, Mapping):
        changes: dict[str, Any] = dict(request.settings)
    else:
        changes = dict(parse_setting(text, declared) for text in request.settings)
        if len(changes) < len(request.settings):
            raise StudyError("a flag is set twice with --set")
    space = space.updated(changes)
    if given is None:
        space = reachable(space, declarations.conditions, changes)
    space = space.restricted(request.where).checked(declared)
    if not space.names:
        raise StudyError(
            "there is nothing to search: give a space, set flags, or declare domains (choices, low and high) "
            "in the script"
        )
    return space


def base_values(request: Request, declarations: Declarations, space: Space) -> dict[str, Value]:
    """The value of every flag outside the space: its default, flags.yml, then what follows `--`.

    A flag that doesn't always apply has one too, for where it doesn't.

    Raises:
        GridrunsError: A value that isn't the flag's, or a flag given both in the space and after `--`.
    """
    for argument in request.arguments:
        name = argument.removeprefix("--").split("=")[0]
        if argument.startswith("--") and name in space.names and name not in space.conditions:
            raise StudyError(f"flag {name!r} is in the space and also after --; give it once")
    values = resolve(
        declarations.flags, file=declarations.file, profile=declarations.profile, argv=request.arguments
    )
    return {
        name: value for name, value in values.items() if name not in space.names or name in space.conditions
    }


def planned_points(request: Request, space: Space, budget: bool = False) -> int | None:
    """How many points a request comes to, each to be run as often as it is repeated.

    Args:
        request: What is asked for.
        space: What is searched.
        budget: Whether a time is given that the search is to fit in.

    Returns:
        None for an open plan: of a space with ranges as many as fit in the time.

    Raises:
        StudyError: A number of trials is needed and not given, or is more than the space has points.
    """
    if space.size is None:
        if request.sampler == "grid":
            finite_size(space)  # says what a range needs
        if request.sample is not None or (request.trials is None and not budget):
            raise StudyError(
                f"the space has ranges ({', '.join(infinite_flags(space))}): give a number of trials, "
                "or max_time for as many as fit in it"
            )
        return request.trials
    if request.trials is None:
        return sample_count(1 if request.sample is None else request.sample, space.size)
    if request.trials > space.size and not request.allow_duplicates:
        raise StudyError(
            f"trials must be at most the {space.size:,} points of the space, but got {request.trials:,}"
        )
    return request.trials


def plan_words(points: int | None, size: int | None, repeats: int = 1) -> str:
    """The plan in words: "146 of 2,916 combinations (5.0%)"."""
    times = f", each {repeats} times" if repeats > 1 else ""
    if points is None:
        return f"as many points of a space with ranges as fit in max_time{times}"
    if size is None:
        return f"{points:,} trials of a space with ranges{times}"
    return f"{points:,} of {size:,} combinations ({100 * points / size:.1f}%){times}"


def is_fewer(planned: int | None, than: int | None) -> bool:
    """Whether a plan has fewer trials than another; None is an open plan."""
    return planned is not None and (than is None or planned < than)


def trials_words(planned: int | None) -> str:
    """A number of planned trials in words; None is an open plan."""
    return "as many trials as fit in max_time" if planned is None else f"{planned:,} trials"


def new_seed() -> int:
    """A seed from the system's entropy, in [0, 2**32)."""
    return secrets.randbits(32)


def check_writable(runs_dir: Path) -> None:
    """Refuse a runs directory that can't be made or written to, without making it.

    Raises:
        GridrunsError: It names the directory and the reason.
    """
    there = runs_dir.absolute()
    while not there.exists() and there != there.parent:
        there = there.parent
    if not there.is_dir():
        raise GridrunsError(
            f"the runs directory {str(runs_dir)!r} can't be made: {str(there)!r} is not a directory"
        )
    if not os.access(there, os.W_OK | os.X_OK):
        raise GridrunsError(
            f"the runs directory {str(runs_dir)!r} can't be written: no permission for {str(there)!r}"
        )


def make_runs_dir(runs_dir: Path) -> None:
    """Make the runs directory where it isn't there yet.

    Raises:
        GridrunsError: It can't be made.
    """
    try:
        runs_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise GridrunsError(f"can't make the runs directory {str(runs_dir)!r}: {error.strerror}") from None
