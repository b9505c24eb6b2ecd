"""From what a network puts out to the class that it says, and how sure it is."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from results.errors import ResultsError

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_SLACK = 0.01  # how far the sum of probabilities may be from 1: half precision rounds


def predictions(y: NDArray[Any], chances: Floats) -> pd.DataFrame:
    """What was said of each held-out sample.

    Args:
        y: The classes as the script has them: whole numbers (n,) or (n, 1), or one-hot (n, classes).
        chances: The probability of each class, (n, classes).

    Returns:
        A row for each sample, in its order: reference, predicted (classes, 0, 1 ...), confidence (the
        probability of the predicted class), reference_probability, correct.

    Raises:
        ResultsError: `y` holds other things than classes, or others, or the shapes don't fit.
    """
    reference = labels(y, chances.shape[1])
    if len(reference) != len(chances):
        raise ResultsError(f"{len(chances):,} predictions for {len(reference):,} samples")
    predicted = chances.argmax(axis=1)
    rows = np.arange(len(chances))
    return pd.DataFrame(
        {
            "reference": reference,
            "predicted": predicted,
            "confidence": chances[rows, predicted],
            "reference_probability": chances[rows, reference],
            "correct": predicted == reference,
        }
    )


def probabilities(outputs: Floats, logits: bool) -> Floats:
    """The probability of each class, (n, classes).

    Args:
        outputs: Of a model: (n, classes); or (n, 1) or (n,), of class 1 of two.
        logits: Whether its loss takes them for logits; else they are probabilities.

    Raises:
        ResultsError: They are neither.
    """
    if outputs.ndim == 1:
        outputs = outputs[:, np.newaxis]
    if outputs.ndim != 2 or not np.isfinite(outputs).all():
        raise ResultsError(
            "a classifier must put out finite numbers (samples, classes), but the model puts out "
            + (f"the shape {outputs.shape}" if outputs.ndim != 2 else "NaN or infinity")
        )
    if logits:
        from scipy.special import expit, softmax

        outputs = expit(outputs) if outputs.shape[1] == 1 else softmax(outputs, axis=1)
    low, high = outputs.min(), outputs.max()
    if outputs.shape[1] == 1:
        if low < 0 or high > 1:
            raise ResultsError(
                "the one output of a classifier of two classes must be probabilities in [0, 1] or logits by "
                f"its loss (from_logits=True), but they are in [{low:.4g}, {high:.4g}]"
            )
        outputs = np.hstack([1 - outputs, outputs])
    if low < 0 or np.abs(outputs.sum(axis=1) - 1).max() > _SLACK:
        raise ResultsError(
            "the outputs of a classifier must be probabilities that sum to 1, or logits by its loss "
            f"(from_logits=True), but they are in [{low:.4g}, {high:.4g}] and sum to "
            f"{outputs.sum(axis=1).min():.4g} to {outputs.sum(axis=1).max():.4g}"
        )
    return outputs


def labels(y: NDArray[Any], classes: int) -> Ints:
    """The class of each sample, in 0..`classes` - 1; `y` and errors are as in `predictions`."""
    if y.ndim == 2 and y.shape[1] == classes and classes > 1:
        if not (np.isin(y, (0, 1)).all() and (y.sum(axis=1) == 1).all()):
            raise ResultsError("y must be one-hot where it has a column for each class, but a row isn't")
        places: Ints = y.argmax(axis=1).astype(np.int64)
        return places
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim != 1:
        raise ResultsError(f"y must be (n,) or (n, {classes}) for {classes} classes, but got {y.shape}")
    if not (np.isfinite(y).all() and (y == np.floor(y)).all() and y.min() >= 0 and y.max() < classes):
        raise ResultsError(
            f"y must be whole numbers in 0..{classes - 1} for {classes} classes, but they are in "
            f"[{y.min():.4g}, {y.max():.4g}]"
        )
    whole: Ints = y.astype(np.int64)
    return whole
