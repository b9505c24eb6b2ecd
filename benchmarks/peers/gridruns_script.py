"""The training script that gridruns runs: the others' network, its hyperparameters as flags."""

from pathlib import Path

import keras
import numpy as np
from work import SPACE, Work, build, fit

from spaces import flag_integer, flag_numeric, flag_string, flags

FLAGS = flags(
    *(flag_integer(f"nodes{i}", 256) for i in (1, 2, 3)),
    *(flag_numeric(f"dropout{i}", 0.2) for i in (1, 2, 3)),
    flag_string("optimizer", "adam", choices=SPACE["optimizer"]),
    flag_numeric("lr_annealing", 0.1),
    flag_integer("number", 0, "the place among the points, which seeds the trial"),
    flag_string("arrays", "arrays", "the folder of images.npy and labels.npy, which all trials map"),
    flag_integer("epochs", 5),
    flag_integer("batch_size", 128),
    flag_integer("steps_per_execution", 1),
    flag_integer("patience", 0, "epochs without gain; 0 to train all"),
)

common = ("epochs", "batch_size", "steps_per_execution")
work = Work([], **{name: getattr(FLAGS, name) for name in common}, patience=FLAGS.patience or None)
x, labels = (np.load(Path(FLAGS.arrays) / f"{name}.npy", mmap_mode="r") for name in ("images", "labels"))
y = keras.utils.to_categorical(labels, 10)
point = {name: getattr(FLAGS, name) for name in SPACE}
keras.utils.set_random_seed(FLAGS.number)
fit(build(point, x.shape[1], work), point, x, y, work)
