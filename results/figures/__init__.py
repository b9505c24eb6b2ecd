"""What a report draws: first plain data, as DataFrames, then plotly figures made of nothing else.

A data function takes a leaderboard (`results.leaderboard`), a figure function what a data function
returned. plotly loads with the first figure, Optuna with the first importances. plotly reads labels as a
little HTML, so every text that isn't ours passes `markup`; the tick labels of parallel coordinates alone
are plain text.
"""

from results.effects import effects
from results.figures.axes import dimension, parallel, parallel_figure
from results.figures.confusions import confusions_figure
from results.figures.ends import failures
from results.figures.epochs import TOP, curves, curves_figure
from results.figures.front import front, front_figure
from results.figures.importance import importances, importances_figure
from results.figures.pairs import pair_figure, pairs
from results.figures.trials import history, history_figure
from results.figures.values import effects_figure
from results.figures.workers import timeline, timeline_figure

__all__ = [
    "TOP",
    "confusions_figure",
    "curves",
    "curves_figure",
    "dimension",
    "effects",
    "effects_figure",
    "failures",
    "front",
    "front_figure",
    "history",
    "history_figure",
    "importances",
    "importances_figure",
    "pair_figure",
    "pairs",
    "parallel",
    "parallel_figure",
    "timeline",
    "timeline_figure",
]
