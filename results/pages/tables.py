"""A small table of data as HTML: texts as text, numbers with five significant digits and all in a tooltip."""

from collections.abc import Iterator
from typing import Any

import pandas as pd

from results.pages.parts import text


def table(data: pd.DataFrame, caption: str) -> Iterator[str]:
    """The whole of a DataFrame, in its order.

    Args:
        data: Columns named in words joined by "_".
        caption: What it shows, in one line.
    """
    yield f'<div class="wide" tabindex="0" role="region" aria-label="{text(caption)}"><table>'
    yield f"<caption>{text(caption)}</caption><thead><tr>"
    yield "".join(f'<th scope="col">{text(name.replace("_", " "))}</th>' for name in data.columns)
    yield "</tr></thead><tbody>"
    for row in data.itertuples(index=False):
        yield f"<tr>{''.join(map(_cell, row))}</tr>"
    yield "</tbody></table></div>"


def _cell(value: Any) -> str:
    if value is pd.NA:
        return "<td>-</td>"
    if isinstance(value, float):
        return f'<td class="number" title="{float(value)!r}">{value:.5g}</td>'
    if isinstance(value, int):
        return f'<td class="number">{value}</td>'
    return f"<td><div>{text(value)}</div></td>"
