import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

PROGRAM = """
import json
import sys
import numpy as np
import keras
import tensorflow as tf
from keras.src.trainers.data_adapters.array_data_adapter import ArrayDataAdapter
from results.array_pipelines import lean

x = np.random.default_rng(0).normal(size=(103, 4)).astype("float32")
y = (x.sum(axis=1, keepdims=True) > 0).astype("float32")
if sys.argv[1:]:
    for name, array in (("x", x), ("y", y)):
        np.save(f"{sys.argv[1]}/{name}.npy", array)
    x, y = (np.load(f"{sys.argv[1]}/{name}.npy", mmap_mode="r") for name in "xy")

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
undo = lean(keras)
found["within"] = tuned()
own = tf.data.Dataset.range(3)
found["own"] = own.options().autotune.enabled
found["untuned"] = [losses(1), losses(4)]
if sys.argv[1:]:
    data = ArrayDataAdapter(x, y, batch_size=8).get_tf_dataset()
    batches = [[np.asarray(one).tolist() for one in batch] for batch in data]
    assert batches == [[x[i:i + 8].tolist(), y[i:i + 8].tolist()] for i in range(0, 103, 8)]
undo()
found["after"] = tuned()
print(json.dumps(found))
"""


@pytest.mark.parametrize("mapped", [False, True])
def test_keras_arrays_train_without_autotuning_and_to_the_same_numbers(mapped: bool, tmp_path: Path) -> None:
    done = run(PROGRAM, *([str(tmp_path)] if mapped else []))
    found = json.loads(done.splitlines()[-1])
    assert found["before"] is None and found["after"] is None  # TensorFlow's default: tuned
    assert found["within"] is False
    assert found["own"] is None  # a pipeline of the script's
    assert found["untuned"] == found["as_it_is"]


MAPPED = """
import gc
import sys
import weakref
import numpy as np
import tensorflow as tf
from results.mapped_arrays import as_tensors

file = sys.argv[1] + "/x.npy"
np.save(file, np.arange(320, dtype="float32").reshape(20, 16))

def place(tensor):
    return np.asarray(memoryview(tensor)).ctypes.data

x = np.load(file, mmap_mode="r")
given = {"x": x, "parts": (x[4:], None), "n": 3}
found = as_tensors(given, "float32")
assert found["n"] == 3 and found["parts"][1] is None
for array, tensor in ((x, found["x"]), (x[4:], found["parts"][0])):
    assert tf.is_tensor(tensor) and tensor.dtype == tf.float32 and tensor.shape == array.shape
    assert place(tensor) == array.ctypes.data
    assert (tensor.numpy() == array).all()

np.save(sys.argv[1] + "/bytes.npy", np.arange(256, dtype="uint8"))
assert tf.is_tensor(as_tensors(np.load(sys.argv[1] + "/bytes.npy", mmap_mode="r"), "float32"))

stay = {
    "may be written": np.load(file, mmap_mode="r+"),
    "may be written in memory": np.load(file, mmap_mode="c"),
    "not mapped": np.load(file),
    "of columns": x[:, :4],
    "backwards": x[::-1],
    "not aligned": x.reshape(-1)[1:],
    "without rows": x[:0],
    "in memory": x * 1,
}
not_mapped = np.load(file)
not_mapped.flags.writeable = False
stay["not mapped, but read only"] = not_mapped
for dtype in ("float64", ">f4", "bool"):
    np.save(sys.argv[1] + "/other.npy", np.zeros((4, 16), dtype))
    stay[dtype] = np.load(sys.argv[1] + "/other.npy", mmap_mode="r")
for why, array in stay.items():
    assert as_tensors(array, "float32") is array, why

alive, tensor = weakref.ref(x), found["x"]
del x, array, given, found, stay
gc.collect()
assert alive() is not None and float(tensor[19, 15]) == 319
del tensor
gc.collect()
assert alive() is None
"""


def test_mapped_arrays_are_tensors_without_a_copy(tmp_path: Path) -> None:
    run(MAPPED, str(tmp_path))


def run(program: str, *arguments: str) -> str:
    quiet = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, env=quiet, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
