"""A run run again from its archived source, and whether it came out the same."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gridruns import GridrunsError
from results import layout
from results.chosen import one_run
from results.files import read_json
from results.notes import note_run
from results.run import Run, read_run
from results.status import Status
from results.stepping import asked_steps
from search.study import versions
from search.training import training_run

if TYPE_CHECKING:
    import pandas as pd

# A run that was ended from outside has fewer epochs than one that is left alone.
_CUT = (Status.PRUNED, Status.TIMEOUT, Status.KILLED, Status.OOM, Status.INTERRUPTED)


class RerunError(GridrunsError):
    """A run that can't be run again: its source, its flags or its seed isn't recorded."""


@dataclass(frozen=True)
class Rerun:
    """A run beside its repetition.

    Attributes:
        original: The directory of the run.
        run: The repetition as a DataFrame of one row (see `results.run_info`).
        compared: How many values were compared: each metric at each epoch of the original, the evaluation.
        differences: The values that aren't equal to the last bit, a line each, the first of each metric.
        surroundings: What else isn't as it was, a line each: status, package versions, source, host.
    """

    original: Path
    run: "pd.DataFrame"
    compared: int
    differences: tuple[str, ...]
    surroundings: tuple[str, ...]

    @property
    def equal(self) -> bool:
        """Whether something was compared and all of it is equal to the last bit."""
        return self.compared > 0 and not self.differences


def rerun(
    run: "str | os.PathLike[str] | pd.DataFrame | pd.Series[Any]",
    *,
    executor: str = "local",
    start_method: str = "auto",
    runs_dir: str | Path = "runs",
    quiet: bool = False,
    save_model: bool = False,
) -> Rerun:
    """Run the archived source of a run with its flags, seed and threads, as a new single run, and compare.

    The script starts in the working directory, as it did; what it read from files is not archived. NaN counts
    as equal to NaN. Of a run that was pruned or cut off the epochs that it has are compared.

    Args:
        run: Its path or name, or a row of a table of runs.
        executor: "local" (a process of its own) or "inline" (this process).
        start_method: "fork", "spawn" or "auto".
        runs_dir: Where a name is looked for, and the directory in which the new run gets its own.
        quiet: Don't show the script's output while it runs.
        save_model: Let the new run keep its model (see `search.training_run`).

    Raises:
        RerunError: The source, the flags or the seed isn't recorded.
        GridrunsError: See `search.training_run`.
    """
    before = read_run(one_run(run, runs_dir))
    script, data = _archived_hypermodel(before, _archived_script(before))
    flags, seed, threads = before.flags, before.record.get("seed"), before.record.get("threads")
    if not isinstance(seed, int) or not isinstance(before.record.get("flags"), dict):
        raise RerunError(f"run {before.id} can't be run again: {layout.RUN} has no flags or no seed")
    again = training_run(
        script,
        flags,
        data=data,
        seed=seed,
        threads="auto" if threads is None else threads,
        executor=executor,
        start_method=start_method,
        runs_dir=runs_dir,
        quiet=quiet,
        save_model=save_model,
        steps_per_execution=asked_steps(before.record),
    )
    after = read_run(Path(str(again["run_dir"].iloc[0])))
    note_run(after.path, f"rerun of {before.path.as_posix()}")
    compared, differences = compare_metrics(before, after)
    return Rerun(before.path, again, compared, differences, tuple(_surroundings(before, after)))


def _archived_script(run: Run) -> Path:
    named = run.record.get("script")
    folder = run.path / layout.SOURCE
    script = folder / Path(named).name if isinstance(named, str) else folder
    if not script.is_file():
        raise RerunError(f"run {run.id} can't be run again: {str(script)!r} isn't archived")
    return script


def _archived_hypermodel(run: Run, script: Path) -> tuple[str, str | None]:
    """What to run and its data, as `training_run` takes them; a script has no data."""
    entry = run.record.get("entry")
    if not isinstance(entry, dict):
        return str(script), None
    data_file = Path(str(entry.get("data_file")))
    archived = script.parent / (data_file.name if data_file.is_absolute() else data_file)
    return f"{script}:{entry.get('hypermodel')}", f"{archived}:{entry.get('data')}"


def compare_metrics(before: Run, after: Run) -> tuple[int, tuple[str, ...]]:
    """How many values of a run were compared with another's, and the first difference of each metric."""
    theirs = {epoch.step: epoch.metrics for epoch in after.epochs}
    compared, found = 0, dict[str, str]()
    for epoch in before.epochs:
        other = theirs.pop(epoch.step, {})
        for name in dict.fromkeys([*epoch.metrics, *other]):
            compared += 1
            phrase = _difference(epoch.metrics.get(name), other.get(name))
            if phrase is not None:
                found.setdefault(name, f"{name} at step {epoch.step}: {phrase}")
    if theirs and before.status not in _CUT:
        found["steps"] = f"{len(theirs)} more steps, from step {min(theirs)}"
    for name in dict.fromkeys([*before.evaluation, *after.evaluation]):
        if before.status in _CUT and name not in before.evaluation:
            continue
        compared += 1
        phrase = _difference(before.evaluation.get(name), after.evaluation.get(name))
        if phrase is not None:
            found[f"evaluation {name}"] = f"evaluation of {name}: {phrase}"
    return compared, tuple(found.values())


def _difference(before: float | None, after: float | None) -> str | None:
    """What tells two values apart by their bits; NaN is NaN."""
    words = [value if value is None else value.hex() for value in (before, after)]
    return None if words[0] == words[1] else f"{_shown(before)} before, {_shown(after)} now"


def _shown(value: float | None) -> str:
    return "nothing" if value is None else repr(value)


def _surroundings(before: Run, after: Run) -> Iterator[str]:
    """What of the two runs' circumstances isn't the same."""
    if before.status is not after.status:
        yield f"status: {before.status} before, {after.status} now"
    study = read_json(before.path.parent / layout.STUDY) or {}
    then: Any = before.record.get("versions", study.get("versions"))
    if isinstance(then, dict):
        now = versions()
        for name in sorted({*then, *now}):
            if then.get(name) != now.get(name):
                yield f"{name}: {then.get(name, 'not there')} before, {now.get(name, 'not there')} now"
    else:
        yield "package versions: not recorded with the run"
    yield from _source(before, study)
    for name in ("host", "threads"):
        was, is_now = before.record.get(name), after.record.get(name)
        if was != is_now:
            yield f"{name}: {was} before, {is_now} now"


def _source(before: Run, study: Mapping[str, Any]) -> Iterator[str]:
    """The files of the archive whose content isn't what ran, as far as that was recorded."""
    script = _archived_script(before)
    recorded: dict[Path, Any] = {script: before.record.get("script_sha256")}
    about = study.get("script")
    if isinstance(about, dict) and isinstance(about.get("modules"), dict):
        home = Path(str(about.get("path"))).parent
        for name, digest in about["modules"].items():
            if Path(name).is_relative_to(home) and digest not in recorded.values():
                recorded[before.path / layout.SOURCE / Path(name).relative_to(home)] = digest
    for file, digest in recorded.items():
        if isinstance(digest, str) and (
            not file.is_file() or sha256(file.read_bytes()).hexdigest() != digest
        ):
            yield f"source: {file.name} isn't what was recorded with the run"
