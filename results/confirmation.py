"""What a confirmation found: the best points of a search, trained again with new seeds that they share.

A search picks the best of many noisy values, so the winner's own value is too good (selection bias, the
winner's curse). The confirmation's runs had no part in the choice: their means are fair. They are a study
of their own beside the search's, `<study>-confirm`.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from results.averages import flags_key, objective_of, points
from results.errors import ResultsError
from results.marks import confirmation_folder
from results.paired import LEVEL, against_first, probability_best
from results.runs import find_runs
from results.table import leaderboard
from results.wording import flag_columns, varying

P_SHOWN = 0.0001  # a smaller p-value is shown as less than this


@dataclass(frozen=True)
class Confirmation:
    """The points that were confirmed, the best mean first.

    Attributes:
        study: The search's directory.
        metric: What was confirmed, at each run's best epoch.
        goal: "min" or "max".
        seeds: The seeds that every point in the table was trained with.
        table: A row a point, as in `results.points`, and: `searched_<metric>`, the search's own best value;
            `probability_best` (bootstrap over paired seeds); `p_value` against the first (paired t-tests,
            Holm), NaN for the first.
        incomplete: How many points have no completed run with some of the seeds; they aren't in the table.
    """

    study: Path
    metric: str
    goal: str
    seeds: tuple[int, ...]
    table: pd.DataFrame
    incomplete: int

    @property
    def tied(self) -> list[int]:
        """The ranks of the points that can't be told from the first at the 95% level."""
        known = self.table[~(self.table["p_value"] < 1 - LEVEL)]
        return [int(rank) for rank in known["rank"] if rank > 1]

    def verdict(self) -> str:
        """Whether the first point is the best, in one sentence."""
        others = len(self.table) - 1
        if not others:
            return "there is no other point to compare the first with"
        if len(self.seeds) < 2:
            return "one seed can't tell the points apart: confirm with more --seeds"
        if not self.tied:
            return (
                f"the first is better than {_counted(others)} other{'s' * (others > 1)} (p < {1 - LEVEL:.2g})"
            )
        return (
            f"the first can't be told from {_listed(self.tied)} with {len(self.seeds)} seeds "
            f"(p >= {1 - LEVEL:.2g}): choose among them by other grounds, or confirm with more --seeds"
        )

    def bias(self) -> str | None:
        """How much too good the search's own value of its winner was, in one sentence."""
        searched = self.table[f"searched_{self.metric}"].to_numpy(dtype=float, na_value=np.nan)
        if np.isnan(searched).all():
            return None
        best = np.nanargmin(searched) if self.goal == "min" else np.nanargmax(searched)
        winner = self.table.iloc[int(best)]
        found, mean = winner[f"searched_{self.metric}"], winner[f"mean_{self.metric}"]
        return (
            f"the search's best {self.metric} was {found:.5g}; with new seeds that point has {mean:.5g} "
            f"({winner[f'low_{self.metric}']:.5g} to {winner[f'high_{self.metric}']:.5g})"
        )

    def sentences(self) -> list[str]:
        """All that there is to say, without full stops: the verdict, the bias, what is missing."""
        found = [self.verdict()]
        bias = self.bias()
        if bias is not None:
            found.append(bias)
        if self.incomplete:
            points = f"{self.incomplete} point{'s' * (self.incomplete > 1)}"
            found.append(f"{points} left out, without a completed run with each seed")
        return found

    def shown(self) -> pd.DataFrame:
        """The table to show: intervals as texts, and of the flags those that tell its points apart."""
        table, metric = self.table, self.metric
        columns: dict[str, Any] = {"rank": table["rank"], f"mean_{metric}": table[f"mean_{metric}"]}
        columns["95% interval"] = _intervals(table, metric)
        columns |= {"probability best": table["probability_best"], "p": table["p_value"].map(_p_words)}
        columns[f"search's {metric}"] = table[f"searched_{metric}"]
        for name in table.columns:
            if name.startswith("mean_eval_"):
                test = name.removeprefix("mean_")
                columns |= {name: table[name], f"95% interval of {test}": _intervals(table, test)}
        vary, _ = varying(table, flag_columns(table))
        columns |= {name.removeprefix("flag_"): table[name] for name in vary}
        return pd.DataFrame(columns)


def confirmation(study: str | Path) -> Confirmation:
    """Read what the confirmation of a study found.

    Args:
        study: The directory of the search; beside it is that of its confirmation, `<study>-confirm`.

    Raises:
        ResultsError: There is none, or none of its runs has completed.
    """
    folder = Path(study)
    beside = confirmation_folder(folder)
    if not beside.is_dir() or not find_runs(beside):
        raise ResultsError(
            f"study {folder.name!r} hasn't been confirmed: `gridruns confirm {folder.name}` does it"
        )
    objective = objective_of(beside)
    found = points(beside)
    planned = leaderboard(beside)
    seeds = sorted({int(seed) for seed in planned["seed"].dropna()})
    whole = found[found["seeds"].map(lambda row: set(seeds) <= set(row))].reset_index(drop=True)
    if whole.empty:
        raise ResultsError(f"no point of {str(beside)!r} has completed with all of its {len(seeds)} seeds")
    table = _table(whole, objective.metric, objective.goal, tuple(seeds))
    own = _searched(folder, objective.metric, objective.goal)
    table.insert(1, f"searched_{objective.metric}", flags_key(table).map(own).astype("Float64"))
    incomplete = flags_key(planned).nunique() - len(whole)
    return Confirmation(folder, objective.metric, objective.goal, tuple(seeds), table, incomplete)


def _intervals(table: pd.DataFrame, name: str) -> list[str]:
    ends = zip(table[f"low_{name}"], table[f"high_{name}"], strict=True)
    return [f"{low:.5g} to {high:.5g}" for low, high in ends]


def _table(found: pd.DataFrame, metric: str, goal: str, seeds: tuple[int, ...]) -> pd.DataFrame:
    """The points with what tells them apart, the best mean first."""
    values = np.array([[dict(zip(row["seeds"], row["values"], strict=True))[seed] for seed in seeds]
                       for _, row in found.iterrows()])  # fmt: skip
    table = found.assign(rank=range(1, len(found) + 1)).drop(columns="runs")
    place = list(table.columns).index(f"high_{metric}") + 1
    table.insert(place, "probability_best", probability_best(values, goal))
    table.insert(place + 1, "p_value", [np.nan, *against_first(values)])
    return table


def _searched(study: Path, metric: str, goal: str) -> dict[str, float]:
    """The best value that the search itself has seen at each point, by the key of its flags."""
    board = leaderboard(study, metric, goal)
    board = board[board["rank"].notna()]
    values = board.groupby(flags_key(board))[f"best_{metric}"].agg(goal)
    return {str(key): float(value) for key, value in values.items()}


def _p_words(p: float) -> str | None:
    """A p-value to read: a t-test of a few differences that are nearly equal gives any small number."""
    if math.isnan(p):
        return None
    return f"{p:.4g}" if p >= P_SHOWN else f"< {P_SHOWN}"


def _counted(others: int) -> str:
    return "the" if others == 1 else f"all {others}"


def _listed(ranks: list[int]) -> str:
    words = [f"number {rank}" for rank in ranks]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
