"""From outputs to classes."""

from typing import Any

import numpy as np
import pytest

from results.classes import labels, predictions, probabilities
from results.errors import ResultsError


def array(values: Any) -> Any:
    return np.array(values, dtype=float)


def test_a_table_of_what_was_said() -> None:
    found = predictions(array([[0, 1], [1, 0]]), array([[0.3, 0.7], [0.2, 0.8]]))
    assert found.to_dict("list") == {
        "reference": [1, 0],
        "predicted": [1, 1],
        "confidence": [0.7, 0.8],
        "reference_probability": [0.7, 0.2],
        "correct": [True, False],
    }


@pytest.mark.parametrize("outputs", [[[0.25], [0.75]], [0.25, 0.75]])
def test_one_output_is_the_probability_of_class_1(outputs: Any) -> None:
    assert probabilities(array(outputs), False).tolist() == [[0.75, 0.25], [0.25, 0.75]]


def test_logits_are_made_probabilities_where_the_loss_says_so() -> None:
    assert probabilities(array([[0.0, np.log(3)]]), True).tolist()[0] == pytest.approx([0.25, 0.75])
    assert probabilities(array([[np.log(3)]]), True).tolist()[0] == pytest.approx([0.25, 0.75])


@pytest.mark.parametrize(
    ("outputs", "why"),
    [
        ([[0.5, 2.0]], "must be probabilities that sum to 1, or logits"),
        ([[-1.0], [4.0]], r"must be probabilities in \[0, 1\] .* but they are in \[-1, 4\]$"),
        ([[[0.5, 0.5]]], r"but the model puts out the shape \(1, 1, 2\)"),
        ([[np.nan, 1.0]], "but the model puts out NaN or infinity"),
    ],
)
def test_what_is_no_classifier_is_an_error(outputs: Any, why: str) -> None:
    with pytest.raises(ResultsError, match=why):
        probabilities(array(outputs), False)


@pytest.mark.parametrize("y", [[2, 0, 1], [[2], [0], [1]], [[0, 0, 1], [1, 0, 0], [0, 1, 0]]])
def test_classes_in_every_form(y: Any) -> None:
    assert labels(array(y), 3).tolist() == [2, 0, 1]


@pytest.mark.parametrize(
    ("y", "why"),
    [
        ([0.5], r"y must be whole numbers in 0\.\.2 for 3 classes, but they are in \[0.5, 0.5\]"),
        ([3], "whole numbers"),
        ([-1], "whole numbers"),
        ([np.nan], "whole numbers"),
        ([[0.2, 0.3, 0.5]], "must be one-hot"),
        ([[1, 1, 0]], "must be one-hot"),
        ([[1, 0]], r"y must be \(n,\) or \(n, 3\) for 3 classes, but got \(1, 2\)"),
    ],
)
def test_what_are_no_classes_is_an_error(y: Any, why: str) -> None:
    with pytest.raises(ResultsError, match=why):
        labels(array(y), 3)


def test_as_many_predictions_as_samples() -> None:
    with pytest.raises(ResultsError, match="1 predictions for 2 samples"):
        predictions(array([0, 1]), array([[0.5, 0.5]]))
