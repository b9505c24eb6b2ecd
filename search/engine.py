"""The Optuna study within a search, and the sampler in it."""

import optuna

from search.quiet import quiet_optuna
from search.samplers import make_sampler
from search.study import Study


def study_sampler(study: Study) -> optuna.samplers.BaseSampler:
    """A new sampler for a study.

    Raises:
        SamplerError: It can't search the study's space.
    """
    return make_sampler(
        study.sampler,
        study.space,
        seed=study.seed,
        order=study.order,
        allow_duplicates=study.allow_duplicates,
    )


def new_engine(sampler: optuna.samplers.BaseSampler, study: Study) -> optuna.Study:
    """An in-memory Optuna study that logs nothing on the user's screen.

    Its name is a function of the seed, since Optuna's Hyperband deals trials out to its brackets by it.
    """
    pruner = optuna.pruners.NopPruner() if study.pruner is None else study.pruner.make()
    with quiet_optuna():
        return optuna.create_study(
            directions=[metric.direction for metric in (study.metric, *study.also)],
            sampler=sampler,
            pruner=pruner,
            study_name=f"gridruns-{study.seed}",
        )
