"""What the tests of the Keras hooks train, in a process of its own: python keras_program.py FOLDER.

Prints one JSON object: what the script itself got to see.
"""

import json
import sys
from pathlib import Path
from typing import Any

from results import layout
from results.errors import ResultsError
from results.files import write_json
from results.keras_hooks import install
from results.recorder import Recorder, recording

FOLDER = Path(sys.argv[1])
SEEN: dict[str, Any] = {}


def run(name: str, script: Any, **asked: Any) -> None:
    """Run one script in a run directory of its own, as a worker does, with what run.json asks for."""
    run_dir = FOLDER / name
    run_dir.mkdir()
    write_json(run_dir / layout.RUN, asked)
    recorder = Recorder(run_dir)
    undo = install(recorder)
    try:
        with recording(recorder):
            SEEN[name] = script()
    except (ZeroDivisionError, ResultsError) as error:
        SEEN[name] = f"raised {error}"
    finally:
        undo()
        recorder.close()


def data(rows: int = 40) -> Any:
    import numpy as np

    x = np.random.default_rng(0).normal(size=(rows, 3)).astype("float32")
    return x, x.sum(axis=1, keepdims=True)


def compiled(**how: Any) -> Any:
    import keras

    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile(**{"optimizer": "adam", "loss": "mse", "metrics": ["mae"], **how})
    return model


def first() -> Any:
    """Keras isn't imported before the hook, and comes through TensorFlow."""
    imported = "keras" in sys.modules
    import tensorflow as tf

    x, y = data(103)
    tf.keras.utils.set_random_seed(1)
    model = tf.keras.Sequential([tf.keras.layers.Input((3,)), tf.keras.layers.Dense(1)])
    model.compile(optimizer=tf.keras.optimizers.SGD(0.5), loss="mse", metrics=["mae"])
    plateau = tf.keras.callbacks.ReduceLROnPlateau(monitor="loss", patience=0, min_delta=1e9)
    history = model.fit(x, y, 10, 3, verbose=0, validation_split=0.3, callbacks=plateau)
    return {"imported": imported, "history": history.history}


def evaluations() -> Any:
    x, y = data()
    model = compiled()
    as_list = model.evaluate(x, y, verbose=0)
    as_dict = model.evaluate(x[:20], y[:20], verbose=0, return_dict=True)
    return {"list": as_list, "dict": as_dict}


def several_fits() -> Any:
    import tensorflow as tf

    x, y = data()
    model = compiled(loss="huber", optimizer="rmsprop")
    model.fit(x, y, epochs=2, verbose=0, batch_size=7)
    dataset = tf.data.Dataset.from_tensor_slices((x, y)).batch(8)
    model.fit(dataset, epochs=5, initial_epoch=2, verbose=0, validation_data=(x[:9], y[:9]))
    return None


def subclass() -> Any:
    import keras

    class Doubling(keras.Model):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.dense = keras.layers.Dense(1)

        def call(self, x: Any) -> Any:
            return 2 * self.dense(x)

        def fit(self, *args: Any, **kwargs: Any) -> Any:
            return super().fit(*args, **kwargs)

    x, y = data()
    model = Doubling()
    schedule = keras.optimizers.schedules.ExponentialDecay(0.25, 10, 0.9)
    model.compile(optimizer=keras.optimizers.SGD(schedule), loss=keras.losses.MeanSquaredError())
    stopper = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: setattr(model, "stop_training", True)
    )
    model.fit({"x": x}["x"], y, epochs=9, verbose=0, callbacks=[stopper])
    return None


def callback_list() -> Any:
    import keras

    x, y = data()
    model = compiled()
    callbacks = keras.callbacks.CallbackList([], add_history=True, model=model)
    before = list(callbacks.callbacks)
    model.fit(x, y, epochs=2, verbose=0, callbacks=callbacks)
    return {"untouched": callbacks.callbacks == before}


def interrupted() -> Any:
    import keras

    def fail(epoch: int, logs: Any) -> None:
        if epoch == 1:
            raise ZeroDivisionError("in a callback")

    x, y = data()
    compiled().fit(x, y, epochs=5, verbose=0, callbacks=[keras.callbacks.LambdaCallback(on_epoch_begin=fail)])


def wrong_call() -> Any:
    x, y = data()
    try:
        compiled().fit(x, y, bogus=1)
    except TypeError as error:
        return str(error)
    return None


def same_without_hooks() -> Any:
    """A training without hooks, after they have been taken off."""
    import keras

    x, y = data()
    history = compiled().fit(x, y, epochs=2, verbose=0).history
    return {"history": history, "hooked": "fit" in vars(keras.Model) or "evaluate" in vars(keras.Model)}


def with_hooks() -> Any:
    x, y = data()
    return {"history": compiled().fit(x, y, epochs=2, verbose=0).history}


if __name__ == "__main__":
    for scenario in (
        first, evaluations, several_fits, subclass, callback_list, interrupted, wrong_call, with_hooks,
    ):  # fmt: skip
        run(scenario.__name__, scenario)
    SEEN["same_without_hooks"] = same_without_hooks()
    print(json.dumps(SEEN))
