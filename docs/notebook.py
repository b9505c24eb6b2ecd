# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # A search in a notebook
#
# A training script is a file of its own: it declares its flags and logs its metrics. This one trains a small
# network of scikit-learn's, so that the notebook takes seconds; with Keras, `fit()` logs by itself.
#
# The notebook is made of `docs/notebook.py` (see docs/README.md).

# %%
import os
import tempfile
from pathlib import Path

import plotly.io

os.chdir(tempfile.mkdtemp())
plotly.io.renderers.default = "plotly_mimetype"  # without plotly.js in the notebook, which would add 5 MB
_ = Path("train.py").write_text("""
from sklearn.datasets import load_digits
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

from results import log_metrics
from spaces import flag_integer, flag_numeric, flags

FLAGS = flags(
    flag_integer("nodes", 32, choices=[8, 16, 32, 64]),
    flag_numeric("rate", 0.001, choices=[0.001, 0.003, 0.01, 0.03]),
    flag_integer("epochs", 8),
)
x, y = load_digits(return_X_y=True)
x_train, x_val, y_train, y_val = train_test_split(x / 16, y, test_size=0.3, random_state=0)
network = MLPClassifier((FLAGS.nodes,), learning_rate_init=FLAGS.rate)
for epoch in range(1, FLAGS.epochs + 1):
    network.partial_fit(x_train, y_train, classes=range(10))
    log_metrics(
        epoch,
        loss=log_loss(y_train, network.predict_proba(x_train)),
        val_loss=log_loss(y_val, network.predict_proba(x_val)),
        val_accuracy=network.score(x_val, y_val),
    )
""")

# %% [markdown]
# Three quarters of the grid that the script declares, each trial in a process of its own:

# %%
from search import tuning_run

runs = tuning_run("train.py", sample=0.75, seed=1, threads=1, study="digits")

# %% [markdown]
# What comes back is a DataFrame, best first.

# %%
columns = ["rank", "status", "best_val_loss", "best_val_accuracy", "best_epoch", "flag_nodes", "flag_rate"]
runs[columns].head()

# %% [markdown]
# Every figure of the report is an object, made of a DataFrame.

# %%
from results.figures import history, history_figure, parallel, parallel_figure
from results.ranking import Objective

objective = Objective("val_loss", "min")
history_figure(history(runs, objective), objective)

# %%
parallel_figure(parallel(runs, objective), objective)

# %% [markdown]
# A tag and a note stay with a run and stand on the leaderboard.

# %%
from results import leaderboard, note_run, tag_run

tag_run(runs.iloc[0], "best")
note_run(runs.iloc[0], "the winner of the first search")
leaderboard("runs/digits")[["rank", "best_val_loss", "tags", "note"]].head(3)

# %% [markdown]
# The winner again, from the source that was archived with it:

# %%
from search import rerun

rerun(runs.iloc[0], quiet=True).equal
