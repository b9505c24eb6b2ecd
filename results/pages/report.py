"""The report of a study: one HTML file that a browser shows without a network.

Beside the code of plotly.js it holds plain HTML and the figures as JSON; its content security policy
forbids a browser to fetch anything. Every text from a run or a script passes `parts.text` or plotly's JSON.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from results import layout
from results.pages.board import FILTER, leaderboard
from results.pages.drawings import confirmed, sections
from results.pages.parts import Section, summary, text
from results.pages.shell import frame, write_page
from results.pages.study import PathLike, StudyResults, latest_study, read_study
from results.pages.style import POLICY


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
    return write_page(folder / layout.REPORT if output is None else output, content)


def page(study: StudyResults, *, live: bool = False) -> str:
    """The whole report as HTML.

    Args:
        study: What was read.
        live: Whether the page asks its server for changes (`results.live`).
    """
    parts = sections_of(study, thorough=not live)
    heading = [f"<h1>{text(study.name)}</h1>"]
    if live:
        heading.append('<p id="live" class="note" role="status">Live</p>')
    scripts = ["table.js"] * bool(parts) + ["live.js"] * live
    policy = f"{POLICY}; connect-src 'self'" if live else POLICY
    return frame(
        f"{study.name}: gridruns report", heading, parts, [main(study, parts)], scripts=scripts, policy=policy
    )


def sections_of(study: StudyResults, *, thorough: bool) -> list[Section]:
    """The leaderboard and what else there is data for."""
    if study.board.empty:
        return []
    board = Section("leaderboard", "Leaderboard", tuple(leaderboard(study)))
    return [*confirmed(study), board, *sections(study, thorough=thorough)]


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
