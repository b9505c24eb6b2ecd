"""The commands that run scripts: `train`, `tune` and `resume`."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gridruns import GridrunsError
from search.cli import options

if TYPE_CHECKING:
    from pandas import DataFrame


@click.command(
    epilog="\b\nExample:\n  gridruns train scripts/mnist_grid_search.py -- --nodes1 64 --data digits"
)
@click.argument("script")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[-- FLAGS...]")
@click.option("--data", metavar="FILE.py:NAME", help="Of a hypermodel: the function that returns its data; a "
              "NAME alone is one of the same file.")  # fmt: skip
@options.execution
@options.runs_dir
@options.save_model
@options.steps_per_execution
@click.option("--quiet", is_flag=True, help="Don't show the script's output.")
def train(script: str, arguments: tuple[str, ...], quiet: bool, **asked: Any) -> int:
    """Run SCRIPT once and record it.

    SCRIPT is a training script, or FILE.py:NAME of a keras-tuner hypermodel.
    The flags of the script follow --; so do --profile NAME and --flags-file FILE.
    """
    from search.cli.tables import print_run
    from search.training import training_run

    run = training_run(script, arguments=arguments, quiet=quiet, **asked)
    print_run(run)
    return 0 if run["status"].iloc[0] == "completed" else 1


@click.command(
    epilog="\b\nExamples:\n"
    "  gridruns tune scripts/mnist_grid_search.py --space mnist_grid_search --sample 0.05\n"
    "  gridruns tune train.py --set nodes=64,128,256 --set optimizer=sgd,adam --order grid\n"
    "  gridruns tune train.py --set lr=1e-5:1e-1:log --sampler random --trials 30 -- --epochs 5\n"
    "  gridruns tune model.py:build_model --data load_data --sampler tpe --trials 30"
)
@click.argument("script")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[-- FLAGS...]")
@click.option("--data", metavar="FILE.py:NAME", help="Of a hypermodel: the function that returns its data; a "
              "NAME alone is one of the same file.")  # fmt: skip
@click.option("--space", "flags", metavar="NAME|FILE", help="A shipped space, or a YAML file."
              "  [default: the domains that the script declares]")  # fmt: skip
@click.option(
    "--set", "set", multiple=True, metavar="FLAG=...",
    help="Values of a flag (a,b,c), a range (low:high, low:high:step, low:high:log) or one value that "
    "fixes it; wins over the space. Repeatable.",
)  # fmt: skip
@click.option("--sample", type=float, metavar="FRACTION", help="The fraction of the grid to run, in (0, 1].")
@click.option(
    "--trials",
    type=int,
    metavar="N",
    help="The number of points instead; a space with ranges needs it, or --max-time.",
)
@click.option("--order", default="random", show_default=True, metavar="random|grid",
              help="Random points of the grid, or all in order, first flag fastest.")  # fmt: skip
@click.option("--where", "where", multiple=True, metavar="RULE",
              help="What every point keeps: 'dropout1 + dropout2 <= 0.6'. Repeatable.")  # fmt: skip
@click.option("--sampler", default="grid", show_default=True, metavar="NAME",
              help="grid, random, tpe, gp, cmaes, qmc, keras-tuner:random or "
              "keras-tuner:bayesian.")  # fmt: skip
@click.option("--warm-start", metavar="FILE",
              help="Earlier results (CSV or YAML) for the sampler to begin with.")  # fmt: skip
@click.option("--allow-duplicates", is_flag=True, help="Let the sampler propose a point again.")
@click.option("--repeats", type=int, default=1, show_default=True, metavar="K",
              help="Run each point with K seeds, the same ones for all.")  # fmt: skip
@click.option("--pruner", metavar="NAME[:SETTING=...]",
              help="End trials that go badly: median, percentile, asha, hyperband, wilcoxon or patient, with "
              "settings as in asha:min_resource=2.  [default: none]")  # fmt: skip
@click.option("--metric", multiple=True, default=["val_loss"], show_default=True, metavar="NAME[:min|max]",
              help="What is optimized. Repeatable, for the Pareto front of several.")  # fmt: skip
@click.option("--goal", metavar="min|max", help="For a metric without one: less or more is better."
              "  [default: min]")  # fmt: skip
@click.option("--workers", callback=options.count_or_auto, metavar="N|auto", default="auto",
              show_default=True,
              help="Trials that run at once; auto is as many as cores, memory and GPUs carry.")  # fmt: skip
@options.execution
@options.limits
@click.option("--study", metavar="NAME", help="The study's name; one that exists goes on."
              "  [default: a new one, named from script and time]")  # fmt: skip
@click.option(
    "--extend", is_flag=True, help="Go on with a study though script, space or metric have changed."
)
@options.rerun
@options.storage
@options.save_model
@options.steps_per_execution
@options.runs_dir
@click.option("--dry-run", is_flag=True, help="Show the points that would be run, and run none.")
@click.option("--json", "as_json", is_flag=True, help="With --dry-run: as JSON, a list of rows.")
@click.option("--yes", is_flag=True, help="Don't ask before starting (asked at a terminal only).")
@click.option("--quiet", is_flag=True, help="Show only the results.")
def tune(
    script: str,
    arguments: tuple[str, ...],
    dry_run: bool,
    as_json: bool,
    yes: bool,
    quiet: bool,
    **asked: Any,
) -> int:
    """Run SCRIPT at points of a space and rank the runs.

    SCRIPT is a training script, or FILE.py:NAME of a keras-tuner hypermodel, whose
    hyperparameters are the space.
    Flags of the script that the space leaves alone may follow --.
    """
    from search.tuning import tuning_run

    if as_json and not dry_run:
        raise GridrunsError("--json shows the points of --dry-run; `gridruns ls STUDY --json` has the runs")
    if dry_run:
        from search.cli.planning import print_points

        quiet = quiet or as_json
        points = tuning_run(script, arguments=arguments, dry_run=True, quiet=quiet, **asked)
        print_points(points, as_json=as_json)
        return 0
    return _searched(
        lambda: tuning_run(script, arguments=arguments, yes=not asks(yes, quiet), quiet=quiet, **asked)
    )


@click.command(
    epilog="\b\nExamples:\n  gridruns resume\n  gridruns resume my-study --workers 4\n"
    "  gridruns resume my-study --rerun timeout --trial-timeout 2h"
)
@click.argument("study", required=False)
@click.option("--workers", callback=options.count_or_auto, metavar="N|auto", help="Trials that run at once.")
@options.optional_limits
@options.cluster
@options.rerun
@options.storage
@options.runs_dir
@click.option("--yes", is_flag=True, help="Don't ask before starting (asked at a terminal only).")
@click.option("--quiet", is_flag=True, help="Show only the results.")
def resume(study: str | None, yes: bool, quiet: bool, **asked: Any) -> int:
    """Go on with STUDY, a name or a path; with the latest unfinished one if not named.

    What is done stays, what was cut off is run again, the rest follows. Options that aren't given
    are as they were.
    """
    from search.resuming import resume as go_on

    return _searched(lambda: go_on(study, yes=not asks(yes, quiet), quiet=quiet, **asked))


def asks(yes: bool, quiet: bool) -> bool:
    """Whether to ask before starting: at a terminal only."""
    return sys.stdin.isatty() and sys.stdout.isatty() and not (yes or quiet)


def _searched(search: "Callable[[], DataFrame]") -> int:
    """Run a search and show its best runs; what there is of them where the user has stopped it."""
    from search.cli.tables import print_results
    from search.interrupts import Interrupted
    from search.launch import resume_command

    try:
        runs = search()
        if runs.empty:
            return 0  # max_time was over before the first trial began
        print_results(runs)
        if not runs["rank"].notna().all():
            _show_without_result(Path(str(runs["run_dir"].iloc[0])).parent)
    except Interrupted as stopped:
        if stopped.folder is not None:
            from results import leaderboard

            runs = leaderboard(stopped.folder)
            if len(runs):
                print_results(runs)
            click.echo(f"  {resume_command(stopped.folder)}    # goes on")
        click.echo("gridruns: stopped", err=True)
        return 128 + stopped.signal
    return 0


def _show_without_result(folder: Path) -> None:
    """Say how many points of a study ended without a result, and what runs them again."""
    from search.launch import resume_command
    from search.study_folder import without_result

    ends = without_result(folder)
    if ends:
        words = ", ".join(f"{count} {status}" for status, count in ends.items())
        count = ends.total()
        click.echo(f"\n{count:,} point{'s' * (count > 1)} ended without a result: {words}. Once mended:")
        click.echo(f"  {resume_command(folder)} --rerun {','.join(ends)}")
