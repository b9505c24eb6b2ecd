"""Handwritten digits for the experiment scripts: MNIST, or scikit-learn's small digits.

Images come as flattened float32 in [0, 1], labels one-hot. The two data sets never stand in
for one another: what can't be read is an error.
"""

import os
from typing import NamedTuple

import numpy as np
from keras.datasets import mnist
from keras.utils import to_categorical
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

NAMES = ("mnist", "digits")
CLASSES = 10
DIGITS_TEST_IMAGES = 360
DIGITS_SPLIT_SEED = 13

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


def load(name: str) -> Data:
    """Read the data set `name`.

    Args:
        name: "mnist": 60,000 and 10,000 images of 28x28, in the order of the file, from the file
            that the environment variable MNIST_NPZ names or else from Keras, which downloads it once.
            "digits": 1,437 and 360 images of 8x8, from scikit-learn, shuffled by a fixed seed and
            split evenly by class. Shuffled because Keras's `validation_split` takes the last rows,
            so these must be like the others.

    Raises:
        ValueError: There is no data set of that name.
        OSError: The file can't be read.
    """
    if name == "mnist":
        return _mnist()
    if name == "digits":
        return _digits()
    raise ValueError(f"data must be one of {', '.join(NAMES)}, but got {name!r}")


def _mnist() -> Data:
    file = os.environ.get("MNIST_NPZ")
    if file:
        with np.load(file, allow_pickle=False) as arrays:
            train, test = (arrays["x_train"], arrays["y_train"]), (arrays["x_test"], arrays["y_test"])
    else:
        train, test = mnist.load_data()
    return Data(_images(train[0], 255), _labels(train[1]), _images(test[0], 255), _labels(test[1]))


def _digits() -> Data:
    images, labels = load_digits(return_X_y=True)
    x_train, x_test, y_train, y_test = train_test_split(
        images, labels, test_size=DIGITS_TEST_IMAGES, stratify=labels, random_state=DIGITS_SPLIT_SEED
    )
    return Data(_images(x_train, 16), _labels(y_train), _images(x_test, 16), _labels(y_test))


def _images(pixels: NDArray[np.generic], white: int) -> Floats:
    """Flatten images whose pixels are in 0..`white` and scale them to [0, 1]."""
    scaled: Floats = pixels.reshape(len(pixels), -1).astype(np.float32) / np.float32(white)
    return scaled


def _labels(digits: NDArray[np.generic]) -> Floats:
    one_hot: Floats = to_categorical(digits, CLASSES).astype(np.float32)
    return one_hot
