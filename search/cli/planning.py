"""How the points that a search would run look on a terminal and as JSON."""

import json
from typing import TYPE_CHECKING

import click

from search.cli.tables import cell, grid, records

if TYPE_CHECKING:
    from pandas import DataFrame


def print_points(points: "DataFrame", *, as_json: bool) -> None:
    """What `tuning_run(dry_run=True)` returns, as a table or as a JSON list of rows.

    In the table a flag with one value in all rows stands below.
    """
    if as_json:
        click.echo(json.dumps(records(points), indent=1))
        return
    if not len(points):
        click.echo("\nnothing is left to run")
        return
    flags = [name for name in points.columns if name.startswith("flag_")]
    same = [name for name in flags if len(points) > 1 and points[name].map(repr).nunique() == 1]
    shown = points[[name for name in points.columns if name not in same]]
    click.echo("\n" + grid(shown.rename(columns=lambda name: str(name).removeprefix("flag_"))))
    if same:
        words = ", ".join(f"{name.removeprefix('flag_')}={cell(points[name].iloc[0])}" for name in same)
        click.echo(f"\nThe same in all rows: {words}")
