"""The statistics of a confusion matrix, as R's `caret::confusionMatrix` defines and names them.

A matrix has a row for each predicted class and a column for each reference class, as caret prints it. What
isn't defined (a sensitivity of a class that never occurs, McNemar's test where a sum is zero) is NA. caret
computes predictive values from sensitivity and specificity, and has none where one of these is NA; here they
are shares of the predictions, which are there all the same.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from results.errors import ResultsError

CONFIDENCE = 0.95  # of the interval around the accuracy
_TINY = 2.2e-16  # R shows no smaller p-value


def confusion_matrix(reference: Sequence[int], predicted: Sequence[int], classes: int) -> pd.DataFrame:
    """How often each class was predicted for each.

    Args:
        reference: The true class of each sample, in 0..`classes` - 1.
        predicted: The class predicted for it.
        classes: How many there are, at least 2.

    Returns:
        Counts: a row for each predicted class, a column for each reference class.
    """
    from sklearn.metrics import confusion_matrix as counted

    labels = range(classes)
    counts = counted(reference, predicted, labels=list(labels)).T
    return pd.DataFrame(
        counts, index=pd.Index(labels, name="predicted"), columns=pd.Index(labels, name="reference")
    )


def overall_statistics(matrix: pd.DataFrame) -> "pd.Series[Any]":
    """What is said of all classes together.

    Args:
        matrix: Counts, predicted by reference class (see `confusion_matrix`).

    Returns:
        By name: accuracy; accuracy_lower and accuracy_upper, its exact binomial 95% interval (Clopper and
        Pearson); no_information_rate, the share of the most frequent class; p_value, of the one-sided
        binomial test that the accuracy is above that rate; kappa, Cohen's; mcnemar_p_value, of McNemar's
        test for two classes (with continuity correction) and Bowker's for more.

    Raises:
        ResultsError: It is no matrix of counts with at least two classes and one sample.
    """
    from scipy.stats import binomtest
    from sklearn.metrics import cohen_kappa_score

    counts = _counts(matrix)
    total, right = int(counts.sum()), int(np.trace(counts))
    rate = int(counts.sum(axis=0).max()) / total
    low, high = binomtest(right, total).proportion_ci(CONFIDENCE, method="exact")
    predicted, reference = np.indices(counts.shape)
    agreed = (counts.sum(axis=0) * counts.sum(axis=1)).sum() == total**2  # by chance alone: 1 - 1 = 0 below
    kappa = (
        math.nan
        if agreed
        else cohen_kappa_score(predicted.ravel(), reference.ravel(), sample_weight=counts.ravel())
    )
    return _known(
        {
            "accuracy": right / total,
            "accuracy_lower": low,
            "accuracy_upper": high,
            "no_information_rate": rate,
            "p_value": binomtest(right, total, rate, alternative="greater").pvalue,
            "kappa": kappa,
            "mcnemar_p_value": _mcnemar(counts),
        }
    )


def class_statistics(matrix: pd.DataFrame) -> pd.DataFrame:
    """What is said of each class against all others.

    Args:
        matrix: Counts, predicted by reference class (see `confusion_matrix`).

    Returns:
        A row for each class: sensitivity, specificity, positive_predictive_value,
        negative_predictive_value, prevalence, detection_rate, detection_prevalence, balanced_accuracy.

    Raises:
        ResultsError: See `overall_statistics`.
    """
    from sklearn.metrics import multilabel_confusion_matrix

    counts = _counts(matrix)
    predicted, reference = np.indices(counts.shape)
    each = multilabel_confusion_matrix(reference.ravel(), predicted.ravel(), sample_weight=counts.ravel())
    rows = {label: _one_class(*map(int, table.ravel())) for label, table in zip(matrix, each, strict=True)}
    return pd.DataFrame(rows).T.rename_axis(index="class")


def confusions(matrix: pd.DataFrame) -> pd.DataFrame:
    """The mistakes, most frequent first.

    Returns:
        A row for each pair of classes that was confused: reference, predicted, count, share (of the samples
        of the reference class, in (0, 1]).
    """
    counts = _counts(matrix)
    sums = counts.sum(axis=0)
    rows = [
        (reference, predicted, int(counts[i, j]), counts[i, j] / sums[j])
        for j, reference in enumerate(matrix.columns)
        for i, predicted in enumerate(matrix.index)
        if i != j and counts[i, j]
    ]
    found = pd.DataFrame(rows, columns=["reference", "predicted", "count", "share"])
    return found.sort_values("count", ascending=False, kind="stable", ignore_index=True)


def _counts(matrix: pd.DataFrame) -> NDArray[np.int64]:
    values = matrix.to_numpy()
    whole = values.dtype.kind in "iu" and (values >= 0).all()
    if not whole or len(set(values.shape)) != 1 or len(values) < 2 or not values.any():
        raise ResultsError(
            "a confusion matrix must have as many rows as columns, at least two, of counts that aren't all "
            f"zero, but got the shape {values.shape} and the type {values.dtype}"
        )
    return values.astype(np.int64)


def _one_class(tn: int, fp: int, fn: int, tp: int) -> "pd.Series[Any]":
    total = tn + fp + fn + tp
    sensitivity, specificity = _share(tp, tp + fn), _share(tn, tn + fp)
    return _known(
        {
            "sensitivity": sensitivity,
            "specificity": specificity,
            "positive_predictive_value": _share(tp, tp + fp),
            "negative_predictive_value": _share(tn, tn + fn),
            "prevalence": (tp + fn) / total,
            "detection_rate": tp / total,
            "detection_prevalence": (tp + fp) / total,
            "balanced_accuracy": (sensitivity + specificity) / 2,
        }
    )


def _share(part: int, whole: int) -> float:
    return part / whole if whole else math.nan


def _mcnemar(counts: NDArray[np.int64]) -> float:
    """The p-value of R's `mcnemar.test`; not a number where two classes were never confused."""
    from scipy.stats import chi2

    upper = np.triu_indices(len(counts), 1)
    above, below = counts[upper], counts.T[upper]
    if not (above + below).all():
        return math.nan
    difference = np.abs(above - below)
    if len(counts) == 2 and difference.any():
        difference = difference - 1  # Edwards' continuity correction, as R applies it
    return float(chi2.sf((difference**2 / (above + below)).sum(), len(difference)))


def _known(values: Mapping[str, float]) -> "pd.Series[Any]":
    """Numbers by name; NA for what isn't one."""
    numbers = [pd.NA if math.isnan(value) else float(value) for value in values.values()]
    return pd.Series(numbers, index=list(values), dtype="Float64")


def overall_words(overall: "pd.Series[Any]") -> dict[str, str]:
    """The overall statistics as texts by name, with four digits as R prints them."""

    def shown(name: str) -> str:
        value = overall[name]
        if value is pd.NA:
            return "not defined"
        if name.endswith("p_value"):
            return f"< {_TINY}" if value < _TINY else f"{value:.4g}"
        return f"{value:.4f}"

    return {
        "accuracy": shown("accuracy"),
        "95% interval": f"{shown('accuracy_lower')} to {shown('accuracy_upper')} (exact binomial)",
        "no-information rate": shown("no_information_rate"),
        "p-value, accuracy above that rate": shown("p_value"),
        "Cohen's kappa": shown("kappa"),
        "p-value, McNemar's test": shown("mcnemar_p_value"),
    }
