"""Train a convolutional network on handwritten digits.

    python scripts/cnn.py --data digits --epochs 2

Keras's default learning rate of Adadelta was 1.0 when the network was published and is 0.001 today.
"""

from math import isqrt

import keras
from data import load
from keras import layers

from spaces import flag_integer, flag_numeric, flag_string, flags

FLAGS = flags(
    flag_numeric("learning_rate", 1.0, "learning rate of Adadelta"),
    flag_string("data", "mnist", "data set", choices=["mnist", "digits"]),
    flag_integer("epochs", 12, "epochs"),
    flag_integer("batch_size", 128, "images a step"),
)

data = load(FLAGS.data)
side = isqrt(data.x_train.shape[1])

model = keras.Sequential(
    [
        keras.Input(shape=data.x_train.shape[1:]),
        layers.Reshape((side, side, 1)),
        layers.Conv2D(32, 3, activation="relu"),
        layers.Conv2D(64, 3, activation="relu"),
        layers.MaxPooling2D(2),
        layers.Dropout(0.25),
        layers.Flatten(),
        layers.Dense(128, activation="relu"),
        layers.Dropout(0.5),
        layers.Dense(10, activation="softmax"),
    ]
)

model.compile(
    optimizer=keras.optimizers.Adadelta(FLAGS.learning_rate),
    loss="categorical_crossentropy",
    metrics=["accuracy"],
)
model.fit(
    data.x_train,
    data.y_train,
    epochs=FLAGS.epochs,
    batch_size=FLAGS.batch_size,
    validation_split=0.2,
    verbose=2,
)

model.evaluate(data.x_test, data.y_test, verbose=2)
