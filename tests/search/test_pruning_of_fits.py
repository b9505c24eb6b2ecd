"""Pruning scripts that train with Keras: how many calls of `fit()`, what is kept, where the model is left."""

import os
from pathlib import Path
from typing import Any

import pytest

from results.runs import read_run
from search import tuning_run
from tests.search.support import Write

pytestmark = pytest.mark.slow

# The optimizer hardly moves the one weight, so the loss is about a squared, at each epoch.
SCRIPT = """
    import os
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras
    import numpy as np
    from spaces import flag_integer, flag_string, flags
    FLAGS = flags(flag_integer("a", 1), flag_string("how", "one"))
    model = keras.Sequential([keras.layers.Dense(1, kernel_initializer="ones", use_bias=False)])
    model.compile(keras.optimizers.SGD(1e-9), "mse")
    x = np.ones((4, 1), "float32")
    data = {"x": x, "y": x * (1 + FLAGS.a), "validation_data": (x, x * (1 + FLAGS.a)), "verbose": 0}
    if FLAGS.how == "one":
        model.fit(**data, epochs=4)
    elif FLAGS.how == "two":
        model.fit(**data, epochs=2)
        model.fit(**data, epochs=2)
    elif FLAGS.how == "single":
        for epoch in range(4):
            model.fit(**data, epochs=1)
    else:
        stop = keras.callbacks.EarlyStopping("val_loss", patience=9, restore_best_weights=True)
        model.fit(**data, epochs=4, callbacks=[stop])
        assert stop.best_weights is not None
    print("came to the end")
"""


@pytest.fixture(scope="module", autouse=True)
def _quiet() -> None:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


# The pruner says no after the first epoch of all but the first two trials. Where that is the only epoch of a
# call, a second call must come before it is known that the training isn't over.
@pytest.mark.parametrize(("how", "epochs"), [("one", 1), ("two", 1), ("single", 2), ("callback", 1)])
def test_a_fit_is_ended_at_an_epoch_and_what_it_has_is_kept(
    how: str, epochs: int, write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    asked: dict[str, Any] = {
        "order": "grid", "pruner": "median:n_startup_trials=2", "workers": 1, "quiet": True,
        "arguments": ["--how", how],
    }  # fmt: skip
    runs = tuning_run(write(SCRIPT), {"a": [1, 2, 3]}, **asked)
    assert dict(zip(runs["flag_a"], runs["status"], strict=True)) == {
        1: "completed",
        2: "completed",
        3: "pruned",
    }
    pruned = runs[runs["flag_a"] == 3].iloc[0]
    assert pruned["reason"] == f"given up after step {epochs} by the pruner median:n_startup_trials=2"
    assert pruned["best_val_loss"] == pytest.approx(9, rel=1e-3)
    run = read_run(pruned["run_dir"])
    assert [epoch.step for epoch in run.epochs] == list(range(1, epochs + 1))
    assert run.epochs_completed == epochs
    assert "came to the end" not in (run.path / "output.log").read_text()
    whole = read_run(runs[runs["flag_a"] == 2].iloc[0]["run_dir"])
    assert [epoch.step for epoch in whole.epochs] == [1, 2, 3, 4]
