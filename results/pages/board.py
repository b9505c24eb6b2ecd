"""The leaderboard of a study as a table that sorts and filters in the browser (table.js)."""

from collections.abc import Iterator
from typing import Any

import pandas as pd

from results.pages.parts import text
from results.pages.study import StudyResults
from results.ranking import objectives_of
from results.wording import flag_columns, labels, missing, varying

WIDE = 30  # a longer text gets a box of its own, which folds it
FILTER = """<div class="tools"><label>Filter
<input id="filter" type="search" placeholder="adam status=completed lr&lt;=0.01" autocomplete="off"
aria-describedby="filter-help"></label>
<output for="filter"></output></div>
<details><summary>How to filter and sort</summary><p id="filter-help" class="note">Rows that fit
all words are shown. A word is a piece of text in any column, or a column, one of
= != &lt; &lt;= &gt; &gt;= and a value, without spaces. A click, or Enter, on a column's name sorts by it, and
the other way round the next time; cells without a value come last.</p></details>"""


def leaderboard(study: StudyResults) -> Iterator[str]:
    """All runs as a table, the best first, and above it what is the same in all of them."""
    board = study.board
    metrics = [name for name in _metric_columns(study) if not board[name].isna().all()]
    vary, same = varying(board, ["status", *flag_columns(board)])
    flags = [name for name in vary if name != "status"]
    first = ["rank"] * study.ranked + ["pareto"] * ("pareto" in board) + ["status"] * ("status" in vary)
    said = [name for name in ("tags", "note") if not board[name].isna().all()]
    columns = [*first, *metrics, *flags, *said]
    cells = [_cells(board[name]) for name in columns] + [
        [f"<td>{text(path.rsplit('/', 1)[-1])}</td>" for path in board["run_dir"]]
    ]
    if same:
        shared = (f"<b>{_heading(name)}</b> {text(labels(board[name])[0])}" for name in same)
        yield f'<p class="same">The same in all rows: {", ".join(shared)}</p>'
    yield '<div class="wide" tabindex="0" role="region" aria-label="Leaderboard">'
    yield '<table id="leaderboard-table" class="sortable" data-filter="filter">\n<thead><tr>'
    yield "".join(
        f'<th scope="col" title="{text(name)}" aria-sort="{"ascending" if name == "rank" else "none"}">'
        f'<button type="button">{_heading(name)}</button></th>'
        for name in [*columns, "run"]
    )
    yield "</tr></thead>\n<tbody>"
    yield from (f"<tr>{''.join(row)}</tr>" for row in zip(*cells, strict=True))
    yield "</tbody></table></div>"


def _metric_columns(study: StudyResults) -> list[str]:
    """The metric, its epoch, the other metrics (of validation, where there are such), the evaluation."""
    first = [f"best_{study.objective.metric}"] if study.objective else []
    also = [f"best_{objective.metric}" for objective in objectives_of(study.record)[1:]]
    names = [str(name) for name in study.board.columns]
    best = [name for name in names if name.startswith("best_") and name not in ("best_epoch", *first)]
    validation = [name for name in best if name.startswith("best_val_")]
    evaluation = [name for name in names if name.startswith("eval_")]
    confirmed = [name for name in names if name.startswith("confirmed_")]
    wanted = dict.fromkeys([*first, *confirmed, "best_epoch", *also, *(validation or best), *evaluation])
    return [name for name in wanted if name in names]


def _cells(column: "pd.Series[Any]") -> list[str]:
    """Metrics with five significant digits and all of them in a tooltip, texts and flags as they are.

    A flag that a run doesn't have, or that doesn't apply to it, has an empty cell.
    """
    if str(column.name).startswith(("flag_", "tags", "note")):
        texts = ["" if gap else label for gap, label in zip(missing(column), labels(column), strict=True)]
        return [
            f"<td><div>{text(label)}</div></td>" if len(label) > WIDE else f"<td>{text(label)}</td>"
            for label in texts
        ]
    return [
        "<td>-</td>" if value is pd.NA
        else f'<td title="{value!r}">{value:.5g}</td>' if isinstance(value, float)
        else f"<td>{text(value)}</td>"
        for value in column.tolist()
    ]  # fmt: skip


def _heading(column: str) -> str:
    return text(column.removeprefix("flag_"))
