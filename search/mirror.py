"""A sampler of Optuna's as a proposer: it works on a study of its own, told of every trial of the real one.

In its own study a sampler meets numbers as numbers, every parameter in every trial where it needs that,
and the records that it keeps with a trial (the generations of CMA-ES, the counter of a
quasi-random sequence) even when the real study has been read back from disk.
"""

from collections.abc import Callable, Mapping
from copy import copy
from typing import Any

from optuna.distributions import FloatDistribution
from optuna.samplers import BaseSampler, RandomSampler
from optuna.storages import InMemoryStorage
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from search.proposing import Choices
from search.quiet import quiet_optuna
from search.views import View
from spaces import Value

NAME = "mirror"
PADDING = "no flag {}"


class Mirror:
    """A sampler with a study of its own.

    Args:
        make: The sampler for a trial, by the trial's number; a new one for each, or always the same.
        view: How it sees the space.
        rehearses: Whether its state is more than the trials and their values.
        complete: Whether it needs a value of every parameter in every trial; a parameter
            that doesn't apply then has its middle value. It draws all of them at once.
        least: The least number of parameters that it can work with; the rest are made up.
    """

    def __init__(
        self,
        make: Callable[[int], BaseSampler],
        view: View,
        *,
        rehearses: bool = False,
        complete: bool = True,
        least: int = 0,
    ) -> None:
        self.rehearses = rehearses
        self._make = make
        self._view = view
        self._complete = complete
        missing = range(max(0, least - len(view.codes)))
        self._padding = {PADDING.format(i): FloatDistribution(0, 1) for i in missing}
        self._distributions = view.distributions | self._padding
        self._storage = InMemoryStorage()
        self._study: Study | None = None
        self._ids: dict[int, int] = {}
        self._samplers: dict[int, BaseSampler] = {}
        self._current = -1

    def open(self, study: Study) -> None:
        """Make the sampler's study, with the directions of the real one."""
        if self._study is None:
            with quiet_optuna():
                self._storage.create_new_study(study.directions, NAME)
            self._study = _Endless(NAME, self._storage, RandomSampler())

    def begin(self, number: int) -> None:
        """Start a trial in the sampler's study."""
        study, sampler = self._opened(), self._make(number)
        # Its own sampler is asked for nothing; `ask` also forgets the list of trials that a study keeps.
        self._ids[number] = study.ask()._trial_id
        self._samplers[number] = sampler
        self._current = number
        sampler.before_trial(study, self._trial(number))

    def propose(self) -> Choices:
        """Ask the sampler for a value of every parameter."""
        study, sampler, trial = self._opened(), self._samplers[self._current], self._trial(self._current)
        if not self._distributions:
            return self._view.meant({})
        wanted = self._distributions
        relative = wanted if self._complete else sampler.infer_relative_search_space(study, trial)
        drawn = sampler.sample_relative(study, trial, relative)
        # What is drawn one by one may depend on what has been drawn, as where a script suggests.
        trial = copy(trial)
        trial.params, trial.distributions = {}, wanted
        for name, distribution in wanted.items():
            if name not in drawn:
                drawn[name] = sampler.sample_independent(study, trial, name, distribution)
            trial.params[name] = drawn[name]
        return self._view.meant(drawn)

    def settle(self, number: int, choices: Mapping[str, Value]) -> None:
        """Write down what the trial was given, be it what the sampler proposed or not."""
        known = {**self._view.middle, **choices} if self._complete else choices
        params: dict[str, Any] = self._view.shown(known) | dict.fromkeys(self._padding, 0.5)
        for name, value in params.items():
            distribution = self._distributions[name]
            carried = distribution.to_internal_repr(value)
            self._storage.set_trial_param(self._ids[number], name, carried, distribution)

    def finish(self, number: int, trial: FrozenTrial) -> None:
        """Write down how the trial ended, and let the sampler see it."""
        trial_id, values = self._ids[number], trial.values
        for step, value in trial.intermediate_values.items():
            self._storage.set_trial_intermediate_value(trial_id, step, value)
        state = trial.state if values is not None or trial.state is TrialState.PRUNED else TrialState.FAIL
        self._samplers.pop(number).after_trial(self._opened(), self._trial(number), state, values)
        self._storage.set_trial_state_values(trial_id, state, values)

    def _opened(self) -> Study:
        assert self._study is not None
        return self._study

    def _trial(self, number: int) -> FrozenTrial:
        return self._storage.get_trial(self._ids[number])


class _Endless(Study):
    """A study that no sampler ends: some call `stop` with the last point that they know of."""

    def stop(self) -> None:
        """Go on."""
