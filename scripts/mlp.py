"""Train a multilayer perceptron on handwritten digits.

With no hidden layer at all, `--network ""`, it is a multinomial logistic regression. Keras 2 added 1e-7
to the root of RMSprop's mean square, Keras 3 adds it to the mean square: `--epsilon 1e-14` is as it was.

    python scripts/mlp.py --data digits --epochs 2 --network "64/0.2 32"
    python scripts/mlp.py --data train.csv --held_out holdout
"""

import keras
from data import load
from keras import layers

from spaces import flag_integer, flag_numeric, flag_string, flags

FLAGS = flags(
    flag_string("network", "256/0.4 128/0.3", "hidden layers, each as units or units/dropout"),
    flag_numeric("epsilon", 1e-7, "what RMSprop adds to the mean square of the gradients"),
    flag_integer("epochs", 30, "epochs"),
    flag_integer("batch_size", 128, "images a step"),
    flag_numeric("validation", 0.2, "share of the training images, the last ones, kept for validation"),
    flag_string("data", "mnist", "mnist, digits or a .csv file of label,pixel0,pixel1,..."),
    flag_string(
        "held_out", "test", "images to evaluate on: holdout of a .csv file", choices=["test", "holdout"]
    ),
)

data = load(FLAGS.data, FLAGS.held_out)

model = keras.Sequential([keras.Input(shape=data.x_train.shape[1:])])
for layer in FLAGS.network.split():
    units, _, dropout = layer.partition("/")
    model.add(layers.Dense(int(units), activation="relu"))
    if dropout:
        model.add(layers.Dropout(float(dropout)))
model.add(layers.Dense(10, activation="softmax"))

model.compile(
    optimizer=keras.optimizers.RMSprop(epsilon=FLAGS.epsilon),
    loss="categorical_crossentropy",
    metrics=["accuracy"],
)
model.fit(
    data.x_train,
    data.y_train,
    epochs=FLAGS.epochs,
    batch_size=FLAGS.batch_size,
    validation_split=FLAGS.validation,
    verbose=2,
)

model.evaluate(data.x_test, data.y_test, verbose=2)
