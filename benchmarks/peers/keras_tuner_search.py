"""keras-tuner's RandomSearch as its guide has it: a `build(hp)` function and `tuner.search`.

https://keras.io/keras_tuner/getting_started/
"""

import tempfile
from typing import Any

from work import SPACE, Found, Work, build, callbacks, load, main


def search(work: Work) -> Found:
    """Let RandomSearch draw and train."""
    import keras
    import keras_tuner

    x, y = load(work.data)
    found: dict[int, list[float]] = {}

    class Network(keras_tuner.HyperModel):  # type: ignore[misc]
        def build(self, hp: Any) -> Any:
            for name, values in SPACE.items():
                hp.Choice(name, values)
            keras.utils.set_random_seed(len(found))
            return build(hp.values, x.shape[1], work)

        def fit(self, hp: Any, model: Any, *arguments: Any, **named: Any) -> Any:
            named["callbacks"] += callbacks(hp.get("lr_annealing"), work)
            history = model.fit(*arguments, **named)
            number = len(found)
            assert hp.values == work.points[number], (hp.values, work.points[number])
            found[number] = [float(value) for value in history.history["val_loss"]]
            return history

    with tempfile.TemporaryDirectory() as folder:
        tuner = keras_tuner.RandomSearch(
            Network(), objective="val_loss", max_trials=len(work.points), seed=work.seed,
            directory=folder, project_name="search",
        )  # fmt: skip
        tuner.search(x, y, epochs=work.epochs, batch_size=work.batch_size, validation_split=0.2, verbose=0)
        best = tuner.oracle.get_best_trials(1)[0].hyperparameters.values
    return Found(found, work.points.index(best))


if __name__ == "__main__":
    main(search)
