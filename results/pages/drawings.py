"""The figures and small tables of a study's report, each a section that there is data for."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from results import figures
from results.errors import ResultsError
from results.levels import comparable
from results.pages.parts import Section, drawn, text
from results.pages.study import StudyResults
from results.pages.tables import table
from results.ranking import Objective, objectives_of
from results.wording import flag_columns, gaps, varying

FANOVA_RUNS = 200  # the most ranked runs for which a page takes the seconds that fANOVA needs
PAIRED = 6  # flags whose pairs are shown, the whose values' means lie furthest apart


def sections(study: StudyResults, *, thorough: bool = True) -> Iterator[Section]:
    """Every figure and table that there is data for.

    Args:
        study: What was read.
        thorough: Whether to take the seconds that fANOVA needs.
    """
    board, objective = study.board, study.objective
    if board.empty:
        return
    yield from _front(study)
    if objective is not None:
        yield from _history(board, objective)
        effects = figures.effects(board, objective)
        if len(effects):
            yield _effects(board, objective, effects)
        yield from _importances(board, objective, thorough)
        yield from _pairs(board, objective, effects)
        yield from _parallel(board, objective)
        curves = figures.curves(study.runs, board, objective)
        if np.isfinite(curves["value"]).any():
            note = (
                f"The best {figures.TOP} in colours, the others in grey. A value that isn't finite is a gap."
            )
            lines = drawn("curves", figures.curves_figure(curves, objective), note)
            yield Section("curves", "Learning curves", lines)
    timeline = figures.timeline(board)
    if len(timeline):
        note = "A run takes the first lane that is free at its start; a run without an end reaches to now."
        yield Section("timeline", "Timeline", drawn("timeline", figures.timeline_figure(timeline), note))
    failures = figures.failures(board)
    if len(failures):
        rows = table(failures, "The runs that ended without a result.")
        yield Section("failures", "Failures", tuple(rows))


def confirmed(study: StudyResults) -> Iterator[Section]:
    """What a confirmation found, where there is one."""
    found = study.confirmation
    if found is not None:
        said = (f'<p class="notice">{text(one[0].upper() + one[1:])}.</p>' for one in found.sentences())
        caption = f"The best points of the search, trained again with {len(found.seeds)} common seeds."
        lines = (*said, *table(found.shown(), caption))
        yield Section("confirmation", "Confirmation", lines)


def _front(study: StudyResults) -> Iterator[Section]:
    objectives = objectives_of(study.record)
    if "pareto" not in study.board or study.objective != objectives[0]:
        return
    data = figures.front(study.board, objectives)
    if len(data):
        count = int(study.board["pareto"].fillna(False).sum())
        note = "The front: completed runs that no other beats in all metrics, at the best epoch of the first."
        heading = f"The Pareto front: {count:,} of {len(study.board):,} runs"
        yield Section("front", heading, drawn("front", figures.front_figure(data, objectives), note))


def _history(board: pd.DataFrame, objective: Objective) -> Iterator[Section]:
    history = figures.history(board, objective)
    if history["value"].notna().any():
        left_out = len(board) - int(history["value"].notna().sum())
        note = f"Not shown: {left_out:,} runs without a number or a finite {objective.metric}."
        figure = figures.history_figure(history, objective)
        yield Section("history", "Optimization history", drawn("history", figure, note if left_out else ""))


def _effects(board: pd.DataFrame, objective: Objective, data: pd.DataFrame) -> Section:
    note = (
        "Boxes: the metric of the ranked runs with each value (quartiles, all of the range). Diamonds: the "
        "mean of all runs plus the value's effect with the other flags held equal, by an additive model, "
        "with its 95% interval; where flags can't be told apart there is none."
    )
    ranked = board[board["rank"].notna()]
    note += gaps(ranked, dict.fromkeys(data["flag"]))
    lines = drawn("effects", figures.effects_figure(data, objective), note)
    _, reasons = comparable(ranked, varying(ranked, flag_columns(ranked))[0])
    rows = table(data, "The metric by value, and the adjusted effect with its 95% interval.")
    left_out = (f'<p class="note">Left out: {text(reason)}.</p>' for reason in reasons)
    details = ("<details><summary>As a table</summary>", *rows, "</details>")
    return Section("effects", "Effects of the flags", (*lines, *left_out, *details))


def _importances(board: pd.DataFrame, objective: Objective, thorough: bool) -> Iterator[Section]:
    ranked = int(board["rank"].notna().sum())
    if not ranked:
        return
    flags = [name.removeprefix("flag_") for name in flag_columns(board)]
    lines: list[str] = []
    try:
        data = figures.importances(board, objective)
        note = "The shares of flags in the metric's variation: mean decrease in impurity of a random forest."
        note += gaps(board[board["rank"].notna()], flags)
        lines += drawn("mean-decrease", figures.importances_figure(data), note)
        if thorough and ranked <= FANOVA_RUNS:
            data = figures.importances(board, objective, "fanova")
            lines += drawn("fanova", figures.importances_figure(data), "The same by fANOVA, each flag alone.")
    except ResultsError as error:
        lines.append(f'<p class="note">Not computed: {text(error)}.</p>')
    yield Section("importances", "Importances", tuple(lines))


def _pairs(board: pd.DataFrame, objective: Objective, effects: pd.DataFrame) -> Iterator[Section]:
    flags = _widest(effects)
    if len(flags) < 2:
        return
    cells = figures.pairs(board, objective, flags[:PAIRED])
    known = list(dict.fromkeys(zip(cells["first"], cells["second"], strict=True)))
    lines = [f'<p class="note">The mean {text(objective.metric)} of the ranked runs with both values.']
    lines.append(text(gaps(board[board["rank"].notna()], flags[:PAIRED])))
    if len(flags) > PAIRED:
        lines.append(f"Of {len(flags)} flags the {PAIRED} whose values' means differ most.")
    lines.append('</p><div class="tools"><label>Pair <select class="choice">')
    lines += [
        f'<option value="{place}">{text(first)} and {text(second)}</option>'
        for place, (first, second) in enumerate(known)
    ]
    lines.append("</select></label></div>")
    for place, (first, second) in enumerate(known):
        lines.append(f'<div class="part"{" hidden" * (place > 0)}>')
        figure = figures.pair_figure(cells, objective, first, second)
        lines += (*drawn(f"pair {first} {second}", figure), "</div>")
    yield Section("pairs", "Pairs of flags", tuple(lines))


def _widest(data: pd.DataFrame) -> list[str]:
    """The flags, those whose values' means lie furthest apart first."""
    means = data.groupby("flag", sort=False)["mean"]
    apart = (means.max() - means.min()).sort_values(ascending=False, kind="stable")
    return [str(flag) for flag in apart.index]


def _parallel(board: pd.DataFrame, objective: Objective) -> Iterator[Section]:
    parallel = figures.parallel(board, objective)
    if len(parallel) and flag_columns(parallel):
        figure = figures.parallel_figure(parallel, objective)
        note = "The runs with a rank. Drag along an axis to select runs, drag its name to move it."
        note += gaps(parallel, [name.removeprefix("flag_") for name in flag_columns(parallel)])
        yield Section("flags", "Flags and the metric", drawn("flags", figure, note))
