"""Train layers of equal width by SGD with momentum, stopped early: how wide, how deep, how regularised?

The steps of tuning that follow a good batch size and learning rate:

    python scripts/tuning_lab.py --data digits --epochs 2 --units 64 --layers 2 --dropout 0.3
"""

import keras
from data import load, shuffled
from keras import layers

from spaces import flag_boolean, flag_integer, flag_numeric, flag_string, flags

FLAGS = flags(
    flag_integer("units", 512, "units of each hidden layer"),
    flag_integer("layers", 1, "hidden layers"),
    flag_numeric("l2", 0, "factor of the L2 penalty on each hidden layer's weights"),
    flag_numeric("dropout", 0, "share of each hidden layer's outputs dropped"),
    flag_boolean("reduce_lr", True, "divide the learning rate by 10 whenever val_loss stalls for an epoch"),
    flag_numeric("learning_rate", 0.1, "learning rate at the start"),
    flag_numeric("momentum", 0.9, "momentum of the steps"),
    flag_string("data", "mnist", "data set", choices=["mnist", "digits"]),
    flag_integer("epochs", 20, "epochs at most"),
    flag_integer("batch_size", 128, "images a step"),
)

data = shuffled(load(FLAGS.data), seed=123)

model = keras.Sequential([keras.Input(shape=data.x_train.shape[1:])])
for _ in range(FLAGS.layers):
    model.add(
        layers.Dense(FLAGS.units, activation="relu", kernel_regularizer=keras.regularizers.L2(FLAGS.l2))
    )
    model.add(layers.Dropout(FLAGS.dropout))
model.add(layers.Dense(10, activation="softmax"))

callbacks = [keras.callbacks.EarlyStopping(patience=3, min_delta=0.0001, restore_best_weights=True)]
if FLAGS.reduce_lr:
    callbacks.append(keras.callbacks.ReduceLROnPlateau(patience=1, factor=0.1))

model.compile(
    optimizer=keras.optimizers.SGD(FLAGS.learning_rate, FLAGS.momentum),
    loss="categorical_crossentropy",
    metrics=["accuracy"],
)
model.fit(
    data.x_train,
    data.y_train,
    epochs=FLAGS.epochs,
    batch_size=FLAGS.batch_size,
    validation_split=0.2,
    callbacks=callbacks,
    verbose=2,
)

model.evaluate(data.x_test, data.y_test, verbose=2)
