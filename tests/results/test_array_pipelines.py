import json
import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

PROGRAM = """
import json
import numpy as np
import keras
import tensorflow as tf
from keras.src.trainers.data_adapters.array_data_adapter import ArrayDataAdapter
from results.array_pipelines import untuned

x = np.random.default_rng(0).normal(size=(103, 4)).astype("float32")
y = (x.sum(axis=1, keepdims=True) > 0).astype("float32")

def tuned():
    return ArrayDataAdapter(x, y, shuffle=True).get_tf_dataset().options().autotune.enabled

def losses(steps):
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3), keras.layers.Dropout(0.3),
                              keras.layers.Dense(1, activation="sigmoid")])
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"], steps_per_execution=steps)
    history = model.fit(x, y, epochs=3, batch_size=8, validation_split=0.2, verbose=0,
                        class_weight={0: 1.0, 1: 2.0})
    return [history.history, model.evaluate(x, y, verbose=0), model.predict(x, verbose=0).tolist()]

found = {"before": tuned(), "as_it_is": [losses(1), losses(4)]}
undo = untuned(keras)
found["within"] = tuned()
own = tf.data.Dataset.range(3)
found["own"] = own.options().autotune.enabled
found["untuned"] = [losses(1), losses(4)]
undo()
found["after"] = tuned()
print(json.dumps(found))
"""


def test_keras_arrays_train_without_autotuning_and_to_the_same_numbers() -> None:
    quiet = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, env=quiet, check=False
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["before"] is None and found["after"] is None  # TensorFlow's default: tuned
    assert found["within"] is False
    assert found["own"] is None  # a pipeline of the script's
    assert found["untuned"] == found["as_it_is"]
