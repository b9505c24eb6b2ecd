"""Optuna as its tutorial has it: `study.optimize` around a function that trains a model.

https://optuna.readthedocs.io/en/stable/tutorial/: the points are those of the others, given by
`enqueue_trial`, so the sampler has nothing to draw.
"""

from typing import Any

from work import SPACE, Found, Work, load, main, trial


def search(work: Work) -> Found:
    """Optimize one trial after another."""
    import keras
    import optuna

    x, y = load(work.data)
    found: dict[int, list[float]] = {}

    def objective(one: Any) -> float:
        keras.backend.clear_session()
        point = {name: one.suggest_categorical(name, values) for name, values in SPACE.items()}
        assert point == work.points[one.number]
        found[one.number] = trial(one.number, work, x, y)
        return min(found[one.number])

    study = optuna.create_study()
    for point in work.points:
        study.enqueue_trial(point)
    study.optimize(objective, n_trials=len(work.points))
    return Found(found, study.best_trial.number)


if __name__ == "__main__":
    main(search)
