"""How runs look on a terminal, as JSON and as CSV."""

import json
import math
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import pandas as pd

from results import layout
from results.averages import points
from results.files import read_json
from results.pages.run_facts import command_of
from results.ranking import objectives_of
from results.run import read_run
from results.table import winner
from results.wording import flag_columns, varying

SHOWN = 10  # rows of the table at the end of a search
LONG = ("model", "output", "error")  # columns of many lines, shown below the others


def print_results(runs: pd.DataFrame) -> None:
    """The end of a search: the ten best runs of the study, where they are, and what to do next."""
    folder = Path(str(runs["run_dir"].iloc[0])).parent
    record = read_json(folder / layout.STUDY) or {}
    metrics = [f"best_{objective.metric}" for objective in objectives_of(record)]
    ranked, best = runs[runs["rank"].notna()], winner(runs)
    if "pareto" in runs:
        front = runs[runs["pareto"].fillna(False)]
        click.echo(f"\nThe Pareto front: {len(front):,} of {len(runs):,} runs:\n")
        click.echo(text_table(front, first=metrics, full_path=False) if len(front) else "no runs")
    repeats = record.get("repeats", 1)
    if repeats > 1 and len(best):
        found = points(folder)
        click.echo(f"\nThe best {min(SHOWN, len(found))} of {len(found):,} points, {repeats} runs each:\n")
        click.echo(point_table(found.head(SHOWN)))
    elif len(ranked):
        click.echo(f"\nThe best {min(SHOWN, len(ranked))} of {len(runs):,} runs:\n")
        click.echo(text_table(ranked.head(SHOWN), first=metrics, full_path=False))
    else:
        click.echo(f"\nNone of {len(runs):,} runs has a rank.")
    if len(ranked) < len(runs):
        ends = runs[runs["rank"].isna()]["status"].value_counts()
        click.echo(f"\nEnded otherwise: {', '.join(f'{count} {status}' for status, count in ends.items())}")
    where = "" if str(folder.parent) == "runs" else f" --runs-dir {shlex.quote(str(folder.parent))}"
    click.echo(f"\nAll are in {folder}. Next:")
    for command in ("ls", "report", "tensorboard"):
        click.echo(f"  gridruns {command} {folder.name}{where}")
    if len(best):
        click.echo(f"  {again(best.iloc[0])}    # the winner again")


def print_runs(runs: pd.DataFrame, *, as_json: bool = False, as_csv: bool = False) -> None:
    """A listing in the format asked for."""
    if as_json:
        click.echo(json.dumps(records(runs), indent=1))
    elif as_csv:
        click.echo(runs.to_csv(index=False), nl=False)
    else:
        click.echo(text_table(runs) if len(runs) else "no runs")


def print_run(run: pd.DataFrame, *, as_json: bool = False, as_csv: bool = False) -> None:
    """One run in the format asked for; as text, a line a column and how to run it again."""
    if as_json or as_csv:
        print_runs(run, as_json=as_json, as_csv=as_csv)
        return
    row = run.iloc[0]
    known = {_printable(str(name)): row[name] for name in run.columns if not _missing(row[name])}
    width = max(len(name) for name in known)
    for name, value in known.items():
        if name not in LONG:
            click.echo(f"{name:<{width}}  {cell(value)}")
    for name in ("model", "error"):
        if name in known:
            click.echo(f"\n{name}:\n{str(known[name]).rstrip()}")
    if "script" in known:
        click.echo(f"\nAgain:\n  {again(row)}")


def point_table(found: pd.DataFrame) -> str:
    """Points as `results.points` has them: mean, standard error, runs, and the flags that vary."""
    mean = next(name for name in found.columns if name.startswith("mean_"))
    vary, _ = varying(found, flag_columns(found))
    columns = ["rank", mean, mean.replace("mean_", "se_", 1), "runs", *vary]
    return grid(found[columns].rename(columns=_heading))


def text_table(runs: pd.DataFrame, first: Sequence[str] = (), full_path: bool = True) -> str:
    """The columns that tell runs apart, aligned; what is equal in all rows stands below.

    Args:
        runs: A leaderboard or a part of one.
        first: The columns of metrics that come before the others.
        full_path: Whether runs are shown with their whole paths.
    """
    flags = [name for name in runs.columns if name.startswith("flag_")]
    metrics = _metric_columns(runs, first)
    wanted = ("rank", "pareto", "status", *metrics, "best_epoch", *flags, "tags", "note", "reason")
    columns = [name for name in wanted if name in runs]
    columns = [name for name in columns if not runs[name].isna().all()]
    same = [name for name in columns if name in ("status", *flags) and runs[name].map(repr).nunique() == 1]
    same = same if len(runs) > 1 else []
    shown = [name for name in columns if name not in same]
    paths = [str(path) if full_path else str(path).rsplit("/", 1)[-1] for path in runs["run_dir"]]
    text = grid(runs[shown].rename(columns=_heading), {"run": paths})
    if same:
        shared = ", ".join(f"{_heading(name)}={cell(runs[name].iloc[0])}" for name in same)
        text += f"\n\nThe same in all rows: {shared}"
    return text


def grid(runs: pd.DataFrame, more: Mapping[str, Sequence[str]] | None = None) -> str:
    """All columns of a table, aligned.

    Args:
        runs: The table.
        more: Columns of text to put behind its own.
    """
    columns = [[str(name), *map(cell, runs[name])] for name in runs.columns]
    columns += [[name, *texts] for name, texts in (more or {}).items()]
    widths = [max(map(len, column)) for column in columns]
    rows = zip(*columns, strict=True)
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def _metric_columns(runs: pd.DataFrame, first: Sequence[str]) -> list[str]:
    """`first`, the other metrics at the best epoch (of validation, where there are such), the evaluation."""
    best = [name for name in runs.columns if name.startswith("best_") and name not in ("best_epoch", *first)]
    validation = [name for name in best if name.startswith("best_val_")]
    evaluation = [name for name in runs.columns if name.startswith("eval_")]
    names = [name for name in first if name in runs] + (validation or best) + evaluation
    return with_confirmed(names, runs)


def with_confirmed(names: Sequence[str], runs: pd.DataFrame) -> list[str]:
    """Columns of metrics, and beside each what a confirmation found of it."""
    pairs = ((name, name.replace("best_", "confirmed_", 1)) for name in names)
    return [name for pair in pairs for name in dict.fromkeys(pair) if name in runs]


def _heading(column: str) -> str:
    return _printable(column.removeprefix("flag_"))


def cell(value: Any) -> str:
    """A value as text; floats to five significant digits (JSON and CSV have them all)."""
    if _missing(value):
        return "-"
    if isinstance(value, float):
        return f"{value:.5g}"
    if isinstance(value, pd.Timestamp):
        return value.isoformat()
    return _printable(str(value))


def _printable(text: str) -> str:
    """A text that doesn't steer the terminal."""
    return text if text.isprintable() else repr(text)


def again(row: "pd.Series[Any]") -> str:
    """The `gridruns train` command that runs a row's script again with its flags, seed and threads.

    The flags are the run's own: a table lacks those that don't apply to it, which the script got too.
    """
    return command_of(read_run(str(row["run_dir"])))


def records(runs: pd.DataFrame) -> Sequence[dict[str, Any]]:
    """The rows as plain JSON: missing is null, times are ISO 8601, NaN and infinities are text."""
    names = [str(name) for name in runs.columns]
    columns = [[_plain(value) for value in runs[name]] for name in runs.columns]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def _plain(value: Any) -> Any:
    if _absent(value) or value is None:
        return None
    if isinstance(value, pd.Timestamp):
        return value.isoformat()
    value = _builtin(value)
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
    return value


def _builtin(value: Any) -> Any:
    """Python's own number for NumPy's."""
    return value.item() if hasattr(value, "item") else value


def _absent(value: Any) -> bool:
    return value is pd.NA or value is pd.NaT


def _missing(value: Any) -> bool:
    return value is None or _absent(value) or (isinstance(value, float) and math.isnan(value))
