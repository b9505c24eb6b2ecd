"""Handwritten digits for the experiment scripts: MNIST, scikit-learn's small digits, or a CSV file.

Images come as flattened float32 in [0, 1], labels one-hot. The data sets never stand in
for one another: what can't be read is an error.
"""

import hashlib
import os
import warnings
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
from keras.datasets import mnist
from keras.utils import to_categorical
from numpy.typing import NDArray
from shared_arrays import shared
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

NAMES = ("mnist", "digits")
CLASSES = 10
DIGITS_TEST_IMAGES = 360
HELD_OUT = ("test", "holdout")
HELD_OUT_SHARES = 0.16, 0.04  # of a CSV file's images
SPLIT_SEED = 13
CODE = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:16]  # of what makes the arrays, as imported

Floats = NDArray[np.float32]


class Data(NamedTuple):
    """A training set and a test set.

    Attributes:
        x_train: Images, one a row, (n, pixels), each pixel in [0, 1].
        y_train: Labels, (n, 10), one-hot.
        x_test: Images of the test set, (m, pixels).
        y_test: Labels of the test set, (m, 10).
    """

    x_train: Floats
    y_train: Floats
    x_test: Floats
    y_test: Floats


def load(name: str, held_out: str = "test") -> Data:
    """Read the data set `name`.

    Args:
        name: "mnist": 60,000 and 10,000 images of 28x28, in the order of the file, from the file
            that the environment variable MNIST_NPZ names or else from Keras, which downloads it once.
            The arrays, 222 MB, are kept below Keras' folder and mapped from there, read-only;
            a changed file, or a changed copy of this script, has its own.
            "digits": 1,437 and 360 images of 8x8, from scikit-learn, shuffled by a fixed seed and
            split evenly by class. Shuffled because Keras's `validation_split` takes the last rows,
            so these must be like the others.
            A name that ends in ".csv": the images of that file, whose first line is
            label,pixel0,pixel1,... and whose pixels are in 0..255, shuffled by a fixed seed and split
            evenly by class: 80% to train, 16% test, 4% hold-out.
        held_out: Which images `x_test` holds: "test", or "holdout", of a CSV file only, the images to
            look at once, when everything has been chosen by the test images.

    Raises:
        ValueError: There is no data set of that name, it has no such images, or the CSV file is
            of another form.
        OSError: The file can't be read.
    """
    if name.endswith(".csv"):
        return _csv(name, held_out)
    if name not in NAMES:
        raise ValueError(f"data must be one of {', '.join(NAMES)} or a .csv file, but got {name!r}")
    if held_out != "test":
        raise ValueError(f"held_out must be test for the data set {name}, but got {held_out!r}")
    return _mnist() if name == "mnist" else _digits()


def shuffled(data: Data, seed: int) -> Data:
    """The same data with the training images in an order of their own, so that the last ones are like all."""
    order = np.random.default_rng(seed).permutation(len(data.x_train))
    return data._replace(x_train=data.x_train[order], y_train=data.y_train[order])


def _mnist() -> Data:
    file = os.environ.get("MNIST_NPZ")
    source = hashlib.sha256(Path(file).read_bytes()).hexdigest() if file else f"keras-{keras.__version__}"
    return Data(**shared(f"mnist-{CODE}-{source}", lambda: _scaled_mnist(file)._asdict()))


def _scaled_mnist(file: str | None) -> Data:
    if file:
        with np.load(file, allow_pickle=False) as arrays:
            train, test = (arrays["x_train"], arrays["y_train"]), (arrays["x_test"], arrays["y_test"])
    else:
        train, test = mnist.load_data()
    return Data(_images(train[0], 255), _labels(train[1]), _images(test[0], 255), _labels(test[1]))


def _digits() -> Data:
    images, labels = load_digits(return_X_y=True)
    x_train, x_test, y_train, y_test = train_test_split(
        images, labels, test_size=DIGITS_TEST_IMAGES, stratify=labels, random_state=SPLIT_SEED
    )
    return Data(_images(x_train, 16), _labels(y_train), _images(x_test, 16), _labels(y_test))


def _csv(file: str, held_out: str) -> Data:
    if held_out not in HELD_OUT:
        raise ValueError(f"held_out must be one of {', '.join(HELD_OUT)}, but got {held_out!r}")
    with open(file, encoding="utf-8") as lines:
        names = lines.readline().rstrip("\n").split(",")
        wanted = ["label", *(f"pixel{i}" for i in range(len(names) - 1))]
        if names != wanted or len(names) == 1:
            raise ValueError(f"{file} must begin with label,pixel0,pixel1,..., but begins with {names[:3]}")
        try:
            with warnings.catch_warnings(action="ignore"):  # that there are no images, an error below
                table = np.loadtxt(lines, delimiter=",", dtype=np.uint8, ndmin=2, comments=None)
        except ValueError as error:
            raise ValueError(f"{file} must hold whole numbers in 0..255: {error}") from None
    if len(table) and table.shape[1] != len(names):
        raise ValueError(
            f"each line of {file} must hold {len(names)} numbers, as many as the first names, "
            f"but got {table.shape[1]}"
        )
    labels = table[:, 0]
    if labels.max(initial=0) >= CLASSES:
        raise ValueError(f"the labels of {file} must be in 0..{CLASSES - 1}, but got {labels.max()}")
    test, holdout = HELD_OUT_SHARES
    try:
        train, rest = train_test_split(
            np.arange(len(table)), test_size=test + holdout, stratify=labels, random_state=SPLIT_SEED
        )
        parts = train_test_split(
            rest, test_size=holdout / (test + holdout), stratify=labels[rest], random_state=SPLIT_SEED
        )
    except ValueError as error:
        raise ValueError(f"{file} must hold enough images of each class for three parts: {error}") from None
    chosen = parts[HELD_OUT.index(held_out)]
    pixels = _images(table[:, 1:], 255)
    return Data(pixels[train], _labels(labels[train]), pixels[chosen], _labels(labels[chosen]))


def _images(pixels: NDArray[np.generic], white: int) -> Floats:
    """Flatten images whose pixels are in 0..`white` and scale them to [0, 1]."""
    scaled: Floats = pixels.reshape(len(pixels), -1).astype(np.float32) / np.float32(white)
    return scaled


def _labels(digits: NDArray[np.generic]) -> Floats:
    one_hot: Floats = to_categorical(digits, CLASSES).astype(np.float32)
    return one_hot
