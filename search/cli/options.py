"""Options that several commands share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from gridruns import GridrunsError
from search.executors import EXECUTORS, START_METHODS

Command = Callable[..., Any]


def count_or_auto(context: click.Context, parameter: click.Parameter, value: str | None) -> int | str | None:
    """Turn digits into a number and leave "auto"; what the number may be is checked where it is used."""
    if value is None or value == "auto":
        return value
    try:
        return int(value)
    except ValueError:
        raise GridrunsError(f"{parameter.name} must be a whole number or 'auto', but got {value!r}") from None


def runs_dir(command: Command) -> Command:
    """--runs-dir."""
    return click.option(
        "--runs-dir", default="runs", show_default=True, metavar="DIR", help="The directory of all runs."
    )(command)


def output_format(command: Command) -> Command:
    """--json and --csv."""
    command = click.option("--csv", "as_csv", is_flag=True, help="All columns as CSV.")(command)
    return click.option("--json", "as_json", is_flag=True, help="All columns as JSON, a list of rows.")(
        command
    )


def rerun(command: Command) -> Command:
    """--rerun, for commands that go on with a study."""
    return click.option(
        "--rerun", default="", metavar="END,...",
        help="Run the points again whose runs ended so: failed, diverged, timeout, killed, oom. "
        "Their runs stay.",
    )(command)  # fmt: skip


def storage(command: Command) -> Command:
    """--storage, for commands that search."""
    return click.option(
        "--storage", metavar="URL",
        help="Keep the study in a database too: sqlite:///FILE or postgresql://USER@HOST/DATABASE. Started "
        "on several machines, they share its points. none leaves it.  [default: as the study was]",
    )(command)  # fmt: skip


def save_model(command: Command) -> Command:
    """--save-model."""
    return click.option(
        "--save-model", is_flag=True,
        help="Keep the model and the data of the script's last evaluate(), for `gridruns evaluate`.",
    )(command)  # fmt: skip


def steps_per_execution(command: Command) -> Command:
    """--steps-per-execution."""
    return click.option(
        "--steps-per-execution", type=int, metavar="N",
        help="Let TensorFlow do N training steps a call, where the script leaves it at one: sooner, with the "
        "same losses.  [default: as the script says]",
    )(command)  # fmt: skip


def page(command: Command) -> Command:
    """--html and --output, for commands that show something or write it as a page."""
    command = click.option("--output", metavar="FILE", help="The page's file, with --html.")(command)
    return click.option("--html", "as_html", is_flag=True, help="Write an HTML page and print its path.")(
        command
    )


def wants_page(as_html: bool, output: str | None, plain: bool) -> bool:
    """Whether a page is to be written.

    Args:
        as_html: Whether --html is given.
        output: The page's file.
        plain: Whether a format for other programs is asked for.

    Raises:
        GridrunsError: The options contradict each other, or the page's directory isn't there.
    """
    if output is not None and not as_html:
        raise GridrunsError(f"--output needs --html, but got only {output!r}")
    if as_html and plain:
        raise GridrunsError("--html writes a page, so it can't be combined with --json or --csv")
    if output is not None and not Path(output).parent.is_dir():
        folder = str(Path(output).parent)
        raise GridrunsError(f"can't write the page {output!r}: there is no directory {folder!r}")
    return as_html


def ranking(command: Command) -> Command:
    """--metric and --goal, for commands that rank runs."""
    command = click.option("--goal", metavar="min|max", help="Whether less or more is better.")(command)
    return click.option("--metric", metavar="NAME", help="Rank by this metric.  [default: the study's]")(
        command
    )


def execution(command: Command) -> Command:
    """--seed, --threads, --executor, --start-method, and those of `cluster`."""
    command = cluster(command)
    for option in (
        click.option(
            "--start-method", default="auto", show_default=True, metavar="|".join(START_METHODS),
            help="Fork trials from a warm parent, or spawn a fresh interpreter for each.",
        ),
        click.option("--executor", default="local", show_default=True, metavar="|".join(EXECUTORS),
                     help="Where trials run: in processes of this machine, in this very process, or on a Ray "
                     "cluster."),
        click.option("--threads", callback=count_or_auto, metavar="N|auto", default="auto", show_default=True,
                     help="Threads of each trial; auto is its share of the cores."),
        click.option("--seed", type=int, metavar="INT", help="In [0, 2**32).  [default: a new one]"),
    ):  # fmt: skip
        command = option(command)
    return command


def cluster(command: Command) -> Command:
    """--address, --cpus-per-trial, --gpus-per-trial."""
    for option in (
        click.option("--gpus-per-trial", type=float, metavar="N",
                     help="On Ray: GPUs of a trial, a part of one too.  [default: none]"),
        click.option("--cpus-per-trial", type=float, metavar="N",
                     help="On Ray: CPUs of a trial.  [default: 1]"),
        click.option("--address", metavar="auto|HOST:PORT|ray://HOST:PORT",
                     help="On Ray: the cluster.  [default: a new one on this machine]"),
    ):  # fmt: skip
        command = option(command)
    return command


def limits(command: Command) -> Command:
    """--trial-timeout, --timeout, --memory-limit, --retries, --keep-going."""
    return _limits(command, retries=1)


def optional_limits(command: Command) -> Command:
    """The same for a study that goes on: what isn't given stays as it was."""
    return _limits(command, retries=None)


def _limits(command: Command, retries: int | None) -> Command:
    for option in (
        click.option("--keep-going", is_flag=True, default=False if retries else None,
                     help="Go on when the first three trials fail the same way."),
        click.option("--retries", type=int, default=retries, show_default=retries is not None, metavar="N",
                     help="How often to run a trial again that was killed or, alone, ran out of memory."),
        click.option("--memory-limit", metavar="SIZE",
                     help="End a trial whose processes take more than this together: 512M, 2G."),
        click.option("--max-time", metavar="TIME",
                     help="Begin no trial that most likely would end later than this after the start."),
        click.option("--timeout", metavar="TIME", help="End the search after this long: 90, 30m, 8h."),
        click.option("--trial-timeout", metavar="TIME", help="End a trial after this long."),
    ):  # fmt: skip
        command = option(command)
    return command
