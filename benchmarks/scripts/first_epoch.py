"""The chapter's network; `--log FILE` notes each epoch there, for a run without gridruns."""

import keras
from work import SPACE, Work, build, load

from spaces import flag_integer, flag_string, flags

FLAGS = flags(
    flag_integer("nodes", 64, "units of the first hidden layer"),
    flag_string("data", "digits"),
    flag_integer("epochs", 5),
    flag_string("log", "", "a file to note epochs in"),
)
work = Work([], FLAGS.data, FLAGS.epochs)
x, y = load(work.data)
point = {name: values[0] for name, values in SPACE.items()} | {"nodes1": FLAGS.nodes}
callbacks = [keras.callbacks.CSVLogger(FLAGS.log)] if FLAGS.log else []
build(point, x.shape[1], work).fit(
    x, y, epochs=work.epochs, batch_size=work.batch_size, validation_split=0.2, callbacks=callbacks, verbose=0
)
