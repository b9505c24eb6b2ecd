"""Source code as HTML: highlighted by Pygments, and differences line by line."""

from collections.abc import Iterable, Iterator

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_for_filename
from pygments.lexers.special import TextLexer
from pygments.util import ClassNotFound

from results.pages.parts import text
from results.wording import printable

LIGHT, DARK = "friendly", "github-dark"


def highlighted(name: str, code: str) -> str:
    """Code in the colours of its language, which its file's name tells; plain where it doesn't."""
    try:
        lexer = get_lexer_for_filename(name, stripnl=False, ensurenl=False)
    except ClassNotFound:
        lexer = TextLexer(stripnl=False, ensurenl=False)
    lines = code.replace("\r\n", "\n").split("\n")
    visible = "\n".join("\t".join(map(printable, line.split("\t"))) for line in lines)
    found = highlight(visible, lexer, HtmlFormatter(nowrap=True))
    return f'<pre class="code" tabindex="0">{found}</pre>'


def style() -> str:
    """The colours of `highlighted`, light and dark."""
    light = HtmlFormatter(style=LIGHT).get_style_defs(".code")
    dark = HtmlFormatter(style=DARK).get_style_defs(".code")
    return f"{light}\n@media (prefers-color-scheme: dark) {{\n{dark}\n}}\n.code {{ background: none; }}\n"


def difference(lines: Iterable[str]) -> str:
    """A unified difference: what is gone and what is new by colour, and by the signs that it has."""
    return f'<pre class="code diff" tabindex="0">{"".join(_marked(lines))}</pre>'


def _marked(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        shown = "\t".join(map(text, line.rstrip("\n").split("\t")))
        kind = {"+": "ins", "-": "del"}.get(line[:1])
        yield (
            f"<{kind}>{shown}\n</{kind}>"
            if kind
            else f'<span class="hunk">{shown}\n</span>'
            if (line.startswith("@@"))
            else f"{shown}\n"
        )
