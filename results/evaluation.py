"""A run's model judged on the samples that it never saw: the metrics, the confusions, the mistakes."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from results import layout
from results.chosen import one_run
from results.classes import predictions, probabilities
from results.confusion import class_statistics, confusion_matrix, confusions, overall_statistics
from results.errors import ResultsError
from results.kept import can_be_evaluated, read_held_out
from results.predicting import Answers, ask_model
from results.run import read_run
from results.status import Status

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from results.chosen import RunDirs


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What a run's model makes of its held-out set.

    Attributes:
        run: The run's directory.
        metrics: The loss and every metric of `compile()`, found now.
        recorded: The same as the run recorded them, as far as it did.
        matrix: Counts, predicted by reference class.
        overall: accuracy, accuracy_lower and accuracy_upper (exact binomial 95% interval),
            no_information_rate, p_value (one-sided, against that rate), kappa, mcnemar_p_value; by name.
        by_class: sensitivity, specificity ... balanced_accuracy, a row for each class.
        confusions: Pairs of classes that were confused, most frequent first: reference, predicted, count,
            share (of the reference class).
        predictions: Each sample in its order: reference, predicted, confidence, reference_probability,
            correct.
    """

    run: Path
    metrics: Mapping[str, float]
    recorded: Mapping[str, float]
    matrix: pd.DataFrame
    overall: "pd.Series[Any]"
    by_class: pd.DataFrame
    confusions: pd.DataFrame
    predictions: pd.DataFrame

    @property
    def mistakes(self) -> pd.DataFrame:
        """The predictions that are wrong, the surest first; the index is the sample's place."""
        wrong = self.predictions[~self.predictions["correct"]]
        return wrong.sort_values("confidence", ascending=False, kind="stable")


def evaluate_run(run: "RunDirs", runs_dir: str | os.PathLike[str] = "runs") -> Evaluation:
    """Load the saved model of a run, predict its held-out set, and say how well it did.

    The model is loaded in a process of its own, and only as data (Keras's safe mode).

    Args:
        run: The run's path or name, or a row of a table of runs. It has a model.keras and a held_out.npz:
            it ran with `--save-model`, or its script wrote them. `search.evaluate` runs one without again.
        runs_dir: Where a name is looked for.

    Raises:
        ResultsError: There is no such run, it still runs, it kept no model or no data, or it is no
            classifier.
    """
    path = one_run(run, runs_dir)
    if read_run(path).status is Status.RUNNING:
        raise ResultsError(f"run {path.name} is still running")
    if not can_be_evaluated(path):
        missing = [name for name in (layout.MODEL, layout.HELD_OUT) if not (path / name).is_file()]
        raise ResultsError(
            f"run {path.name} has no {' and no '.join(missing)}: train it with --save-model, or let "
            "`gridruns evaluate` run it again"
        )
    return assess(path, read_held_out(path).y, ask_model(path))


def assess(run: Path, y: "NDArray[Any]", answers: Answers) -> Evaluation:
    """Hold what a model says against what is so.

    Args:
        run: The run's directory.
        y: The classes of its held-out set, as `results.classes.predictions` takes them.
        answers: What its model says of it.

    Raises:
        ResultsError: It is no classifier, or answers and classes don't fit.
    """
    chances = probabilities(answers.outputs, answers.logits)
    found = predictions(y, chances)
    matrix = confusion_matrix(found["reference"].tolist(), found["predicted"].tolist(), chances.shape[1])
    recorded = read_run(run).evaluation
    return Evaluation(
        run=run,
        metrics=answers.metrics,
        recorded={name: recorded[name] for name in answers.metrics if name in recorded},
        matrix=matrix,
        overall=overall_statistics(matrix),
        by_class=class_statistics(matrix),
        confusions=confusions(matrix),
        predictions=found,
    )
