"""Runs as a DataFrame: one row a run, columns of one type each."""

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from results import layout
from results.columns import FIRST, KEPT, LAST, OUTPUT, is_float, is_int64
from results.run import Epoch, Run
from results.summary import Named, Summary, summarize

PathLike = str | os.PathLike[str]

# Python's own texts: PyArrow's, which pandas prefers where it is installed, refuse lone surrogates.
TEXT = pd.StringDtype("python")
_MISSING = object()
_NOTHING = Named((), ())


def frame(
    runs: Sequence[Run | Summary],
    best: Mapping[PathLike, Epoch | None],
    ranks: Mapping[PathLike, int],
    *,
    output: bool = False,
) -> pd.DataFrame:
    """One row a run, in the order given.

    Args:
        runs: What was read.
        best: The best epoch of each run that has one.
        ranks: The rank, 1 or more, of each run that has one.
        output: Whether to read what each run printed, into the column `output`.

    Returns:
        Typed columns: Int64, boolean and Float64 that know a missing value (NA) from NaN, strings, times in
        UTC; a flag's column has the type of its values, or object where they are of several types or None,
        or numbers that the type can't hold. A flag is missing where a run doesn't have it, and where it
        doesn't apply to the run, whatever value the script got (`Run.flags` has that).
    """
    rows = [summarize(run) if isinstance(run, Run) else run for run in runs]
    epochs = [best.get(run.path) for run in runs]
    folders = [row.path for row in rows]
    metrics = [_NOTHING if epoch is None else Named.of(epoch.metrics) for epoch in epochs]
    first: dict[str, Sequence[Any]] = {
        "run_dir": folders,
        "rank": [ranks.get(run.path) for run in runs],
        "status": [row.status.value for row in rows],
        "best_epoch": [None if epoch is None else epoch.step for epoch in epochs],
    }
    last = _kept(rows)
    last["metrics"] = _inside(folders, (row.has_metrics for row in rows), layout.METRICS)
    last["source_code"] = _inside(folders, (row.has_source for row in rows), layout.SOURCE)
    if output:
        last[OUTPUT] = [_output(row.path) for row in rows]
    columns = {name: _column(first[name], kind) for name, kind in FIRST.items()}
    for prefix, found in (
        ("best_", metrics),
        ("eval_", [row.evaluation for row in rows]),
        ("metric_", [row.last for row in rows]),
    ):
        for name, values in _spread(found, None).items():
            if prefix + name not in FIRST:  # a metric of the name "epoch" may not pass for the best epoch
                columns[prefix + _heading(name)] = _column(values, "Float64")
    for name, values in _flags(rows).items():
        columns[f"flag_{_heading(name)}"] = _flag(values)
    for name, kind in LAST.items():
        if name != OUTPUT or output:
            columns[name] = _column(last[name], kind)
    return pd.DataFrame(columns)


def _heading(name: str) -> str:
    """A name as a column's; lone surrogates, which a damaged file may hold, are escaped."""
    return name if name.isascii() else name.encode(errors="backslashreplace").decode()


def _kept(rows: Sequence[Summary]) -> dict[str, Sequence[Any]]:
    columns = zip(*(row.kept for row in rows), strict=True) if rows else [()] * len(KEPT)
    return dict(zip(KEPT, columns, strict=True))


def _inside(folders: Sequence[str], there: Iterable[bool], name: str) -> list[str | None]:
    return [f"{folder}/{name}" if known else None for folder, known in zip(folders, there, strict=True)]


def _output(folder: str) -> str | None:
    try:
        with open(f"{folder}/{layout.OUTPUT}", "rb") as file:
            return file.read().decode("utf-8", errors="replace")
    except OSError:
        return None


def _spread(rows: Sequence[Named], missing: Any) -> dict[str, Sequence[Any]]:
    """A column for each name in any row; rows of the same names are turned into columns at one go."""
    first = rows[0].names if rows else ()
    if all(row.names is first for row in rows):  # as in an index of one study: nothing to sort out
        return dict(zip(first, zip(*(row.values for row in rows), strict=True), strict=True))
    alike: dict[tuple[str, ...], list[int]] = {}
    for place, row in enumerate(rows):
        alike.setdefault(row.names, []).append(place)
    columns: dict[str, Sequence[Any]] = {}
    for names, places in alike.items():
        found = zip(*(rows[place].values for place in places), strict=True)
        for name, values in zip(names, found, strict=True):
            if len(places) == len(rows):
                columns[name] = values
                continue
            column = columns.setdefault(name, [missing] * len(rows))
            assert isinstance(column, list)
            for place, value in zip(places, values, strict=True):
                column[place] = value
    return columns


def _flags(rows: Sequence[Summary]) -> dict[str, Sequence[Any]]:
    """A column for each flag of any run, `_MISSING` where a run doesn't have it or it doesn't apply."""
    columns = _spread([row.flags for row in rows], _MISSING)
    gaps: dict[str, list[int]] = {}
    for place, row in enumerate(rows):
        for name in row.inactive:
            gaps.setdefault(name, []).append(place)
    for name in gaps.keys() & columns.keys():
        values = list(columns[name])
        for place in gaps[name]:
            values[place] = _MISSING
        columns[name] = values
    return columns


def _flag(values: Sequence[Any]) -> Any:
    """A flag's column, of the one type of its values; `_MISSING` where a run doesn't have the flag."""
    present = [value for value in values if value is not _MISSING]
    kind = _flag_kind(present)
    if kind is None:
        return pd.Series([pd.NA if value is _MISSING else value for value in values], dtype=object)
    return _column([None if value is _MISSING else value for value in values], kind)


def _flag_kind(present: Sequence[Any]) -> str | None:
    """The type of a column that holds all these values as they are, or None where none does."""
    kinds = set(map(type, present))
    if kinds == {int}:
        return "Int64" if is_int64(min(present)) and is_int64(max(present)) else None
    if kinds == {int, float}:
        return "Float64" if all(map(is_float, present)) else None
    names: dict[type, str] = {bool: "boolean", float: "Float64", str: "string"}
    return names.get(kinds.pop()) if len(kinds) == 1 else None


def _column(values: Sequence[Any], kind: str) -> Any:
    """A column of values of one type, None where one is missing.

    The arrays are built by hand: pandas' constructors would make NaN, which a run did log, a missing value.
    """
    if kind == "string":
        return _texts(list(values))
    missing = np.array([value is None for value in values], dtype=bool)
    if missing.any():
        values = [0 if value is None else value for value in values]
    if kind == "time":
        times = np.array(values, dtype="int64").astype("datetime64[us]")
        times[missing] = np.datetime64("NaT")
        return pd.DatetimeIndex(times).tz_localize("UTC")
    if kind == "Float64":
        return pd.arrays.FloatingArray(np.array(values, dtype="float64"), missing)
    if kind == "Int64":
        return pd.arrays.IntegerArray(np.array(values, dtype="int64"), missing)
    return pd.arrays.BooleanArray(np.array(values, dtype=bool), missing)


def _texts(values: Sequence[str | None]) -> Any:
    try:
        return pd.array(values, dtype="string")
    except UnicodeEncodeError:  # PyArrow's strings, which pandas takes where there are any, are UTF-8
        return pd.array(values, dtype=TEXT)
