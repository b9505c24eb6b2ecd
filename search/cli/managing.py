"""The commands that manage runs: clean, restore, purge, rm, copy, export, import, tag, note, rerun ..."""

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from gridruns import GridrunsError
from search.cli import options

yes_option = click.option("--yes", is_flag=True, help="Don't ask first.")
runs_argument = click.argument("runs", nargs=-1)


@click.command(epilog="\b\nExamples:\n  gridruns clean --keep 20\n  gridruns clean my-study --yes")
@runs_argument
@click.option("--keep", type=int, metavar="N", help="Leave the N newest of them where they are.")
@click.option("--force", is_flag=True, help="Also single runs whose process seems to be alive.")
@options.runs_dir
@yes_option
def clean(runs: tuple[str, ...], keep: int | None, force: bool, runs_dir: str, yes: bool) -> None:
    """Move RUNS (runs or studies, by name or path; all if not named) to archive/ in the runs directory.

    Listings don't show the archive; TensorBoard on all runs does.
    """
    from results import layout
    from results.chosen import choose
    from results.manage import clean_runs

    chosen = choose(runs or None, runs_dir, keep)
    if _sure(f"Move {_count(chosen)} to {Path(runs_dir) / layout.ARCHIVE}?", len(chosen), yes):
        _say("archived", clean_runs(chosen, runs_dir, force=force))


@click.command(epilog="\b\nExample:\n  gridruns restore 2026-11-21T09-02-11.123456Z")
@runs_argument
@options.runs_dir
@yes_option
def restore(runs: tuple[str, ...], runs_dir: str, yes: bool) -> None:
    """Move RUNS from archive/ back to where they were; all if not named."""
    from results.manage import archived, restore_runs

    found = archived(runs or None, runs_dir)
    if _sure(f"Move {_count(found)} from the archive back?", len(found), yes):
        _say("restored", restore_runs(runs or None, runs_dir))


@click.command(epilog="\b\nExample:\n  gridruns purge --yes")
@runs_argument
@options.runs_dir
@yes_option
def purge(runs: tuple[str, ...], runs_dir: str, yes: bool) -> None:
    """Delete RUNS in archive/ for good; all that is there if not named."""
    from results.manage import archived, purge_runs

    found = archived(runs or None, runs_dir)
    if _sure(f"Delete {_count(found)} in the archive for good?", len(found), yes):
        _say("deleted", purge_runs(runs or None, runs_dir))


@click.command(epilog="\b\nExample:\n  gridruns rm my-study")
@click.argument("study")
@options.runs_dir
@yes_option
def rm(study: str, runs_dir: str, yes: bool) -> None:
    """Delete STUDY, a name or a path, with all its runs, for good."""
    from results.manage import find_study, remove_study
    from results.runs import find_runs

    folder = find_study(study, runs_dir)
    runs = find_runs(folder)
    if _sure(f"Delete {folder} with {_count(runs)} for good?", 1, yes):
        left = remove_study(folder, runs_dir)
        click.echo(f"deleted {folder} with {_count(runs)}")
        for path in left:
            click.echo(f"left {path}, which isn't gridruns'")


def _copying(command: options.Command) -> options.Command:
    for option in (
        click.option("--rename", metavar="NAME", help="The name of the copy, of one run."),
        click.option("--to", default=".", show_default=True, metavar="DIR", help="The directory it goes to."),
        options.runs_dir,
        click.argument("runs", nargs=-1, required=True),
    ):
        command = option(command)
    return command


@click.command(epilog="\b\nExample:\n  gridruns copy 2026-11-21T09-02-11.123456Z --to models --rename best")
@_copying
def copy(runs: tuple[str, ...], to: str, rename: str | None, runs_dir: str) -> None:
    """Copy RUNS (runs or studies, by name or path), each into a directory of its own."""
    from results.copying import copy_run

    _say("copied to", copy_run(runs, to, rename, runs_dir))


@click.command(
    "copy-files", epilog="\b\nExample:\n  gridruns copy-files 2026-11-21T09-02-11.123456Z --to models"
)
@_copying
def copy_files(runs: tuple[str, ...], to: str, rename: str | None, runs_dir: str) -> None:
    """Copy of RUNS only the files that their scripts wrote: models, data."""
    from results.copying import copy_run_files

    _say("copied to", copy_run_files(runs, to, rename, runs_dir))


@click.command(
    "export", epilog="\b\nExamples:\n  gridruns export all.zip\n  gridruns export study.zip my-study"
)
@click.argument("file")
@runs_argument
@options.runs_dir
def export(file: str, runs: tuple[str, ...], runs_dir: str) -> None:
    """Write RUNS (runs or studies, by name or path; all if not named) into FILE, a zip."""
    from results.transfer import export_runs

    click.echo(f"{_count(export_runs(file, runs or None, runs_dir))} in {file}")


@click.command("import", epilog="\b\nExample:\n  gridruns import study.zip")
@click.argument("file")
@options.runs_dir
def import_(file: str, runs_dir: str) -> None:
    """Take the runs of FILE, a zip of `gridruns export`, into the runs directory."""
    from results.transfer import import_runs

    _say("imported", import_runs(file, runs_dir))


@click.command(epilog="\b\nExamples:\n  gridruns tag my-run best paper\n  gridruns tag my-run --remove paper")
@click.argument("run")
@click.argument("tags", nargs=-1)
@click.option("--remove", multiple=True, metavar="TAG", help="Take a tag away. Repeatable.")
@options.runs_dir
def tag(run: str, tags: tuple[str, ...], remove: tuple[str, ...], runs_dir: str) -> None:
    """Give RUN tags, or take them away; the leaderboard shows them."""
    from results.notes import tag_run

    said = tag_run(run, *tags, remove=remove, runs_dir=runs_dir)
    click.echo(f"tags: {', '.join(said.tags) or 'none'}")


@click.command(epilog='\b\nExample:\n  gridruns note my-run "the one in the paper"')
@click.argument("run")
@click.argument("text")
@options.runs_dir
def note(run: str, text: str, runs_dir: str) -> None:
    """Say TEXT of RUN in place of what was said before; an empty one takes it away."""
    from results.notes import note_run

    click.echo(f"note: {note_run(run, text, runs_dir).note or 'none'}")


@click.command(epilog="\b\nExample:\n  gridruns rerun 2026-11-21T09-02-11.123456Z")
@click.argument("run")
@click.option("--executor", default="local", show_default=True, metavar="local|inline",
              help="In a process of its own, or in this very process.")  # fmt: skip
@options.runs_dir
@click.option("--quiet", is_flag=True, help="Don't show the script's output.")
def rerun(run: str, executor: str, runs_dir: str, quiet: bool) -> int:
    """Run the archived source of RUN again, with its flags and seed, and compare the metrics to the last bit.

    The exit code is 0 where all are equal, else 1.
    """
    from search.rerunning import rerun as run_again

    result = run_again(run, executor=executor, runs_dir=runs_dir, quiet=quiet)
    click.echo(f"\n{result.original} again: {result.run['run_dir'].iloc[0]}")
    if result.equal:
        click.echo(f"equal to the last bit: all {result.compared:,} values")
        return 0
    click.echo("the metrics differ:" if result.compared else "the run logged no metrics to compare")
    for line in result.differences:
        click.echo(f"  {line}")
    click.echo(
        "what else isn't as it was:" if result.surroundings else "versions, source, host: as they were"
    )
    for line in result.surroundings:
        click.echo(f"  {line}")
    return 1


COMMANDS = (clean, restore, purge, rm, copy, copy_files, export, import_, tag, note, rerun)


def _sure(question: str, count: int, yes: bool) -> bool:
    """Whether to go on; asked at a terminal only.

    Raises:
        GridrunsError: There is nobody to ask.
        click.Abort: The answer is no.
    """
    if not count:
        click.echo("no runs")
        return False
    if yes:
        return True
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise GridrunsError(f"{question} There is no terminal to ask at; give --yes")
    return click.confirm(question, abort=True)


def _count(runs: Sequence[Path]) -> str:
    return f"{len(runs):,} run{'' if len(runs) == 1 else 's'}"


def _say(what: str, paths: Sequence[Path]) -> None:
    for path in paths:
        click.echo(f"{what} {path}")
