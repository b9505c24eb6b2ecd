"""Train a network of three hidden layers on handwritten digits.

The flags are the hyperparameters that a grid search varies; the defaults make a sensible single run:

    python scripts/mnist_grid_search.py --data digits --epochs 2
"""

import keras
from data import load
from keras import layers

from spaces import flag_integer, flag_numeric, flag_string, flags

FLAGS = flags(
    flag_integer("nodes1", 256, "units of the first hidden layer"),
    flag_integer("nodes2", 128, "units of the second hidden layer"),
    flag_integer("nodes3", 64, "units of the third hidden layer"),
    flag_numeric("dropout1", 0.4, "share of the first layer's outputs dropped"),
    flag_numeric("dropout2", 0.3, "share of the second layer's outputs dropped"),
    flag_numeric("dropout3", 0.2, "share of the third layer's outputs dropped"),
    flag_string("optimizer", "rmsprop", "Keras's name of the optimizer"),
    flag_numeric("lr_annealing", 0.1, "factor on the learning rate when val_loss stalls"),
    flag_string("data", "mnist", "data set", choices=["mnist", "digits"]),
    flag_integer("epochs", 35, "epochs at most"),
    flag_integer("batch_size", 128, "images a step"),
)

data = load(FLAGS.data)

model = keras.Sequential([keras.Input(shape=data.x_train.shape[1:])])
for nodes, dropout in [
    (FLAGS.nodes1, FLAGS.dropout1),
    (FLAGS.nodes2, FLAGS.dropout2),
    (FLAGS.nodes3, FLAGS.dropout3),
]:
    model.add(layers.Dense(nodes, activation="relu"))
    model.add(layers.BatchNormalization())
    model.add(layers.Dropout(dropout))
model.add(layers.Dense(10, activation="softmax"))

model.compile(
    optimizer=FLAGS.optimizer,
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
    callbacks=[
        keras.callbacks.EarlyStopping(patience=5),
        keras.callbacks.ReduceLROnPlateau(factor=FLAGS.lr_annealing),
    ],
    verbose=2,
)

model.evaluate(data.x_test, data.y_test, verbose=2)
