"""The statistics of confusion matrices: published ones to their last printed digit, and the odd cases."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from results.confusion import class_statistics, confusion_matrix, confusions, overall_statistics
from results.errors import ResultsError

TABLES: dict[str, Any] = json.loads(Path(__file__).with_name("confusion_matrices.json").read_text())["tables"]
NAMES = {
    "no_information_rate": "no_information_rate",
    "accuracy": "accuracy",
    "kappa": "kappa",
    "p_value_accuracy_above_nir": "p_value",
    "mcnemar_p_value": "mcnemar_p_value",
}


def published() -> list[Any]:
    """Every published number: its table, its name, its class or None, and the number as it was printed."""
    found: list[tuple[str, str, int | None, str]] = []
    for table, content in TABLES.items():
        overall = dict(content["overall"])
        low, high = overall.pop("accuracy_95ci")
        found += [(table, "accuracy_lower", None, low), (table, "accuracy_upper", None, high)]
        found += [(table, NAMES[name], None, number) for name, number in overall.items()]
        found += [
            (table, name, label, number)
            for name, numbers in content["by_class"].items()
            for label, number in enumerate(numbers)
        ]
    return [pytest.param(*case, id="-".join(map(str, case[:3]))) for case in found]


def frame(counts: Any) -> pd.DataFrame:
    return pd.DataFrame(np.array(counts))


@pytest.fixture(scope="module")
def found() -> dict[str, tuple[Any, pd.DataFrame]]:
    matrices = {name: frame(table["matrix"]) for name, table in TABLES.items()}
    return {name: (overall_statistics(each), class_statistics(each)) for name, each in matrices.items()}


def test_every_published_number_is_looked_at() -> None:
    assert len(published()) == 3 * (7 + 8 * 10)


@pytest.mark.parametrize(("table", "name", "label", "printed"), published())
def test_a_published_number_is_reproduced(
    table: str, name: str, label: int | None, printed: str, found: dict[str, Any]
) -> None:
    overall, by_class = found[table]
    value = overall[name] if label is None else by_class.loc[label, name]
    if printed == "NA":
        assert value is pd.NA
    elif printed.startswith("<"):
        assert value < float(printed.removeprefix("<"))
    else:
        unit = Decimal(1).scaleb(Decimal(printed).as_tuple().exponent)  # type: ignore[arg-type]
        assert abs(Decimal(float(value)) - Decimal(printed)) <= unit / 2


def test_the_matrix_has_predictions_in_rows() -> None:
    matrix = confusion_matrix([0, 0, 1, 2], [0, 1, 1, 1], classes=3)
    assert matrix.to_numpy().tolist() == [[1, 0, 0], [1, 1, 1], [0, 0, 0]]
    assert (matrix.index.name, matrix.columns.name) == ("predicted", "reference")


# R: mcnemar.test(matrix(c(794, 150, 86, 570), 2)), the example of its help page; and a Bowker test by hand:
# (10-4)^2/14 + (5-9)^2/14 + (7-3)^2/10 = 5.3143 with 3 degrees of freedom.
@pytest.mark.parametrize(
    ("counts", "p"),
    [
        ([[794, 86], [150, 570]], 4.115e-05),
        ([[5, 3], [3, 5]], 1.0),
        ([[20, 10, 5], [4, 20, 7], [9, 3, 20]], 0.150162),
    ],
)
def test_mcnemars_test(counts: Any, p: float) -> None:
    assert overall_statistics(frame(counts))["mcnemar_p_value"] == pytest.approx(p, rel=1e-3)


def test_the_names_mean_what_scikit_learn_means_by_them() -> None:
    from sklearn.metrics import balanced_accuracy_score, cohen_kappa_score, precision_score, recall_score

    rng = np.random.default_rng(3)
    true, said = rng.integers(0, 4, 300).tolist(), rng.integers(0, 4, 300).tolist()
    matrix = confusion_matrix(true, said, classes=4)
    by_class = class_statistics(matrix)
    assert by_class["sensitivity"].tolist() == pytest.approx(recall_score(true, said, average=None))
    precision = precision_score(true, said, average=None)
    assert by_class["positive_predictive_value"].tolist() == pytest.approx(precision)
    one = [[int(label == 2) for label in labels] for labels in (true, said)]
    assert by_class.loc[2, "balanced_accuracy"] == pytest.approx(balanced_accuracy_score(*one))
    assert overall_statistics(matrix)["kappa"] == pytest.approx(cohen_kappa_score(true, said))


def test_the_interval_and_the_test_of_a_small_table() -> None:
    """R: binom.test(3, 4)$conf.int; and by hand P(at least 3 of 4 at 0.5) = 5/16."""
    overall = overall_statistics(frame([[2, 1], [0, 1]]))
    assert overall[["accuracy_lower", "accuracy_upper"]].tolist() == pytest.approx([0.1941204, 0.9936905])
    assert overall["p_value"] == pytest.approx(5 / 16)


def test_a_predictive_value_is_a_share_of_predictions_where_caret_has_none() -> None:
    """Class 0 never occurs, so its sensitivity isn't defined; but both predictions of it are wrong."""
    by_class = class_statistics(confusion_matrix([1, 1, 1], [0, 0, 1], classes=2))
    assert by_class.loc[0, "sensitivity"] is pd.NA
    assert by_class.loc[0, ["positive_predictive_value", "negative_predictive_value"]].tolist() == [0, 1]


def test_what_is_not_defined_is_missing() -> None:
    """A class that never occurs, one that is never predicted, and agreement that chance alone explains."""
    matrix = confusion_matrix([0, 0, 1], [0, 2, 0], classes=3)
    by_class = class_statistics(matrix)
    assert by_class.loc[2, "sensitivity"] is pd.NA
    assert by_class.loc[2, "balanced_accuracy"] is pd.NA
    assert by_class.loc[1, "positive_predictive_value"] is pd.NA
    assert by_class.loc[1, "sensitivity"] == 0
    always = overall_statistics(confusion_matrix([0, 0], [0, 0], classes=2))
    assert always["kappa"] is pd.NA
    assert (always["accuracy"], always["accuracy_upper"], always["p_value"]) == (1, 1, 1)


def test_confusions_come_most_frequent_first() -> None:
    table = confusions(frame([[5, 0, 1], [3, 5, 0], [0, 1, 3]]))
    rows = [tuple(row) for row in table.itertuples(index=False)]
    assert rows == [(0, 1, 3, 3 / 8), (1, 2, 1, 1 / 6), (2, 0, 1, 1 / 4)]
    assert len(confusions(frame([[5, 0], [0, 5]]))) == 0


@pytest.mark.parametrize("counts", [[[0, 0], [0, 0]], [[1, 2]], [[1.5, 0], [0, 1]], [[1]], [[1, -1], [0, 1]]])
def test_what_is_no_confusion_matrix_is_an_error(counts: Any) -> None:
    with pytest.raises(ResultsError, match="a confusion matrix must have as many rows as columns"):
        overall_statistics(frame(counts))
