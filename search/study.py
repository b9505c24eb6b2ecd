"""A study: what one search is, fixed before it starts, and the directory it gets."""

import hashlib
import itertools
import platform
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

import gridruns
from gridruns import GridrunsError
from results import layout
from results.status import Status
from search.pruners import Pruner
from search.script import Script
from spaces import Flag, Space, Value

RECORDED_PACKAGES = ("tensorflow", "keras", "keras-tuner", "optuna", "numpy", "pandas", "tensorboard")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
GOALS = ("min", "max")


class StudyError(GridrunsError):
    """A study that can't be as it was asked for."""


@dataclass(frozen=True)
class Metric:
    """What a search optimizes: a name that `fit()` or `log_metrics` logs, and a direction."""

    name: str = "val_loss"
    goal: str = "min"

    def __post_init__(self) -> None:
        if not self.name:
            raise StudyError("metric must be the name of a logged metric, but got ''")
        if self.goal not in GOALS:
            raise StudyError(f"goal must be 'min' or 'max', but got {self.goal!r}")

    @classmethod
    def parse(cls, text: str, goal: str | None = None) -> "Metric":
        """The metric that a text names: "val_loss", or with its goal "epoch_seconds:min".

        Args:
            text: As above.
            goal: The goal of one that the text doesn't give; None for "min".

        Raises:
            StudyError: The goal is given twice, or isn't known.
        """
        name, colon, own = text.rpartition(":")
        if not colon:
            return cls(text, goal or "min")
        if own not in GOALS:
            raise StudyError(
                f"metric {text!r}: the goal behind the last colon must be 'min' or 'max', but got {own!r}"
            )
        if goal is not None and goal != own:
            raise StudyError(f"metric {text!r} has a goal of its own, but goal is {goal!r}")
        return cls(name, own)

    def to_json(self) -> dict[str, str]:
        """Plain JSON; `Metric(**...)` reads it."""
        return {"name": self.name, "goal": self.goal}

    @property
    def direction(self) -> Literal["minimize", "maximize"]:
        """Optuna's word for the goal."""
        return "minimize" if self.goal == "min" else "maximize"


@dataclass(frozen=True)
class Earlier:
    """One earlier result, as study.json keeps it.

    Attributes:
        point: The flags of the space that apply.
        values: The study's metrics, in its order; finite.
    """

    point: Mapping[str, Value]
    values: Sequence[float]

    def to_json(self) -> dict[str, Any]:
        """Plain JSON; `Earlier(**...)` reads it."""
        return {"point": dict(self.point), "values": list(self.values)}


@dataclass(frozen=True)
class Study:
    """One search, complete before its first trial.

    Attributes:
        name: The name of its directory below the runs directory.
        script: The script with its digests.
        declared: The flags that the script declares.
        base: The value of every flag that the space leaves alone.
        space: What is searched.
        planned: How many trials it is to run: points times repeats. None for an open plan, of a space with
            ranges: as many as fit in the execution's `max_time`, and as many again when it is resumed.
        sampler: The sampler's name, or an Optuna or keras-tuner object.
        order: "random" or "grid" (first flag fastest), for the sampler `grid`.
        metric: What is optimized; of several the first, at whose best epoch a run is judged.
        seed: Every trial's seed and the sampler's derive from it; in [0, 2**32).
        pruner: What gives up trials that go badly, or None.
        also: Further metrics that are optimized at once.
        repeats: How often each point is run, each time with another seed; at least 1.
        allow_duplicates: Whether the sampler may propose a point again.
        earlier: Results from elsewhere that the sampler begins with.
        sample: The fraction asked for, where one was.
        execution: How its trials are run: executor, workers, limits ... (see `search.launch.Execution`).
        rerun: Ends that settle nothing where the run began before a time: the user wants their points
            run again.
        storage: The URL of the database that the study is in too, without its password; or None.
        idle: Of a table of ready combinations, for a point's key (`Space.key`) the flags that don't apply
            there; a table has no conditions.
    """

    name: str
    script: Script
    declared: Sequence[Flag]
    base: Mapping[str, Value]
    space: Space
    planned: int | None
    sampler: Any
    order: str
    metric: Metric
    seed: int
    pruner: Pruner | None = None
    also: Sequence[Metric] = ()
    repeats: int = 1
    allow_duplicates: bool = False
    earlier: Sequence[Earlier] = ()
    sample: float | None = None
    execution: Mapping[str, Any] = field(default_factory=dict)
    rerun: Mapping[Status, datetime] = field(default_factory=dict)
    storage: str | None = None
    idle: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def named(self, name: str) -> "Study":
        """The same study under the name of its directory."""
        return replace(self, name=name)

    def values(self, point: Mapping[str, Value]) -> dict[str, Value]:
        """The value of every flag at a point, in the order in which the script declares them."""
        return {flag.name: point.get(flag.name, self.base.get(flag.name)) for flag in self.declared}

    def inactive(self, point: Mapping[str, Value]) -> tuple[str, ...]:
        """The flags of the space that don't apply at a point."""
        idle = self.idle.get(self.space.key(point), ()) if self.idle else ()
        return tuple(name for name in self.space.names if name not in point or name in idle)

    @property
    def points(self) -> int | None:
        """How many points it is to run; None for an open plan."""
        return None if self.planned is None else self.planned // self.repeats

    def trial_seed(self, number: int, repeat: int = 0) -> int:
        """The seed of trial `number`: 32 bits of BLAKE2 over the study's seed and the number.

        Where points are run several times, all points share their seeds, one for each repeat: what a seed
        gives to all cancels in their differences.
        """
        return derived_seed(self.seed, f"trial {number}" if self.repeats == 1 else f"repeat {repeat}")


def derived_seed(seed: int, purpose: str) -> int:
    """A seed in [0, 2**32) for one purpose, from a seed for all: 32 bits of BLAKE2b over both."""
    digest = hashlib.blake2b(f"{seed}/{purpose}".encode(), digest_size=4).digest()
    return int.from_bytes(digest, "big")


def check_name(name: str) -> str:
    """Return a study's name if it can be a directory's name directly below the runs directory."""
    if layout.RUN_NAME.fullmatch(name):
        raise StudyError(f"a study's name can't be one that a run could have, but got {name!r}")
    if not NAME.fullmatch(name):
        raise StudyError(
            "a study's name must be of letters, digits, '.', '_' and '-', the first a letter or digit, "
            f"but got {name!r}"
        )
    return name


def claim_folder(runs_dir: Path, script: Script, name: str | None = None) -> Path:
    """Make the directory of a new study, whatever other searches do at the same moment.

    Args:
        runs_dir: The directory of all studies; made if it isn't there.
        script: Gives a study without a name its name, with the UTC second.
        name: The name asked for.

    Raises:
        StudyError: The name is taken or can't be one, or the directory can't be made.
    """
    for folder in _candidates(runs_dir, script, name):
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError as error:
            raise StudyError(f"can't make the directory {str(folder)!r}: {error.strerror}") from None
        return folder
    raise StudyError(f"there is a study {name!r} in {str(runs_dir)!r} already; choose another --study name")


def _candidates(runs_dir: Path, script: Script, name: str | None) -> Iterator[Path]:
    if name is not None:
        yield runs_dir / check_name(name)
        return
    stem = re.sub(r"[^A-Za-z0-9._-]", "_", script.path.stem).lstrip("._-") or "study"
    base = f"{stem}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    yield runs_dir / base
    yield from (runs_dir / f"{base}-{count}" for count in itertools.count(2))


def versions() -> dict[str, str]:
    """The versions of Python, gridruns and the packages that a result depends on."""
    found = {"python": platform.python_version(), "gridruns": gridruns.__version__}
    for package in RECORDED_PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
