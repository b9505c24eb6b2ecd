"""A trial that does nothing but declare a flag and log one number: what is left is the framework."""

from results import log_metrics
from spaces import flag_integer, flags

FLAGS = flags(flag_integer("x", 1))
log_metrics(1, val_loss=FLAGS.x / 1000)
