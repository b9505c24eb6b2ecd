"""What `gridruns ls` shows: which runs, in which order, which columns, once or again and again."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gridruns import GridrunsError, unknown

if TYPE_CHECKING:
    import pandas as pd

EVERY = 2.0  # seconds between two looks


class ListingError(GridrunsError):
    """Something asked of a listing that it can't show."""


@dataclass(frozen=True)
class Wanted:
    """What a listing shows.

    Attributes:
        where: A query that keeps the runs it is true for.
        sort: Columns to sort by, a "-" before a name for from high to low; none for the order there is.
        columns: The columns to show, in this order; none for those that tell runs apart.
        limit: At most so many rows, the first ones.
    """

    where: str | None = None
    sort: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    limit: int | None = None


def select(runs: "pd.DataFrame", wanted: Wanted) -> "pd.DataFrame":
    """The rows and columns wanted of a table of runs that `where` has been asked of.

    Raises:
        ResultsError: There is no such column to sort by.
        ListingError: There is no such column to show.
    """
    from results.table import sorted_by

    if wanted.sort:
        runs = sorted_by(runs, wanted.sort)
    for name in wanted.columns:
        if name not in runs.columns:
            raise ListingError(unknown("column", name, map(str, runs.columns)))
    if wanted.columns:
        runs = runs[list(wanted.columns)]
    return runs if wanted.limit is None else runs.head(wanted.limit)


def listing(runs: "pd.DataFrame", wanted: Wanted) -> str:
    """The text of a listing: the table, and how many runs there are where not all are shown."""
    from search.cli.tables import grid, text_table

    shown = select(runs, wanted)
    if not len(shown):
        return "no runs"
    text = grid(shown) if wanted.columns else text_table(shown)
    return text if len(shown) == len(runs) else f"{text}\n\nThe first {len(shown):,} of {len(runs):,} runs"


def watch(look: Callable[[], str]) -> None:
    """Draw a listing on the terminal every two seconds, as much of it as fits, until Ctrl-C.

    Args:
        look: Makes the text.

    Raises:
        ListingError: Standard output is no terminal.
    """
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    console = Console()
    if not console.is_terminal:
        raise ListingError("--watch needs a terminal to draw on")
    text = look()
    try:
        with Live(Text(text, no_wrap=True, overflow="ellipsis"), console=console, auto_refresh=False) as live:
            while True:
                time.sleep(EVERY)
                text = look()
                live.update(Text(text, no_wrap=True, overflow="ellipsis"), refresh=True)
    except KeyboardInterrupt:
        return


def names(value: str | None) -> tuple[str, ...]:
    """The names in a list with commas.

    Raises:
        ListingError: One of them is empty.
    """
    if value is None:
        return ()
    found = tuple(name.strip() for name in value.split(","))
    if not all(found):
        raise ListingError(f"--columns takes names with commas between them, but got {value!r}")
    return found


def check_limit(limit: int | None) -> int | None:
    """A number of rows.

    Raises:
        ListingError: It is less than 1.
    """
    if limit is not None and limit < 1:
        raise ListingError(f"limit must be at least 1, but got {limit}")
    return limit


def check_watch(plain: Sequence[bool]) -> None:
    """Refuse to draw what is for other programs.

    Raises:
        ListingError: Another form of output than a table is asked for too.
    """
    if any(plain):
        raise ListingError("--watch draws a table, so it can't be combined with --json or --csv")
