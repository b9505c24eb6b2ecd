"""Train layers of halving width on handwritten digits, with or without batch normalisation.

Training doesn't stop early, so that overfitting shows:

    python scripts/batch_norm.py --data digits --epochs 2 --size small --layers 3 --batch_norm true
"""

import keras
from data import load
from keras import layers

from spaces import flag_boolean, flag_integer, flag_string, flags

FIRST = {"small": 16, "medium": 64, "large": 256}

FLAGS = flags(
    flag_string("size", "large", "units of the first hidden layer: 16, 64 or 256", choices=list(FIRST)),
    flag_integer("layers", 3, "hidden layers, each half as wide as the one before", low=1, high=3),
    flag_boolean("batch_norm", False, "normalise the outputs of each hidden layer over the batch"),
    flag_string("data", "mnist", "data set", choices=["mnist", "digits"]),
    flag_integer("epochs", 25, "epochs"),
    flag_integer("batch_size", 128, "images a step"),
)

data = load(FLAGS.data)

model = keras.Sequential([keras.Input(shape=data.x_train.shape[1:])])
for depth in range(FLAGS.layers):
    model.add(layers.Dense(FIRST[FLAGS.size] // 2**depth, activation="relu"))
    if FLAGS.batch_norm:
        model.add(layers.BatchNormalization())
model.add(layers.Dense(10, activation="softmax"))

model.compile(
    optimizer="rmsprop",
    loss="categorical_crossentropy",
    metrics=["accuracy"],
    steps_per_execution=64,  # the same losses, sooner: Python is called every 64 steps
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
