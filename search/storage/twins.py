"""The trials of other machines in this search's Optuna study, so that its sampler and pruner know them."""

from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState, create_trial

from search.storage.heart import BEAT
from search.storage.marks import MARK, RELEASED

OURS = frozenset({MARK, BEAT, RELEASED, "fixed_params"})
"""System attributes that are none of a pruner's."""


def marks_of(trial: FrozenTrial) -> dict[str, Any]:
    """What a pruner has written down about a trial (the rungs of successive halving)."""
    return {name: value for name, value in trial.system_attrs.items() if name not in OURS}


class Twins:
    """The trials of a database as trials of the study in memory."""

    def __init__(self, engine: optuna.Study) -> None:
        """Know of none yet."""
        self._engine = engine
        self._numbers: dict[int, int] = {}

    def __contains__(self, trial_id: int) -> bool:
        return trial_id in self._numbers

    def own(self, trial_id: int, number: int) -> None:
        """Take a trial of the study for the twin of one in the database."""
        self._numbers[trial_id] = number

    def take_in(self, trial: FrozenTrial, curves: bool) -> None:
        """Make a trial's twin, or let it have what is new.

        Args:
            trial: The trial in the database.
            curves: Whether somebody compares intermediate values.
        """
        if trial._trial_id not in self._numbers:
            self.add(trial)
        elif trial.state.is_finished():
            self.tell(trial._trial_id, trial)
        elif curves:
            self._copy(self.twin(self._numbers[trial._trial_id]), trial)

    def add(self, trial: FrozenTrial) -> None:
        """Make a trial's twin."""
        self._engine.add_trial(
            create_trial(
                state=trial.state,
                values=trial.values,
                params=trial.params,
                distributions=trial.distributions,
                intermediate_values=trial.intermediate_values,
                system_attrs=marks_of(trial),
            )
        )
        self._numbers[trial._trial_id] = len(self._engine.get_trials(deepcopy=False)) - 1

    def tell(self, trial_id: int, ended: FrozenTrial | None) -> None:
        """Let a twin end as a trial has ended; None for one that was left by its machine."""
        number = self._numbers[trial_id]
        twin = self.twin(number)
        if twin.state.is_finished():
            return
        if ended is None or ended.state is TrialState.FAIL:
            self._engine.tell(number, state=TrialState.FAIL)
            return
        self._copy(twin, ended)
        if ended.state is TrialState.PRUNED:
            self._engine.tell(number, state=TrialState.PRUNED)
        else:
            self._engine.tell(number, ended.values)

    def twin(self, number: int) -> FrozenTrial:
        """A trial of the study in memory."""
        return self._engine.get_trials(deepcopy=False)[number]

    def _copy(self, twin: FrozenTrial, trial: FrozenTrial) -> None:
        storage = self._engine._storage
        for step, value in trial.intermediate_values.items():
            if step not in twin.intermediate_values:
                storage.set_trial_intermediate_value(twin._trial_id, step, value)
        for name, found in marks_of(trial).items():
            storage.set_trial_system_attr(twin._trial_id, name, found)
