"""An epoch of the chapter's network in this process: `python epochs.py DATA EPOCHS UNTUNED`.

Prints the wall seconds of an epoch, the first one not counted, and the losses; UNTUNED is yes or no.
"""

import json
import sys
import time

import keras
import tensorflow as tf
from work import Work, build, load

from results.array_pipelines import lean

POINT = {
    **{f"nodes{i}": units for i, units in ((1, 256), (2, 128), (3, 64))},
    **{f"dropout{i}": 0.3 for i in (1, 2, 3)},
    "optimizer": "rmsprop",
}


def main(data: str, epochs: int, without: bool) -> None:
    """Train and print."""
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    if without:
        lean(keras)
    x, y = load(data)
    keras.utils.set_random_seed(1)
    model = build(POINT, x.shape[1], Work([], data, steps_per_execution=64))
    model.fit(x, y, batch_size=128, validation_split=0.2, verbose=0)
    began = time.monotonic()
    history = model.fit(x, y, epochs=epochs, batch_size=128, validation_split=0.2, verbose=0)
    seconds = (time.monotonic() - began) / epochs
    print(json.dumps({"seconds": seconds, "losses": history.history["val_loss"]}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3] == "yes")
