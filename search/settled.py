"""What a study's runs say of its points: which there are, which are settled, and what a sampler learns."""

from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean

import optuna
from optuna.trial import TrialState

from results.run import Run
from results.status import Status
from search.grid import GridSampler
from search.objective import settled_values
from search.parameters import TrialParams, distributions_of, to_trial_params
from search.past import Past, content, point_of, read_content
from search.study import Study
from spaces import Value


class Settled:
    """The points that runs have had, by their content."""

    def __init__(self, study: Study, past: Past, grid: GridSampler | None) -> None:
        """Know the past.

        Args:
            study: What is searched.
            past: What has been done.
            grid: The fixed plan, if there is one.
        """
        self._study, self._past, self._grid = study, past, grid
        self._times: dict[str, int] = {}  # how often each point has been run, where duplicates are allowed

    def key(self, point: Mapping[str, Value], key: str | None = None) -> str:
        """What a point is known by. Where duplicates are allowed, each time it is run is known by itself."""
        values = self._study.values(point)
        if not self._study.allow_duplicates:
            return content(values)
        first = content(values)
        repeat = read_content(key)[1] if key else self._times.get(first, 0)
        self._times[first] = max(repeat + 1, self._times.get(first, 0))
        return content(values, repeat)

    def keys(self, key: str) -> list[str]:
        """The contents of all runs of a point."""
        if self._study.allow_duplicates:
            return [key]
        values, _ = read_content(key)
        return [content(values, repeat) for repeat in range(self._study.repeats)]

    def finals(self, key: str) -> list[Run]:
        """The runs that settle a point."""
        return [self._past.finals[run] for run in self.keys(key) if run in self._past.finals]

    def ran_out_of_memory(self, key: str) -> bool:
        """Whether a run of a point did."""
        return not self._past.out_of_memory.isdisjoint(self.keys(key))

    def known(self) -> Iterator[tuple[int | None, str, TrialParams]]:
        """The points that runs have had: of a fixed plan in its order, of others the done ones first.

        As in `places`; the place is None without a fixed plan.
        """
        points: dict[str, dict[str, Value]] = {}
        for key in (*self._past.finals, *self._past.cut_off):
            point = point_of(key, self._study)
            if point is not None:
                points[self.key(point, key)] = point
        if self._grid is None:
            for key, point in points.items():
                yield None, key, to_trial_params(point, self._study.space)
            return
        for place, key, params in self.places(self._grid):
            if not points:
                return
            if points.pop(key, None) is not None:
                yield place, key, params

    def places(self, grid: GridSampler) -> Iterator[tuple[int, str, TrialParams]]:
        """The points of a fixed plan: place, content, and what stands for it in the Optuna study."""
        for place in range(self._study.points or 0):  # a grid's plan isn't open
            index, point = grid.place(place)
            yield place, content(self._study.values(point)), to_trial_params(point, self._study.space, index)

    def ended_trial(self, runs: Sequence[Run], params: TrialParams) -> optuna.trial.FrozenTrial:
        """What a sampler is told of a point: the one place where it learns from files."""
        study, name = self._study, self._study.metric.name
        curve = {epoch.step: epoch.metrics[name] for epoch in runs[0].epochs if name in epoch.metrics}
        told = [values for run in runs if (values := settled_values(run, study.metric, study.also))]
        state, found = (TrialState.COMPLETE, means(told)) if told else (TrialState.FAIL, None)
        if told and runs[-1].status is Status.PRUNED:
            # As Optuna's own `tell` does it: the value of a pruned trial is its last.
            state, found = TrialState.PRUNED, [curve[max(curve)]]
        return optuna.trial.create_trial(
            state=state,
            values=found,
            params=dict(params),
            distributions=distributions_of(params, study.space),
            intermediate_values={} if study.also else curve,
        )


def means(values: Sequence[tuple[float, ...]]) -> list[float]:
    """What a point is worth, of the values of its runs."""
    return [fmean(column) for column in zip(*values, strict=True)]
