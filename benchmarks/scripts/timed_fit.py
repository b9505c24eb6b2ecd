"""The chapter's network, which notes the CPU time of its process inside `fit()`."""

import time

import keras
from data import load
from work import SPACE, Work, build, fit

from results import run_dir
from spaces import flag_integer, flag_numeric, flag_string, flags

FLAGS = flags(
    *(flag_integer(f"nodes{i}", 256) for i in (1, 2, 3)),
    *(flag_numeric(f"dropout{i}", 0.2) for i in (1, 2, 3)),
    flag_string("optimizer", "adam"),
    flag_numeric("lr_annealing", 0.1),
    flag_string("data", "digits"),
    flag_integer("epochs", 5),
)
keras.utils.set_random_seed(1)
work = Work([], FLAGS.data, FLAGS.epochs)
data = load(FLAGS.data)
x, y = data.x_train, data.y_train
point = {name: getattr(FLAGS, name) for name in SPACE}
model = build(point, x.shape[1], work)
before = time.process_time()
fit(model, point, x, y, work)
(run_dir() / "fit_cpu_seconds").write_text(str(time.process_time() - before))
