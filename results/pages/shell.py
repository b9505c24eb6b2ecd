"""A whole page of one or several runs around its sections: head, contents, scripts; and its file."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from results.errors import ResultsError
from results.files import replace
from results.pages.parts import Section, text
from results.pages.style import CSS, POLICY


def document(title: str, heading: Iterable[str], sections: Sequence[Section], style: str = "") -> str:
    """The HTML of a page of runs that needs nothing but itself.

    Args:
        title: Plain text.
        heading: HTML that stands above the contents.
        sections: Shown in this order; without any the page has no contents.
        style: More CSS.
    """
    shown = [
        '<main id="main" tabindex="-1">',
        *(line for part in sections for line in _section(part)),
        "</main>",
    ]
    return frame(title, heading, sections, shown, f"{asset('runs.css')}{style}")


def frame(
    title: str, heading: Iterable[str], sections: Sequence[Section], main: Iterable[str], style: str = "",
    scripts: Iterable[str] = (), policy: str = POLICY,
) -> str:  # fmt: skip
    """A page around its element `main`.

    Args:
        title: Plain text.
        heading: HTML that stands above the contents.
        sections: What `main` shows, for the contents.
        main: HTML.
        style: More CSS.
        scripts: Names of files beside this module, to run when the page is there.
        policy: What a browser may load.
    """
    contents = "".join(f'<li><a href="#{part.id}">{text(part.heading)}</a></li>' for part in sections)
    drawn = any('class="figure"' in line for part in sections for line in part.lines)
    return "\n".join(
        [
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            f"<title>{text(title)}</title>",
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<style>{CSS}{asset('report.css')}{style}</style>\n</head>\n<body>",
            '<a class="skip" href="#main">Skip to the results</a>\n<header>',
            *heading,
            f'<nav aria-label="Contents"><ul>{contents}</ul></nav>\n</header>' if sections else "</header>",
            *main,
            *(f"<script>{asset(name)}</script>" for name in scripts),
            *(drawing() if drawn else []),
            "</body>\n</html>\n",
        ]
    )


def _section(part: Section) -> Iterable[str]:
    yield f'<section aria-labelledby="{part.id}"><h2 id="{part.id}">{text(part.heading)}</h2>'
    yield from part.lines
    yield "</section>"


def drawing() -> tuple[str, ...]:
    """The scripts that draw a page's figures."""
    from plotly.offline import get_plotlyjs

    # As text, which draw.js runs when the first figure is due: the page answers before that.
    plotly = f'<script type="text/plain" id="plotly">{get_plotlyjs()}</script>'
    return (f"<script>{asset('draw.js')}</script>", plotly)


def asset(name: str) -> str:
    """The text of a file beside this module."""
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


def write_page(path: str | os.PathLike[str], content: str) -> Path:
    """Put a page at `path`, at once.

    Raises:
        ResultsError: It can't be written.
    """
    path = Path(path)
    try:
        replace(path, content.encode())
    except OSError as error:
        raise ResultsError(f"can't write the page {str(path)!r}: {error.strerror}") from None
    return path
