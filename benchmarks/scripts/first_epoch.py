"""The chapter's network; `--log FILE` notes each epoch there, for a run without gridruns.

`--mapped` has the arrays from where the shipped scripts have them, instead of computing its own.
"""

import data
import keras
import work
from work import SPACE, Work, build

from spaces import flag_boolean, flag_integer, flag_string, flags

FLAGS = flags(
    flag_integer("nodes", 64, "units of the first hidden layer"),
    flag_string("data", "digits"),
    flag_integer("epochs", 5),
    flag_boolean("mapped", False),
    flag_string("log", "", "a file to note epochs in"),
)
asked = Work([], FLAGS.data, FLAGS.epochs)
x, y = data.load(FLAGS.data)[:2] if FLAGS.mapped else work.load(FLAGS.data)
point = {name: values[0] for name, values in SPACE.items()} | {"nodes1": FLAGS.nodes}
callbacks = [keras.callbacks.CSVLogger(FLAGS.log)] if FLAGS.log else []
build(point, x.shape[1], asked).fit(
    x,
    y,
    epochs=asked.epochs,
    batch_size=asked.batch_size,
    validation_split=0.2,
    callbacks=callbacks,
    verbose=0,
)
