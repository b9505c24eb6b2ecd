"""The trial that does nothing, in a script that imports Keras: a process with TensorFlow begins and ends."""

import keras

from results import log_metrics
from spaces import flag_integer, flags

FLAGS = flags(flag_integer("x", 1))
log_metrics(1, val_loss=FLAGS.x / 1000 + len(keras.backend.backend()))
