"""The command that compares runs: `compare`."""

import itertools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from search.cli import options

if TYPE_CHECKING:
    from results.compare import Comparison
    from results.sources import SourceDifference

DIFFERENCE = 40  # lines of a difference of source that a terminal shows


@click.command(
    epilog="\b\nExamples:\n  gridruns compare 2026-11-21T09-02-11.123456Z 2026-11-21T09-03-54.654321Z\n"
    "  gridruns compare runs/a/2026-11-21T09-02-11.123456Z runs/b/2026-11-21T09-03-54.654321Z --html"
)
@click.argument("runs", nargs=-1, required=True, metavar="RUN RUN [RUN...]")
@options.runs_dir
@options.ranking
@options.page
def compare(
    runs: tuple[str, ...],
    runs_dir: str,
    metric: str | None,
    goal: str | None,
    as_html: bool,
    output: str | None,
) -> None:
    """Compare RUNs, given by path or name: what differs first, then metrics and source.

    With --html it writes a page that has the curves too, by default compare.html beside the first run.
    """
    from results import compare_runs, view_comparison

    if options.wants_page(as_html, output, plain=False):
        click.echo(view_comparison(*runs, metric=metric, goal=goal, output=output, runs_dir=runs_dir))
        return
    found = compare_runs(*runs, metric=metric, goal=goal, runs_dir=runs_dir)
    click.echo("\n\n".join(text for text in _texts(found) if text))


def _texts(found: "Comparison") -> Iterator[str]:
    from results.pages.compare import shown

    names = list(found.runs)
    yield _aligned(
        [["", *names]],
        [
            ["", *(run.status.value for run in found.runs.values())],
            ["", *(run.path.as_posix() for run in found.runs.values())],
        ],
    )
    rows = [
        [*key, *shown(values)]
        for key, values in zip(found.differences.index, found.differences.to_numpy().tolist(), strict=True)
    ]
    yield _aligned([["what differs", "", *names]], rows) if rows else "Nothing differs but what is below."
    equal = [
        f"{name}={shown([value])[0]}"
        for (_, name), value in zip(found.equal.index, found.equal.iloc[:, 0].tolist(), strict=True)
    ]
    yield f"The same in all: {', '.join(map(_safe, equal))}" if equal else ""
    yield _aligned([["metrics", "", *names]], list(_metrics(found)))
    yield from map(_difference, found.sources)
    yield "The models differ; --html shows their summaries." if found.models else ""


def _metrics(found: "Comparison") -> Iterator[list[str]]:
    for at, name, values, best in found.ranked_metrics():
        yield [at, name, *(_number(value) + "*" * (run in best) for run, value in values.items())]


def _number(value: Any) -> str:
    return f"{value:.5g}" if isinstance(value, float) else "-"


def _difference(item: "SourceDifference") -> str:
    from results.wording import printable

    lines = [f"{item.file}: {item.first} (-) against {item.second} (+)", *item.lines[:DIFFERENCE]]
    left = len(item.lines) - DIFFERENCE
    more = [f"... {left:,} more lines; --html has all"] if left > 0 else []
    shown = ["\t".join(map(printable, line.split("\t"))) for line in lines]
    return "\n".join([*shown, *more])


def _aligned(head: Sequence[Sequence[str]], rows: Sequence[Sequence[str]]) -> str:
    """Columns of texts, none of which steers the terminal."""
    if not rows:
        return ""
    lines = [list(map(_safe, row)) for row in (*head, *rows)]
    widths = [max(map(len, column)) for column in itertools.zip_longest(*lines, fillvalue="")]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def _safe(text: str) -> str:
    return text if text.isprintable() else repr(text)
