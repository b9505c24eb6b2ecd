"""The commands that look at runs: `ls`, `best`, `show`, `tensorboard`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from gridruns import GridrunsError, unknown
from results import layout
from search.cli import options

if TYPE_CHECKING:
    import pandas as pd


KNOWN = 10  # names of studies in a message of one line


@click.command(
    epilog="""\b
Examples:
  gridruns ls
  gridruns ls my-study --json
  gridruns ls --where "best_val_loss < 0.07 and flag_optimizer == 'adam'" --sort -best_val_accuracy
  gridruns ls my-study --columns run_dir,best_val_loss,flag_nodes1 --limit 10 --watch"""
)
@click.argument("study", required=False)
@options.runs_dir
@options.ranking
@click.option("--where", "query", metavar="QUERY", help="Only the runs that this is true for.")
@click.option(
    "--sort", multiple=True, metavar="[-]COLUMN", help="Sort by this; - for high to low. Repeatable."
)
@click.option("--columns", metavar="A,B,C", help="Show these columns.  [default: those that tell runs apart]")
@click.option("--limit", type=int, metavar="N", help="Show the first N runs.")
@click.option("--watch", is_flag=True, help="Draw the table again every two seconds, until Ctrl-C.")
@options.output_format
def ls(
    study: str | None, runs_dir: str, metric: str | None, goal: str | None, query: str | None,
    sort: tuple[str, ...], columns: str | None, limit: int | None, watch: bool, as_json: bool, as_csv: bool,
) -> None:  # fmt: skip
    """List the runs, best first within one study, else newest first.

    STUDY is a study's name or a path.
    """
    from search.cli import listing
    from search.cli.tables import print_runs

    wanted = listing.Wanted(query, sort, listing.names(columns), listing.check_limit(limit))
    if watch:
        listing.check_watch((as_json, as_csv))

    def read() -> "pd.DataFrame":
        from results import leaderboard, ls_runs

        output = "output" in (*wanted.columns, *(name.removeprefix("-") for name in sort))
        if study is None and metric is None:
            return ls_runs(query, runs_dir=runs_dir, goal=goal, output=output)
        return leaderboard(where(study, runs_dir), metric=metric, goal=goal, subset=query, output=output)

    if watch:
        listing.watch(lambda: listing.listing(read(), wanted))
    elif as_json or as_csv:
        print_runs(listing.select(read(), wanted), as_json=as_json, as_csv=as_csv)
    else:
        click.echo(listing.listing(read(), wanted))


@click.command(epilog="\b\nExample:\n  gridruns best my-study --metric val_accuracy --goal max")
@click.argument("study", required=False)
@options.runs_dir
@options.ranking
@options.output_format
def best(
    study: str | None, runs_dir: str, metric: str | None, goal: str | None, as_json: bool, as_csv: bool
) -> None:
    """Show the best run, of STUDY or of all."""
    from results import best_run
    from search.cli.tables import print_run

    run = best_run(where(study, runs_dir), metric=metric, goal=goal)
    print_run(run, as_json=as_json, as_csv=as_csv)


@click.command(
    epilog="\b\nExamples:\n  gridruns show runs/my-study/2026-11-21T09-02-11.123456Z\n  gridruns show --html"
)
@click.argument("run", required=False)
@options.runs_dir
@options.output_format
@options.page
def show(
    run: str | None, runs_dir: str, as_json: bool, as_csv: bool, as_html: bool, output: str | None
) -> None:
    """Show what is known of RUN, a run directory or the name of one; the latest if not named.

    With --html it writes a page with curves, output and source, by default run.html in the run's directory.
    """
    from results import latest_run, run_info, view_run
    from results.chosen import one_run
    from search.cli.tables import print_run

    if options.wants_page(as_html, output, as_json or as_csv):
        click.echo(view_run(run, output, runs_dir))
        return

    info = latest_run(runs_dir) if run is None else run_info(one_run(run, runs_dir))
    print_run(info, as_json=as_json, as_csv=as_csv)


@click.command(epilog="\b\nExample:\n  gridruns tensorboard --port 6007")
@click.argument("runs", required=False)
@options.runs_dir
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", default=6006, show_default=True, help="The port; 0 takes a free one.")
def tensorboard(runs: str | None, runs_dir: str, host: str, port: int) -> None:
    """Start TensorBoard on RUNS: a study's name or a path; all runs if not named."""
    from results.board import serve

    serve(where(runs, runs_dir), host=host, port=port)


def where(study: str | None, runs_dir: str) -> str:
    """The directory that a study's name or a path means.

    Raises:
        GridrunsError: It is a name, and nothing in the runs directory or here has it.
    """
    if study is None:
        return runs_dir
    inside = Path(runs_dir) / study
    if inside.is_dir():
        return str(inside)
    if Path(study).name == study and not Path(study).exists() and Path(runs_dir).is_dir():
        known = sorted(path.name for path in Path(runs_dir).iterdir() if (path / layout.STUDY).is_file())
        raise GridrunsError(unknown("study", study, known[-KNOWN:]))
    return study
