"""The command that trains the best points of a search again: `confirm`."""

import json
import shlex
from typing import TYPE_CHECKING, Any

import click

from search.cli import options
from search.cli.running import asks

if TYPE_CHECKING:
    from results.confirmation import Confirmation


@click.command(
    epilog="\b\nExamples:\n  gridruns confirm\n  gridruns confirm my-study --top 3 --seeds 10\n"
    "  gridruns confirm my-study --show"
)
@click.argument("study", required=False)
@click.option("--top", type=int, default=5, show_default=True, metavar="N", help="How many points.")
@click.option("--seeds", type=int, metavar="K",
              help="How many new seeds, the same ones for all points."
              "  [default: 5, or as many as there are already]")  # fmt: skip
@click.option("--show", is_flag=True, help="Show what a confirmation found, without running anything.")
@click.option("--workers", callback=options.count_or_auto, metavar="N|auto", help="Trials that run at once.")
@options.optional_limits
@options.runs_dir
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.option("--yes", is_flag=True, help="Don't ask before starting (asked at a terminal only).")
@click.option("--quiet", is_flag=True, help="Show only the results.")
def confirm(
    study: str | None, runs_dir: str, show: bool, as_json: bool, yes: bool, quiet: bool, **asked: Any
) -> int:
    """Train the best points of STUDY again with new seeds, and say which is the best.

    STUDY is a study's name or a path; the latest search if not named. The runs are a study of their
    own, STUDY-confirm, which can be interrupted; the same command goes on with it.
    """
    from results.confirmation import confirmation
    from results.marks import SUFFIX
    from search.confirming import confirm as run
    from search.confirming import searched_folder
    from search.interrupts import Interrupted

    if show:
        found = confirmation(searched_folder(study, runs_dir))
    else:
        silent = quiet or as_json
        try:
            found = run(study, runs_dir=runs_dir, yes=not asks(yes, silent), quiet=silent, **asked)
        except Interrupted as stopped:
            if stopped.folder is not None:
                where = "" if runs_dir == "runs" else f" --runs-dir {shlex.quote(runs_dir)}"
                click.echo(
                    f"  gridruns confirm {stopped.folder.name.removesuffix(SUFFIX)}{where}    # goes on"
                )
            click.echo("gridruns: stopped", err=True)
            return 128 + stopped.signal
    click.echo(as_json_text(found) if as_json else as_text(found))
    return 0


def as_text(found: "Confirmation") -> str:
    """What a confirmation found: the table, and what it says in sentences."""
    from search.cli.tables import grid

    seeds = f"{len(found.seeds)} new seed{'s' * (len(found.seeds) > 1)}"
    lines = [f"\n{found.study.name}, its best points with {seeds} ({found.metric}, {found.goal}):\n"]
    lines += [grid(found.shown()), ""]
    lines += [f"{sentence[0].upper()}{sentence[1:]}." for sentence in found.sentences()]
    return "\n".join(lines)


def as_json_text(found: "Confirmation") -> str:
    """A confirmation as JSON: missing numbers are null."""
    from search.cli.tables import records

    numbers = found.table.select_dtypes("float64").columns
    said = {
        "study": str(found.study),
        "metric": found.metric,
        "goal": found.goal,
        "seeds": found.seeds,
        "incomplete": found.incomplete,
        "tied": found.tied,
        "verdict": found.verdict(),
        "bias": found.bias(),
        "points": records(found.table.astype(dict.fromkeys(numbers, "Float64"))),
    }
    return json.dumps(said, indent=1)
