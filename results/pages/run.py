"""The page of one run: what it was, what it found, what it printed, and how to run it again.

Every text from a run or a script passes `parts.text`, `parts.block`, Pygments or plotly's JSON.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from results import layout
from results.chosen import one_run
from results.curves import all_curves, metric_figure
from results.errors import ResultsError
from results.pages import run_files
from results.pages.parts import Section, block, drawn, facts, folded, text
from results.pages.run_facts import command, environment, flags_table, metrics_table, summary, training
from results.pages.shell import document, write_page
from results.pages.source import style
from results.run import Run, read_run
from results.runs import find_runs

if TYPE_CHECKING:
    from results.chosen import RunDirs


def view_run(
    run_dir: "RunDirs | None" = None,
    output: str | os.PathLike[str] | None = None,
    runs_dir: str | os.PathLike[str] = "runs",
) -> Path:
    """Write the page of a run: one HTML file that a browser shows without a network.

    Args:
        run_dir: The run's path or name, or a row of a table of runs; by default the latest run.
        output: The file, replaced at once if it is there; by default run.html in the run's directory.
        runs_dir: Where the latest run, or a name, is looked for.

    Returns:
        The file.

    Raises:
        ResultsError: There is no such run, or the file can't be written.
    """
    path = _latest(runs_dir) if run_dir is None else one_run(run_dir, runs_dir)
    return write_page(path / layout.PAGE if output is None else output, page(read_run(path)))


def page(run: Run) -> str:
    """The page of a run as HTML, with what its directory tells in whatever state it is."""
    status = f'<span class="status {run.status.value}">{run.status.value}</span>'
    heading = [f"<h1>{text(run.id)}</h1>", f"<p>{status} {text(run.reason or '')}</p>"]
    return document(f"{run.id}: gridruns run", heading, list(_sections(run)), style())


def _latest(runs_dir: str | os.PathLike[str]) -> Path:
    found = find_runs(runs_dir)
    if not found:
        raise ResultsError(f"no runs in {str(runs_dir)!r}")
    return found[-1]


def _sections(run: Run) -> Iterator[Section]:
    """The parts of the page that there is something to show in."""
    yield Section("summary", "Summary", tuple(facts(summary(run))))
    if run.error is not None:
        yield Section("error", "Error", tuple(_error(run, run.error)))
    for id_, heading, lines in (
        ("flags", "Flags", flags_table(run)),
        ("metrics", "Metrics", metrics_table(run)),
        ("curves", "Curves", _curves(run)),
        ("training", "Training", training(run)),
        ("model", "Model", _model(run.properties.get("model"))),
        ("plots", "Plots", run_files.plots(run.path)),
        ("kept", "Kept by the script", run_files.metadata(run.path)),
        ("output", "Output", run_files.output(run.path)),
        ("source", "Source", run_files.source(run.path, run.record.get("script"))),
        ("again", "Again", command(run)),
        ("environment", "Environment", environment(run)),
    ):
        found = tuple(lines)
        if found:
            yield Section(id_, heading, found)


def _error(run: Run, traceback: str) -> Iterator[str]:
    if run.error_summary:
        yield f'<p class="notice">{text(run.error_summary)}</p>'
    yield from folded("Traceback", [f'<pre tabindex="0">{block(traceback)}</pre>'], opened=True)


def _curves(run: Run) -> Iterator[str]:
    data = all_curves({run.id: run})
    for metric in dict.fromkeys(data["metric"]):
        yield from drawn(f"curve {metric}", metric_figure(data, metric))


def _model(model: Any) -> Iterator[str]:
    if isinstance(model, str):
        yield f'<pre tabindex="0">{block(model)}</pre>'
