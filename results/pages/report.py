"""The report of a study: one HTML file that a browser shows without a network.

Beside the code of plotly.js it holds plain HTML and the figures as JSON; its content security policy
forbids a browser to fetch anything. Every text from a run or a script passes `parts.text` or plotly's JSON.
"""

import contextlib
import hashlib
import os
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path

from results.errors import ResultsError
from results.pages.board import FILTER, leaderboard
from results.pages.drawings import Section, sections
from results.pages.parts import summary, text
from results.pages.study import PathLike, StudyResults, latest_study, read_study
from results.pages.style import CSS, POLICY

FILE = "report.html"


def report(
    study_dir: PathLike | None = None,
    metric: str | None = None,
    goal: str | None = None,
    output: PathLike | None = None,
    runs_dir: PathLike = "runs",
) -> Path:
    """Write a study's report: what it is, its leaderboard and its figures, in one HTML file.

    Args:
        study_dir: The study's directory; by default that of the latest in `runs_dir`.
        metric: What runs are ranked by and drawn; by default the study's metric.
        goal: "min" or "max"; by default the study's, and for a loss "min".
        output: The file, replaced at once if it is there; by default report.html in the study's directory.
        runs_dir: Where the latest study is looked for.

    Returns:
        The file.

    Raises:
        ResultsError: There is no such study, no run logged the metric although others were logged, its goal
            isn't known, or the file can't be written.
    """
    folder = latest_study(runs_dir) if study_dir is None else Path(study_dir)
    content = page(read_study(folder, metric, goal))
    path = folder / FILE if output is None else Path(output)
    try:
        _replace(path, content)
    except OSError as error:
        raise ResultsError(f"can't write the report {str(path)!r}: {error.strerror}") from None
    return path


def page(study: StudyResults, *, live: bool = False) -> str:
    """The whole report as HTML.

    Args:
        study: What was read.
        live: Whether the page asks its server for changes (`results.live`).
    """
    parts = sections_of(study, thorough=not live)
    drawn = any('class="figure"' in line for part in parts for line in part.lines)
    title = f"{text(study.name)}: gridruns report"
    policy = f"{POLICY}; connect-src 'self'" if live else POLICY
    contents = "".join(f'<li><a href="#{part.id}">{text(part.heading)}</a></li>' for part in parts)
    return "\n".join(
        [
            f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{title}</title>',
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<style>{CSS}{_file('report.css')}</style>\n</head>\n<body>",
            '<a class="skip" href="#main">Skip to the results</a>',
            f"<header><h1>{text(study.name)}</h1>",
            *(['<p id="live" class="note" role="status">Live</p>'] if live else []),
            f'<nav aria-label="Contents"><ul>{contents}</ul></nav></header>' if contents else "</header>",
            main(study, parts),
            f"<script>{_file('table.js')}</script>" if parts else "",
            *(_drawing() if drawn else []),
            *([f"<script>{_file('live.js')}</script>"] if live else []),
            "</body>\n</html>\n",
        ]
    )


def sections_of(study: StudyResults, *, thorough: bool) -> list[Section]:
    """The leaderboard and what else there is data for."""
    if study.board.empty:
        return []
    board = Section("leaderboard", "Leaderboard", tuple(leaderboard(study)))
    return [board, *sections(study, thorough=thorough)]


def main(study: StudyResults, parts: Sequence[Section]) -> str:
    """The page without head and scripts: what a live page replaces, part by part.

    Each part has a digest of its content in `data-live`, the whole one of them all in `data-tag`.
    """
    tags = []
    lines = []
    for part in [Section("study", "", tuple(summary(study))), *parts]:
        content = "\n".join(part.lines)
        digest = hashlib.blake2b(content.encode(), digest_size=12).hexdigest()
        tags.append(digest)
        unit = f'<div id="{part.id}-part" data-live="{digest}">\n{content}\n</div>'
        if part.heading:
            tools = FILTER if part.id == "leaderboard" else ""
            heading = f'<h2 id="{part.id}">{text(part.heading)}</h2>'
            unit = f'<section aria-labelledby="{part.id}">{heading}\n{tools}{unit}</section>'
        lines.append(unit)
    tag = hashlib.blake2b("".join(tags).encode(), digest_size=12).hexdigest()
    return "\n".join([f'<main id="main" tabindex="-1" data-tag="{tag}">', *lines, "</main>"])


def _drawing() -> Iterable[str]:
    from plotly.offline import get_plotlyjs

    # As text, which draw.js runs when the first figure is due: the table answers before that.
    plotly = f'<script type="text/plain" id="plotly">{get_plotlyjs()}</script>'
    return [f"<script>{_file('draw.js')}</script>", plotly]


def _file(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


def _replace(path: Path, content: str) -> None:
    """Put `content` at `path`, at once."""
    temporary = path.parent / f".{path.name}.{os.getpid()}-{threading.get_ident()}.tmp"
    try:
        temporary.write_text(content, encoding="utf-8", newline="\n")
        os.replace(temporary, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()
