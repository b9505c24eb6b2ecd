"""A run evaluated on its held-out set; one that kept no model is run again for it."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gridruns import GridrunsError
from results import layout
from results.chosen import one_run
from results.kept import asked_to_keep, can_be_evaluated, keeps_in_vain
from results.run import Run, read_run
from results.status import Status
from search.rerunning import Rerun, rerun

if TYPE_CHECKING:
    import pandas as pd

    from results.evaluation import Evaluation


class EvaluatingError(GridrunsError):
    """A run that can't be evaluated: its script names no held-out set, or its repetition failed."""


@dataclass(frozen=True)
class Evaluated:
    """A run's evaluation.

    Attributes:
        evaluation: What was found, of the repetition where there is one.
        refit: The run beside its repetition, which kept the model; None where the run had kept it.
    """

    evaluation: "Evaluation"
    refit: Rerun | None = None


def evaluate(
    run: "str | os.PathLike[str] | pd.DataFrame | pd.Series[Any]",
    *,
    runs_dir: str | Path = "runs",
    quiet: bool = True,
    announce: Callable[[str], object] = lambda words: None,
) -> Evaluated:
    """Evaluate a run on its held-out set, the data of its script's last `model.evaluate(x, y)`.

    A run that kept no model is run again from its archived source with its flags, seed and threads, as a new
    single run that does (see `search.rerun`); the numbers are then the new run's.

    Args:
        run: Its path or name, or a row of a table of runs.
        runs_dir: Where a name is looked for, and where a new run gets its directory.
        quiet: Don't show the script's output where it is run again.
        announce: Called with a line of text before a run is run again.

    Raises:
        EvaluatingError: The run still runs, its script calls no `evaluate()` with arrays after its last
            `fit()`, or running it again failed.
        GridrunsError: See `results.evaluate_run` and `search.rerun`.
    """
    from results.evaluation import evaluate_run

    before = read_run(one_run(run, runs_dir))
    if before.status is Status.RUNNING:
        raise EvaluatingError(f"run {before.id} is still running")
    if can_be_evaluated(before.path):
        return Evaluated(evaluate_run(before.path))
    _check_worth_it(before)
    announce(f"run {before.id} kept no model, so it is run again; epochs: {before.epochs_completed}")
    again = rerun(before.path, runs_dir=runs_dir, quiet=quiet, save_model=True)
    after = read_run(Path(str(again.run["run_dir"].iloc[0])))
    if after.status is not Status.COMPLETED:
        raise EvaluatingError(
            f"run {before.id} kept no model, and its repetition {after.path.as_posix()} ended as "
            f"{after.status}: {after.reason or 'see its output'}"
        )
    if not can_be_evaluated(after.path):
        raise _without_arrays(before, after)
    return Evaluated(evaluate_run(after.path), again)


def _without_arrays(run: Run, tried: Run) -> EvaluatingError:
    """The error of a run that was asked to keep its model and data, or whose repetition was, in vain."""
    return EvaluatingError(
        f"run {run.id} can't be evaluated: its script must call model.evaluate(x, y) with two arrays "
        "after its last fit(), and Keras must be able to save its model; see "
        f"{(tried.path / layout.OUTPUT).as_posix()}"
    )


def _check_worth_it(run: Run) -> None:
    """Refuse a run whose repetition couldn't be evaluated either.

    Raises:
        EvaluatingError: It came to its end without an `evaluate()` that can be kept.
    """
    if run.status is Status.COMPLETED and not run.evaluation:
        raise EvaluatingError(
            f"run {run.id} can't be evaluated: a script names its held-out set by calling "
            "model.evaluate(x, y), and this one never did"
        )
    if run.status is Status.COMPLETED and asked_to_keep(run.record) and keeps_in_vain(run.path):
        raise _without_arrays(run, run)
