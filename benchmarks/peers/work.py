"""What all peers do: train the chapter's network at the same points, on the same data, for the same epochs.

A peer is a program of its own, `python PEER.py WORK.json RESULT.json`; it reads a `Work` and writes how
each point came out. What it does between is what its documentation tells its users to do.
"""

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

Point = dict[str, Any]
SPACE: dict[str, list[Any]] = {
    **{f"nodes{i}": [64, 128, 256] for i in (1, 2, 3)},
    **{f"dropout{i}": [0.2, 0.3, 0.4] for i in (1, 2, 3)},
    "optimizer": ["rmsprop", "adam"],
    "lr_annealing": [0.1, 0.05],
}
"""The chapter's 2,916 networks."""


@dataclass(frozen=True)
class Work:
    """What is to be done.

    Attributes:
        points: The points, in the order of keras-tuner's RandomSearch with this seed.
        data: "mnist" (the file that MNIST_NPZ names) or "digits" (scikit-learn's).
        epochs: Epochs of each trial, all of them trained but for `patience`.
        batch_size: Images a step.
        steps_per_execution: Of `compile()`.
        seed: Of keras-tuner's search; a trial's own seed is that of its place among the points.
        patience: After how many epochs without gain a trial stops; None for none.
        pruner: Of gridruns; None for none.
    """

    points: Sequence[Point]
    data: str = "mnist"
    epochs: int = 5
    batch_size: int = 128
    steps_per_execution: int = 1
    seed: int = 1
    patience: int | None = None
    pruner: str | None = None


@dataclass(frozen=True)
class Found:
    """What a search came to.

    Attributes:
        losses: val_loss of each epoch, by the point's number.
        winner: The number of the point that the side itself calls the best.
    """

    losses: Mapping[int, Sequence[float]]
    winner: int


def read_work(file: str) -> Work:
    """Read a `Work` from JSON."""
    return Work(**json.loads(Path(file).read_text(encoding="utf-8")))


def load(data: str) -> tuple[Any, Any]:
    """Images, (n, pixels) of float32 in [0, 1], and labels, (n, 10), one-hot."""
    from keras.utils import to_categorical

    images, labels = read(data)
    return images, to_categorical(labels, 10)


def read(data: str) -> tuple[Any, Any]:
    """Images as `load` has them, and labels, (n,), in 0..9."""
    import numpy as np

    if data == "digits":
        from sklearn.datasets import load_digits

        images, labels = load_digits(return_X_y=True)
        return (images / 16).astype("float32"), labels
    with np.load(os.environ["MNIST_NPZ"], allow_pickle=False) as arrays:
        images, labels = arrays["x_train"], arrays["y_train"]
    return images.reshape(len(images), -1).astype("float32") / np.float32(255), labels


def build(point: Mapping[str, Any], pixels: int, work: Work) -> Any:
    """The compiled network of a point."""
    import keras
    from keras import layers

    model = keras.Sequential([keras.Input(shape=(pixels,))])
    for i in (1, 2, 3):
        model.add(layers.Dense(point[f"nodes{i}"], activation="relu"))
        model.add(layers.BatchNormalization())
        model.add(layers.Dropout(point[f"dropout{i}"]))
    model.add(layers.Dense(10, activation="softmax"))
    model.compile(
        optimizer=point["optimizer"],
        loss="categorical_crossentropy",
        metrics=["accuracy"],
        steps_per_execution=work.steps_per_execution,
    )
    return model


def callbacks(factor: float, work: Work) -> list[Any]:
    """What each training has: a learning rate that falls by `factor`, and an end where nothing is gained."""
    import keras

    plateau = keras.callbacks.ReduceLROnPlateau(factor=factor)
    early = [] if work.patience is None else [keras.callbacks.EarlyStopping(patience=work.patience)]
    return [plateau, *early]


def fit(model: Any, point: Mapping[str, Any], x: Any, y: Any, work: Work) -> list[float]:
    """Train; returns val_loss of each epoch."""
    history = model.fit(
        x, y, epochs=work.epochs, batch_size=work.batch_size, validation_split=0.2, verbose=0,
        callbacks=callbacks(point["lr_annealing"], work),
    )  # fmt: skip
    return [float(value) for value in history.history["val_loss"]]


def trial(number: int, work: Work, x: Any, y: Any) -> list[float]:
    """Build and train the network of a point by its number; returns val_loss of each epoch."""
    import keras

    keras.utils.set_random_seed(number)
    point = work.points[number]
    return fit(build(point, x.shape[1], work), point, x, y, work)


def main(search: Callable[[Work], Found]) -> None:
    """Run `search` and write what it found."""
    found = search(read_work(sys.argv[1]))
    Path(sys.argv[2]).write_text(json.dumps(asdict(found), sort_keys=True))
