"""Earlier results for a sampler to begin with: a table, a CSV or YAML file, or an Optuna study.

They teach the sampler and are no runs of the study: their points may be run again. The ones that are no
points of the space are counted and left out; nothing is rounded to fit.
"""

import csv
import logging
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gridruns import GridrunsError
from search.samplers import SAMPLERS, sampler_name
from search.sampling import EARLIER
from search.study import Earlier, Metric
from spaces import Flag, Space, Value
from spaces.documents import read_document
from spaces.flag import NULL
from spaces.kinds import FlagKind, read_text
from spaces.values import plain

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial


_log = logging.getLogger(__name__)


class WarmStartError(GridrunsError):
    """Earlier results that can't be read, or that no sampler can learn from."""


def check_learns(sampler: Any) -> None:
    """Refuse earlier results for a sampler that doesn't learn from any.

    Raises:
        WarmStartError: It is one.
    """
    name = sampler_name(sampler)
    if isinstance(sampler, str) and not SAMPLERS[name].learns:
        able = ", ".join(known for known, entry in SAMPLERS.items() if entry.learns)
        raise WarmStartError(f"the sampler {name!r} doesn't learn from earlier results; these do: {able}")


def read_earlier(
    given: Any, space: Space, declared: Sequence[Flag], metrics: Sequence[Metric]
) -> tuple[Earlier, ...]:
    """Read earlier results.

    Args:
        given: A DataFrame, such as a leaderboard; the path of a CSV or YAML file (a list of mappings); or an
            Optuna study. A row has a column for each flag of the space that applies, as `nodes` or
            `flag_nodes`, and one for each metric, as `val_loss` or `best_val_loss`.
        space: What is searched.
        declared: The script's flags; what type a text of a CSV file stands for is theirs to say.
        metrics: What the study optimizes.

    Returns:
        The results at points of the space; of the others a warning tells how many there are.

    Raises:
        WarmStartError: A column is missing, the file can't be read, or no row is at a point of the space.
    """
    rows = _rows(given, declared, metrics)
    found = [result for row in rows if (result := _result(row, space, metrics)) is not None]
    if not found:
        raise WarmStartError(
            f"none of the {len(rows)} earlier results is at a point of the space with a value"
        )
    if len(found) < len(rows):
        _log.warning(
            "%d of %d earlier results are left out: no point of the space, or no finite value",
            len(rows) - len(found), len(rows),
        )  # fmt: skip
    return tuple(found)


def as_trials(earlier: Sequence[Earlier], space: Space) -> "list[FrozenTrial]":
    """The Optuna trials that stand for earlier results."""
    from optuna.trial import TrialState, create_trial

    from search.parameters import distributions_of, to_trial_params

    trials = []
    for result in earlier:
        params = to_trial_params(result.point, space)
        trials.append(
            create_trial(
                state=TrialState.COMPLETE,
                values=list(result.values),
                params=dict(params),
                distributions=distributions_of(params, space),
                user_attrs={EARLIER: True},
            )
        )
    return trials


Row = Mapping[str, Any]


def _rows(given: Any, declared: Sequence[Flag], metrics: Sequence[Metric]) -> list[Row]:
    if isinstance(given, str | Path):
        path = Path(given)
        return _read_csv(path, declared) if path.suffix.lower() == ".csv" else _read_yaml(path)
    if hasattr(given, "columns"):
        return [{str(name): value for name, value in row.items()} for row in given.to_dict("records")]
    if hasattr(given, "get_trials"):
        return _study_rows(given, metrics)
    raise WarmStartError(
        f"warm_start must be a table, a CSV or YAML file, or an Optuna study, but got {given!r:.80}"
    )


def _read_csv(path: Path, declared: Sequence[Flag]) -> list[Row]:
    """The rows, each text read as its flag's type."""
    flags = {flag.name: flag for flag in declared}
    try:
        with path.open(newline="", encoding="utf-8") as file:
            header, *lines = list(csv.reader(file)) or [[]]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise WarmStartError(
            f"can't read {str(path)!r}: {getattr(error, 'strerror', None) or error}"
        ) from None
    for number, line in enumerate(lines, start=1):
        if line and len(line) != len(header):
            raise WarmStartError(
                f"row {number} of {str(path)!r} must have a value for each of the {len(header)} columns, "
                f"but has {len(line)}"
            )
    known = [flags.get(column.removeprefix("flag_")) for column in header]
    return [
        {
            name: text if flag is None else _typed(flag, text)
            for name, flag, text in zip(header, known, line, strict=True)
        }
        for line in lines
        if line
    ]


def _typed(flag: Flag, text: str) -> Value:
    """A text as a flag's value; what is none stays a text, which no point has.

    As pandas writes them: booleans are True and False, None is empty, integers with gaps are 64.0.
    """
    if flag.allows_none and text in ("", NULL):
        return None
    if flag.kind is FlagKind.BOOLEAN:
        text = {"True": "true", "False": "false"}.get(text, text)
    # A whole float is made an integer where the space has one (`_fitted`).
    value = read_text(FlagKind.NUMERIC if flag.kind is FlagKind.INTEGER else flag.kind, text)
    return text if value is None else value


def _read_yaml(path: Path) -> list[Row]:
    rows = read_document(path)
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        raise WarmStartError(f"{str(path)!r} must be a list of mappings from flags and metrics to values")
    return [{str(name): value for name, value in row.items()} for row in rows]


def _study_rows(study: Any, metrics: Sequence[Metric]) -> list[Row]:
    """The finished trials of an Optuna study."""
    directions = [direction.name.lower() for direction in study.directions]
    wanted = [metric.direction for metric in metrics]
    if directions != wanted:
        raise WarmStartError(
            f"the Optuna study must {' and '.join(wanted)}, as this one does, but it does "
            f"{', '.join(directions)}"
        )
    names = [metric.name for metric in metrics]
    return [
        {**trial.params, **dict(zip(names, trial.values, strict=True))}
        for trial in study.get_trials(deepcopy=False)
        if trial.values is not None
    ]


def _result(row: Row, space: Space, metrics: Sequence[Metric]) -> Earlier | None:
    values: dict[str, Any] = {}
    for name in space.names:
        column = _column(row, name, f"flag_{name}", needed=name not in space.conditions)
        values[name] = None if column is None else _plain(row[column])
    point = space.point_of(_fitted(values, space))
    found = [_number(row[_column(row, one.name, f"best_{one.name}")]) for one in metrics]
    return Earlier(point, found) if point is not None and all(map(math.isfinite, found)) else None


def _column(row: Row, *names: str, needed: bool = True) -> Any:
    known = [name for name in names if name in row]
    if len(known) == 1:
        return known[0]
    if not known and not needed:
        return None
    what = "both" if known else "neither"
    raise WarmStartError(f"earlier results must have one column {' or '.join(names)}, but have {what}")


def _fitted(values: Mapping[str, Value], space: Space) -> dict[str, Value]:
    """Whole numbers as the space has them: a table with gaps holds 64 as 64.0, and JSON 1.0 as 1."""
    fitted = dict(values)
    for name, domain in space.parameters().items():
        value = fitted.get(name)
        if isinstance(value, float) and value.is_integer() and not domain.contains(value):
            fitted[name] = int(value)
        elif isinstance(value, int) and not isinstance(value, bool) and not domain.contains(value):
            fitted[name] = float(value)
    return fitted


def _plain(value: Any) -> Any:
    """A value as a flag holds it; a table's missing value is None."""
    if value is None or str(value) in ("<NA>", "NaT") or (isinstance(value, float) and math.isnan(value)):
        return None
    return plain(value)


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return math.nan
