"""Train one wide hidden layer on handwritten digits: which batch size, and which optimizer?

The first two steps of tuning, with everything else as Keras has it:

    python scripts/first_network.py --data digits --epochs 2 --batch_size 16
"""

import keras
from data import load, shuffled
from keras import layers

from spaces import flag_integer, flag_string, flags

FLAGS = flags(
    flag_integer("batch_size", 32, "images a step"),
    flag_string("optimizer", "sgd", "Keras's name of the optimizer; it learns at its default rate"),
    flag_integer("units", 512, "units of the hidden layer"),
    flag_string("data", "mnist", "data set", choices=["mnist", "digits"]),
    flag_integer("epochs", 10, "epochs"),
)

data = shuffled(load(FLAGS.data), seed=123)

model = keras.Sequential(
    [
        keras.Input(shape=data.x_train.shape[1:]),
        layers.Dense(FLAGS.units, activation="relu"),
        layers.Dense(10, activation="softmax"),
    ]
)

model.compile(optimizer=FLAGS.optimizer, loss="categorical_crossentropy", metrics=["accuracy"])
model.fit(
    data.x_train,
    data.y_train,
    epochs=FLAGS.epochs,
    batch_size=FLAGS.batch_size,
    validation_split=0.2,
    verbose=2,
)

model.evaluate(data.x_test, data.y_test, verbose=2)
