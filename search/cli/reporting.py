"""The command that writes a study's report, or serves it while the search runs: `report`."""

import click

from search.cli import options
from search.cli.looking import where


@click.command(
    epilog="\b\nExamples:\n  gridruns report\n  gridruns report my-study --output report.html\n"
    "  gridruns report my-study --serve"
)
@click.argument("study", required=False)
@options.runs_dir
@options.ranking
@click.option("--output", metavar="FILE", help="The file.  [default: report.html in the study's directory]")
@click.option("--serve", is_flag=True, help="Serve the page on 127.0.0.1 instead; it follows the search.")
@click.option("--port", type=int, help="The port to serve on; 0 takes a free one.  [default: 6010]")
def report(
    study: str | None,
    runs_dir: str,
    metric: str | None,
    goal: str | None,
    output: str | None,
    serve: bool,
    port: int | None,
) -> None:
    """Write an HTML page of STUDY, a study's name or a path; the latest if not named.

    The page holds the leaderboard and the figures and needs no network.
    """
    folder = None if study is None else where(study, runs_dir)
    if serve and output is not None:
        raise click.UsageError("--output writes a file and --serve doesn't: give one of them")
    if port is not None and not serve:
        raise click.UsageError("--port needs --serve")
    if serve:
        from results.live import PORT, serve_report

        chosen = PORT if port is None else port
        serve_report(folder, metric=metric, goal=goal, port=chosen, runs_dir=runs_dir)
        return
    from results import report as write_report

    click.echo(write_report(folder, metric=metric, goal=goal, output=output, runs_dir=runs_dir))
