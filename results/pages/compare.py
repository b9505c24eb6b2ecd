"""The page that compares runs: what differs first, then metrics, curves, source; output on demand."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from results import layout
from results.compare import Comparison, compare_runs
from results.curves import metric_figure
from results.notes import read_notes
from results.pages import run_files
from results.pages.parts import Section, drawn, folded, text
from results.pages.shell import document, write_page
from results.pages.source import difference, style
from results.sources import PAIRS, SourceDifference
from results.wording import NOT_SET

if TYPE_CHECKING:
    from results.chosen import RunDirs


def view_comparison(
    *runs: "RunDirs",
    metric: str | None = None,
    goal: str | None = None,
    output: str | os.PathLike[str] | None = None,
    runs_dir: str | os.PathLike[str] = "runs",
) -> Path:
    """Write a page that compares runs: one HTML file that a browser shows without a network.

    Args:
        *runs: See `results.compare_runs`, as `metric`, `goal` and `runs_dir`.
        metric: What the best epoch goes by.
        goal: "min" or "max".
        output: The file, replaced at once if it is there; by default compare.html beside the first run.
        runs_dir: Where a name is looked for.

    Returns:
        The file.

    Raises:
        ResultsError: See `results.compare_runs`; also where the file can't be written.
    """
    found = compare_runs(*runs, metric=metric, goal=goal, runs_dir=runs_dir)
    first = next(iter(found.runs.values())).path
    return write_page(first.parent / layout.COMPARISON if output is None else output, page(found))


def page(comparison: Comparison) -> str:
    """The comparison as HTML."""
    title = f"{len(comparison.runs)} runs compared"
    return document(title, [f"<h1>{title}</h1>"], list(_sections(comparison)), style())


def shown(values: Sequence[Any]) -> list[str]:
    """A row's values as text: all digits, texts as they are but in quotes beside other types."""
    kinds = {type(value) for value in values if value is not pd.NA}
    plain = kinds == {str}
    return [NOT_SET if value is pd.NA else value if plain else repr(value) for value in values]


def _sections(comparison: Comparison) -> Iterator[Section]:
    yield Section("runs", "Runs", tuple(_runs(comparison)))
    yield Section("differences", "What differs", tuple(_differences(comparison)))
    if len(comparison.metrics):
        yield Section("metrics", "Metrics", tuple(_metrics(comparison)))
    if len(comparison.curves):
        yield Section("curves", "Curves", tuple(_curves(comparison)))
    yield Section("source", "Source", tuple(_source(comparison)))
    if comparison.models:
        yield Section("models", "Models", tuple(_pairs(comparison.models, opened=False)))
    yield Section("output", "Output", tuple(_output(comparison)))


def _runs(comparison: Comparison) -> Iterator[str]:
    yield from _head("The runs", ["run", "status", "tags", "directory"])
    for name, run in comparison.runs.items():
        status = f'<span class="status {run.status.value}">{run.status.value}</span>'
        tags = text(", ".join(read_notes(run.path).tags))
        where = text(run.path.as_posix())
        yield f'<tr><th scope="row">{text(name)}</th><td>{status}</td><td>{tags}</td><td>{where}</td></tr>'
    yield "</tbody></table></div>"


def _differences(comparison: Comparison) -> Iterator[str]:
    different, equal = comparison.differences, comparison.equal
    if len(different):
        yield from _facts("What differs", different, list(comparison.runs))
    else:
        yield '<p class="notice">Flags, properties and versions are the same in all runs.</p>'
    if len(equal):
        one = equal.iloc[:, :1]
        yield from folded(f"The same in all runs: {len(equal)}", _facts("The same in all runs", one, ["all"]))


def _facts(caption: str, table: pd.DataFrame, runs: Sequence[str]) -> Iterator[str]:
    yield from _head(caption, ["", "name", *runs])
    for (kind, name), values in zip(table.index, table.to_numpy().tolist(), strict=True):
        cells = "".join(f"<td><div>{text(value)}</div></td>" for value in shown(values))
        yield f'<tr><td>{text(kind)}</td><th scope="row"><div>{text(name)}</div></th>{cells}</tr>'
    yield "</tbody></table></div>"


def _metrics(comparison: Comparison) -> Iterator[str]:
    yield '<p class="note">All digits are in a tooltip. A star marks the best, where the goal is known.</p>'
    yield from _head("Metrics", ["at", "metric", *comparison.runs])
    for at, name, values, best in comparison.ranked_metrics():
        cells = "".join(_number(value, run in best) for run, value in values.items())
        yield f'<tr><td>{text(at)}</td><th scope="row"><div>{text(name)}</div></th>{cells}</tr>'
    yield "</tbody></table></div>"


def _number(value: Any, best: bool) -> str:
    if value is pd.NA:
        return '<td class="number">-</td>'
    marked = " best" if best else ""
    return f'<td class="number{marked}" title="{value!r}">{value:.5g}</td>'


def _curves(comparison: Comparison) -> Iterator[str]:
    data = comparison.curves
    if data["validation"].any():
        yield '<p class="note">Dotted on the training samples, solid on those of validation.</p>'
    for metric in dict.fromkeys(data["metric"]):
        yield from drawn(f"curve {metric}", metric_figure(data, metric))


def _source(comparison: Comparison) -> Iterator[str]:
    bare = [name for name, run in comparison.runs.items() if not (run.path / layout.SOURCE).is_dir()]
    if bare:
        yield f'<p class="notice">No archived source: {text(", ".join(bare))}.</p>'
    if comparison.sources:
        yield from _pairs(comparison.sources)
    elif len(bare) < len(comparison.runs):
        yield "<p>The same in all runs.</p>"


def _pairs(differences: Sequence[SourceDifference], *, opened: bool = True) -> Iterator[str]:
    if len({(item.first, item.second) for item in differences}) > 1:
        yield (
            '<p class="note">Runs with the same text count as one, the first. All pairs are shown up to '
            f"{PAIRS}, else each against the first.</p>"
        )
    for item in differences:
        heading = f"{text(item.file)}: {text(item.first)} against {text(item.second)}"
        yield from folded(heading, [difference(item.lines)], opened=opened and item is differences[0])


def _output(comparison: Comparison) -> Iterator[str]:
    for name, run in comparison.runs.items():
        lines = tuple(run_files.output(run.path)) or ("<p>It printed nothing.</p>",)
        yield from folded(text(name), lines)


def _head(caption: str, names: Sequence[str]) -> Iterator[str]:
    yield f'<div class="wide" tabindex="0" role="region" aria-label="{text(caption)}"><table>'
    yield "<thead><tr>"
    yield "".join(f'<th scope="col"><div>{text(name)}</div></th>' for name in names)
    yield "</tr></thead><tbody>"
