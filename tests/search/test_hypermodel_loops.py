"""Hypermodels that train in a loop of their own: pruned, grown with a changed file, and confirmed."""

import os
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from gridruns import GridrunsError
from results import leaderboard
from results.run import read_run
from search import confirm, tuning_run
from tests.search.support import Write

pytestmark = pytest.mark.slow

# The worse k is, the worse is each epoch; within a run it gets better by one an epoch.
LOOP = """
    import os
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras
    import keras_tuner
    import numpy as np
    from results import log_metrics

    def data():
        return np.zeros((4, 2), "float32"), np.zeros(4, "float32")

    class Loop(keras_tuner.HyperModel):
        def build(self, hp):
            model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(hp.Choice("units", [2]))])
            model.compile("sgd", "mse")
            return model

        def fit(self, hp, model, x, y, epochs, callbacks, **kwargs):
            k = hp.Choice("k", [1, 2, 3])
            for epoch in range(epochs):
                model(x)
                value = {"val_loss": 10.0 * k - epoch}
                LOGGED
            print("came to the end")
            return RETURNED
"""
TOLD = "[callback.on_epoch_end(epoch, value) for callback in callbacks]"
LOGGED = "log_metrics(epoch + 1, value)"


def text(logged: str, returned: str = "None") -> str:
    return LOOP.replace("LOGGED", logged).replace("RETURNED", returned)


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(os.environ, "TF_CPP_MIN_LOG_LEVEL", "3")


def tune(file: Path, **asked: Any) -> pd.DataFrame:
    options: dict[str, Any] = {
        "data": "data", "study": "s", "seed": 1, "order": "grid", "workers": 1, "quiet": True,
        "pruner": "median:n_startup_trials=2", "arguments": ["--epochs", "3"], **asked,
    }  # fmt: skip
    return tuning_run(f"{file}:Loop", **options)


@pytest.mark.parametrize(
    ("logged", "returned", "after"),
    [(TOLD, "None", []), (LOGGED, "None", []), (LOGGED, "value", [4]), (TOLD, "k", [4])],
)
def test_a_loop_of_its_own_is_pruned(logged: str, returned: str, after: list[int], write: Write) -> None:
    runs = tune(write(text(logged, returned), "loop.py"))
    ends = dict(zip(runs["flag_k"], runs["status"], strict=True))
    assert ends == {1: "completed", 2: "completed", 3: "pruned"}
    pruned = runs[runs["flag_k"] == 3].iloc[0]
    assert pruned["reason"] == "given up after step 1 by the pruner median:n_startup_trials=2"
    assert pruned["best_val_loss"] == 30
    run = read_run(pruned["run_dir"])
    assert [epoch.step for epoch in run.epochs] == [1]
    assert "came to the end" not in (run.path / "output.log").read_text()
    # What `fit` returns is one step more, whoever has logged those before it.
    whole = read_run(runs[runs["flag_k"] == 2].iloc[0]["run_dir"])
    assert [epoch.step for epoch in whole.epochs] == [1, 2, 3, *after]
    assert whole.last_metrics["objective" if returned == "k" else "val_loss"] == (
        2 if returned == "k" else 18
    )


def test_a_hypermodel_is_extended_and_confirmed(write: Write) -> None:
    tune(write(text(TOLD), "loop.py"), pruner=None)
    before = set(leaderboard("runs/s")["run_dir"])
    file = write(text(TOLD).replace("[1, 2, 3]", "[0, 1, 2]"), "loop.py")
    with pytest.raises(
        GridrunsError, match=r"the script .* has changed; .*k: one of 1, 2, 3 -> one of 0, 1, 2"
    ):
        tune(file, pruner=None)
    runs = tune(file, pruner=None, extend=True)
    assert sorted(runs["flag_k"]) == [0, 1, 2, 3]
    assert before < set(runs["run_dir"])  # what is done stays, be it a point by now or not
    found = confirm("s", top=2, seeds=2, quiet=True)
    assert list(found.table["flag_k"]) == [0, 1]
    assert list(found.table["mean_val_loss"]) == [-2, 8]
    again = leaderboard("runs/s-confirm")
    assert set(again["status"]) == {"completed"} and len(again) == 4
    assert set(again["flag_epochs"]) == {3}
