"""What pages are made of: text that is only text, facts, a figure, a study's summary."""

import html
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from results.clock import timestamp
from results.pages.study import StudyResults
from results.wording import printable

_LINE = re.compile(r"\r\n|\n|\r")


@dataclass(frozen=True)
class Section:
    """A part of a page.

    Attributes:
        id: Its element's, and its place in the page's contents.
        heading: Plain text.
        lines: Its HTML.
    """

    id: str
    heading: str
    lines: tuple[str, ...]


def text(value: object) -> str:
    """Anything as HTML that shows it to the letter, in an element or an attribute."""
    return html.escape(printable(str(value)))


def block(value: str) -> str:
    """A text of several lines as HTML for a `<pre>`, with its line breaks and tabs."""
    lines = _LINE.split(value)
    return "\n".join("\t".join(map(text, line.split("\t"))) for line in lines)


def facts(known: Mapping[str, object]) -> Iterator[str]:
    """A list of names and values; without what is None.

    Args:
        known: By name; the names are plain text.
    """
    yield "<dl>"
    for name, fact in known.items():
        if fact is not None:
            yield f"<dt>{text(name)}</dt><dd>{text(fact)}</dd>"
    yield "</dl>"


def folded(summary: str, lines: Iterable[str], *, opened: bool = False) -> Iterator[str]:
    """Lines that show at a click on their summary, which is HTML."""
    yield f"<details{' open' if opened else ''}><summary>{summary}</summary>"
    yield from lines
    yield "</details>"


def drawn(name: str, figure: Any, note: str = "") -> tuple[str, ...]:
    """A plotly figure as an element and its JSON, for draw.js.

    Args:
        name: Tells it from the other figures of the page.
        figure: Of plotly.
        note: A line of plain text above it.
    """
    import plotly.io

    data = plotly.io.to_json(figure, engine="json")  # ASCII, with every <, > and / escaped
    height = f' style="height: {figure.layout.height}px"' if figure.layout.height else ""
    return (
        *([f'<p class="note">{text(note)}</p>'] if note else []),
        f'<div class="figure" data-name="{text(name)}"{height}></div>',
        f'<script type="application/json">{data}</script>',
    )


def summary(study: StudyResults) -> Iterator[str]:
    """What was searched and how far it has come; with a notice where there is no winner."""
    record, objective = study.record, study.objective
    counts = Counter(run.status.value for run in study.runs)
    stands = ", ".join(f"{count:,} {status}" for status, count in sorted(counts.items()))
    yield from facts(
        {
            "Script": _part(record, "script").get("shown", "unknown"),
            "Plan": _plan(record),
            "Metric": f"{objective.metric} ({objective.goal})" if objective else "unknown",
            "Seed": record.get("seed", "unknown"),
            "Created": record.get("created", "unknown"),
            "Runs": f"{len(study.runs):,}" + (f": {stands}" if stands else ""),
            "Report": timestamp(),
        }
    )
    if not study.runs:
        yield '<p class="notice">No run has started yet.</p>'
    elif not study.won:
        reason = f"with a finite {objective.metric}" if objective else "and logged a metric"
        yield f'<p class="notice">No run has completed {text(reason)}: there is no winner yet.</p>'


def _plan(record: Mapping[str, Any]) -> str:
    sampler = _part(record, "sampler")
    parts = [
        _planned(record),
        f"sample {record['sample']}" if record.get("sample") is not None else "",
        f"sampler {sampler['name']}" if "name" in sampler else "",
        f"{sampler['order']} order" if "order" in sampler else "",
    ]
    return ", ".join(filter(None, parts))


def _planned(record: Mapping[str, Any]) -> str:
    if "planned" not in record:
        return "unknown"
    return "as many trials as fit in max_time" if record["planned"] is None else f"{record['planned']} trials"


def _part(record: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = record.get(name)
    return part if isinstance(part, Mapping) else {}
