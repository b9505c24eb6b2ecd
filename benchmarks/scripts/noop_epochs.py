"""A trial that does nothing but log epochs, five metrics each, as a training with validation does."""

from results import log_metrics
from spaces import flag_integer, flags

FLAGS = flags(flag_integer("epochs", 1))
for epoch in range(1, FLAGS.epochs + 1):
    log_metrics(
        epoch, loss=1 / epoch, accuracy=0.5, val_loss=1 / epoch, val_accuracy=0.5, learning_rate=0.001
    )
