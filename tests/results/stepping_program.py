"""What the tests of several steps a call train, in a process of its own: python stepping_program.py FOLDER.

Prints one JSON object: what the script itself got to see.
"""

import json
from typing import Any

from keras_program import FOLDER, SEEN, compiled, data, run

from results.stepping import looks_at_batches, stepping


def rows_of(*arrays: Any) -> Any:
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices(arrays)


def endless() -> Any:
    """Batches of eight rows without an end."""
    return rows_of(*data()).batch(8).repeat()


def some() -> Any:
    """Batches of which Keras doesn't know how many there are."""
    return rows_of(*data()).filter(lambda x, y: True).batch(8)


def step_counts() -> Any:
    """Models compiled with one step, with some, and used before they are fitted."""
    x, y = data(100)
    plain, own, used = compiled(), compiled(steps_per_execution=3), compiled()
    used.train_on_batch(x[:10], y[:10])
    used.predict(x, verbose=0)
    for model in (own, used, plain):
        model.fit(x, y, epochs=2, batch_size=10, verbose=0, validation_split=0.25)
    predicted = used.predict(x, batch_size=10, verbose=0)
    return {
        "history": [model.history.history for model in (plain, own, used)],
        "evaluated": [plain.evaluate(x, y, verbose=0), used.evaluate(x, y, verbose=0)],
        "predicted": [len(predicted), float(predicted.sum())],
        "counts": [model.steps_per_execution for model in (plain, own, used)],
        "saved": plain.get_compile_config()["steps_per_execution"],
    }


def a_part_at_the_end() -> Any:
    """Ten steps of training an epoch, which four don't divide: the weights for each kind of data."""
    import keras

    x, y = data(78)

    class Rows(keras.utils.PyDataset):  # type: ignore[misc]
        num_batches = 10

        def __getitem__(self, index: int) -> Any:
            return x[index * 8 : index * 8 + 8], y[index * 8 : index * 8 + 8]

    weights = []
    for given in ({"x": x, "y": y, "batch_size": 8}, {"x": rows_of(x, y).batch(8)}, {"x": Rows()}):
        model = compiled()  # seeds
        model.fit(**given, epochs=3, shuffle="y" in given, verbose=0)
        assert int(model.optimizer.iterations) == 30
        weights.append([variable.numpy().tolist() for variable in model.weights])
    return weights


def steps_of_all_batches() -> Any:
    """Ten steps or more that are asked for of data that have ten: losses, weights, ends of a PyDataset."""
    import keras

    x, y = data(78)
    ends = []

    class Rows(keras.utils.PyDataset):  # type: ignore[misc]
        num_batches = 10

        def __getitem__(self, index: int) -> Any:
            return x[index * 8 : index * 8 + 8], y[index * 8 : index * 8 + 8]

        def on_epoch_end(self) -> None:
            ends.append("end")

    arrays, split = {"x": x, "y": y}, {"x": data(104)[0], "y": data(104)[1], "validation_split": 0.25}
    ten = {"steps_per_epoch": 10}
    found = []
    for given in (
        {**arrays, "batch_size": 8, **ten},
        {**arrays, **ten},  # Keras finds the batch size
        {**arrays, "batch_size": 8, "steps_per_epoch": 11},
        {"x": rows_of(x, y).batch(8), **ten},
        {"x": Rows(), **ten},
        {**split, "batch_size": 8, **ten},
        {**split, "batch_size": 8, **ten, "validation_batch_size": 9, "validation_steps": 3},
        {**arrays, "validation_data": (x, y), "validation_batch_size": 8, "validation_steps": 10},
    ):
        model = compiled()  # seeds
        asked = model.fit(**given, epochs=3, shuffle="y" in given, verbose=0).history
        keras.config.set_max_steps_per_epoch(10)
        try:
            capped = model.fit(x, y, batch_size=8, verbose=0).history
        finally:
            keras.config.set_max_steps_per_epoch(None)
        scores = [model.evaluate(x, y, batch_size=8, steps=steps, verbose=0) for steps in (10, 11)]
        weights = [variable.numpy().tolist() for variable in model.weights]
        found.append([asked, capped, scores, weights, int(model.optimizer.iterations)])
    return found, ends


def predictions() -> Any:
    """How many rows `predict()` takes of data without an end, and how many it is shown in a batch."""
    import keras

    seen: list[Any] = []

    class Watching(keras.callbacks.Callback):  # type: ignore[misc]
        def on_predict_batch_end(self, batch: int, logs: Any = None) -> None:
            seen.append([batch, len(logs["outputs"])])

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            seen.append(len(self.model.predict(endless(), steps=1, verbose=0)))

    model = compiled()
    model.fit(endless(), steps_per_epoch=8, epochs=2, verbose=0, callbacks=[Watching()])
    rows = len(model.predict(endless(), steps=3, verbose=0, callbacks=[Watching()]))
    on_batch = len(model.predict_on_batch(data()[0]))
    return {
        "rows": rows,
        "seen": seen,
        "on_batch": [on_batch, len(model.predict(endless(), steps=3, verbose=0))],
        "after": model.steps_per_execution,
        "fitted": int(model.optimizer.iterations),
    }


def steps_of_an_epoch() -> Any:
    compiled().fit(endless(), epochs=1, steps_per_epoch=8, verbose=0)
    compiled().fit(endless(), epochs=1, steps_per_epoch=10, verbose=0)


def steps_of_a_part_of_the_data() -> Any:
    compiled().fit(*data(88), batch_size=8, steps_per_epoch=10, verbose=0)


def steps_of_the_validation() -> Any:
    x, y = data()
    compiled().fit(x, y, validation_steps=3, verbose=0)  # there is none
    compiled().fit(x, y, validation_split=0.5, validation_steps=4, verbose=0)
    compiled().fit(x, y, validation_data=endless(), validation_steps=3, verbose=0)


def steps_of_an_evaluation() -> Any:
    compiled().evaluate(endless(), steps=8, verbose=0)
    compiled().evaluate(endless(), steps=3, verbose=0)


def steps_that_keras_caps() -> Any:
    import keras

    keras.config.set_max_steps_per_epoch(10)
    try:
        compiled().fit(endless(), epochs=1, steps_per_epoch=8, verbose=0)
        compiled().fit(endless(), epochs=1, steps_per_epoch=12, verbose=0)
    finally:
        keras.config.set_max_steps_per_epoch(None)


def data_of_unknown_length() -> Any:
    compiled().fit(some(), steps_per_epoch=4, verbose=0)
    compiled().fit(some(), verbose=0)


def validation_of_unknown_length() -> Any:
    compiled().fit(*data(), validation_data=some(), validation_steps=4, verbose=0)
    compiled().fit(*data(), validation_data=some(), verbose=0)


def generator() -> Any:
    compiled().evaluate((batch for batch in [data()]), verbose=0)


def callback_of_batches() -> Any:
    import keras

    class Watching(keras.callbacks.Callback):  # type: ignore[misc]
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None: ...

    x, y = data()
    compiled(steps_per_execution=4).fit(x, y, verbose=0, callbacks=[Watching()])  # its own affair
    compiled().fit(x, y, verbose=0, callbacks=[[Watching()]])


def callback_of_test_batches() -> Any:
    import keras

    class Watching(keras.callbacks.Callback):  # type: ignore[misc]
        def on_test_batch_begin(self, batch: int, logs: Any = None) -> None: ...

    x, y = data()
    compiled().evaluate(x, y, verbose=0, callbacks=[Watching()])


def compiled_again() -> Any:
    """The second time with steps of the script's own, which allow what ours don't; then loaded, as saved."""
    import keras

    model = compiled()
    model.fit(endless(), steps_per_epoch=8, verbose=0)
    model.compile("adam", "mse", steps_per_execution=3)
    model.fit(endless(), steps_per_epoch=9, verbose=0)
    own = [model.steps_per_execution, len(model.predict(endless(), steps=3, verbose=0))]
    path = FOLDER / "saved.keras"
    model.save(path)
    return [*own, keras.saving.load_model(path).steps_per_execution]


def evaluated_only() -> Any:
    x, y = data()
    model = compiled()
    model.train_on_batch(x, y)
    model.evaluate(x, y, verbose=0)
    return model.steps_per_execution


def another_backend() -> Any:
    import keras

    before = keras.config.backend
    keras.config.backend = lambda: "torch"
    try:
        compiled().fit(*data(), verbose=0)
    finally:
        keras.config.backend = before


def which_look_at_batches() -> Any:
    import keras

    c = keras.callbacks
    folder = str(FOLDER / "unused")

    class Checkpoint(c.ModelCheckpoint):  # type: ignore[misc]
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None: ...

    class Often(Checkpoint):
        def _should_save_on_batch(self, batch: int) -> bool:
            return True

    class Board(c.TensorBoard):  # type: ignore[misc]
        pass

    class Log(c.History):  # type: ignore[misc]
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None: ...

    class Bar(c.ProgbarLogger):  # type: ignore[misc]
        pass

    class BarOfMine(c.ProgbarLogger):  # type: ignore[misc]
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None: ...

    class OrbaxCheckpoint(c.Callback):  # type: ignore[misc]
        """A namesake."""

    class Duck:
        """No callback of Keras', and without what Keras doesn't call."""

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None: ...

    of_epochs = [
        c.EarlyStopping(), c.ReduceLROnPlateau(), c.CSVLogger(folder), c.LambdaCallback(on_epoch_end=print),
        c.ModelCheckpoint(folder + ".keras"), c.BackupAndRestore(folder), c.TensorBoard(folder), c.History(),
        c.LearningRateScheduler(lambda epoch: 0.1), c.ProgbarLogger(), Checkpoint(folder + ".keras"),
        Board(folder), Log(), Bar(), OrbaxCheckpoint(), Duck(),
    ]  # fmt: skip
    of_batches = [
        c.TerminateOnNaN(), c.LambdaCallback(on_train_batch_end=print), c.LambdaCallback(on_batch_end=print),
        c.ModelCheckpoint(folder + ".keras", save_freq=5), c.TensorBoard(folder, update_freq="batch"),
        c.TensorBoard(folder, update_freq=7), c.TensorBoard(folder, write_steps_per_second=True),
        c.TensorBoard(folder, profile_batch=2), Checkpoint(folder + ".keras", save_freq=5),
        Often(folder + ".keras"), Board(folder, update_freq=7), BarOfMine(),
    ]  # fmt: skip
    return [
        [type(callback).__name__ for callback in kind if looks_at_batches(callback, c) is not expected]
        for kind, expected in ((of_epochs, False), (of_batches, True))
    ]


if __name__ == "__main__":
    for scenario in (step_counts, a_part_at_the_end, steps_of_all_batches, predictions):
        for steps in (1, 4):
            run(f"{scenario.__name__} {steps}", scenario, **stepping(steps))
    for scenario in (
        steps_of_an_epoch, steps_of_a_part_of_the_data, steps_of_the_validation, steps_of_an_evaluation,
        steps_that_keras_caps, data_of_unknown_length, validation_of_unknown_length, generator,
        callback_of_batches, callback_of_test_batches, compiled_again, evaluated_only, another_backend,
        which_look_at_batches,
    ):  # fmt: skip
        run(scenario.__name__, scenario, **stepping(4))
    print(json.dumps(SEEN))
