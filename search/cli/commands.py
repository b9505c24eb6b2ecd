"""The command `gridruns`: its subcommands, its exit codes, and one line an error.

A subcommand's heavy imports happen when it runs, so that `gridruns --help` answers at once.
"""

import io
import signal
import sys
from collections.abc import Sequence

import click

import gridruns
from gridruns import GridrunsError
from search.cli.comparing import compare
from search.cli.confirming import confirm
from search.cli.evaluating import evaluate
from search.cli.looking import best, ls, show, tensorboard
from search.cli.managing import COMMANDS as MANAGING
from search.cli.reporting import report
from search.cli.running import resume, train, tune


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(gridruns.__version__, prog_name="gridruns")
def cli() -> None:
    """Random grid search, tracked runs and a leaderboard for plain Keras training scripts.

    \b
    Examples:
      gridruns tune scripts/mnist_grid_search.py --space mnist_grid_search --sample 0.05
      gridruns tune train.py --set nodes=64,128,256 --set lr=1e-4:1e-1:log --sampler random --trials 20
      gridruns train train.py -- --nodes 64
      gridruns ls
      gridruns tensorboard

    \b
    Completion for bash (zsh and fish alike):
      eval "$(_GRIDRUNS_COMPLETE=bash_source gridruns)"
    """  # noqa: D301 (click reads the backspace)


for command in (
    tune,
    resume,
    confirm,
    train,
    ls,
    best,
    show,
    compare,
    evaluate,
    report,
    tensorboard,
    *MANAGING,
):
    cli.add_command(command)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    Returns:
        0; 1 where no trial gave a result; 2 for a mistake of the user's; 130 after Ctrl-C.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A run may hold texts that the terminal's encoding hasn't: they are shown as \\x.. and \\u....
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        code = cli.main(
            args=None if argv is None else list(argv), prog_name="gridruns", standalone_mode=False
        )
    except GridrunsError as error:
        return _complain(str(error), error.exit_code)
    except click.UsageError as error:
        return _complain(error.format_message(), 2)
    except click.ClickException as error:
        return _complain(error.format_message(), error.exit_code)
    except (click.Abort, KeyboardInterrupt) as stopped:
        # click turns every KeyboardInterrupt into Abort; ours know their signal.
        return _complain("stopped", 128 + getattr(stopped.__cause__ or stopped, "signal", signal.SIGINT))
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output has gone; so does Python's complaint about it
        return 1
    return code if isinstance(code, int) else 0


def _complain(message: str, code: int) -> int:
    click.echo(f"gridruns: {' '.join(message.split())}", err=True)
    return code
