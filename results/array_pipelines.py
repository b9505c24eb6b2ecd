"""Keras' pipelines over arrays, without tf.data's tuning and without copies of mapped arrays.

For each epoch, and each validation, Keras makes a new iterator over its arrays. With autotuning, tf.data's
default, an iterator has a thread that wakes every 10 ms at first and ever more rarely, and whose sleep an
iterator that ends sits out: about 0.1 s an epoch in which nothing runs (docs/performance.md). Keras slices
arrays in a fixed way, so there is nothing for it to tune: the batches and their order are the same without.
Arrays that are mapped from files are read where they are (results/mapped_arrays.py).
"""

import sys
from collections.abc import Callable
from typing import Any

from results.keras_calls import replace_method
from results.mapped_arrays import as_tensors

_ADAPTERS = "keras.src.trainers.data_adapters.array_data_adapter"  # as of Keras 3.15; it has no public name


def lean(keras: Any) -> Callable[[], None]:
    """Let Keras make such pipelines over arrays, from now on in this process.

    With another backend than TensorFlow, or a Keras that makes them elsewhere, nothing is changed. Pipelines
    of the script's own stay as they are.

    Args:
        keras: The module.

    Returns:
        A function that puts things back.
    """
    adapter = getattr(sys.modules.get(_ADAPTERS), "ArrayDataAdapter", None)
    if keras.backend.backend() != "tensorflow" or not hasattr(adapter, "get_tf_dataset"):
        return lambda: None
    return replace_method(adapter, "get_tf_dataset", _lean)


def _lean(original: Callable[..., Any], adapter: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    import keras
    from tensorflow import data

    options = data.Options()
    options.autotune.enabled = False
    arrays = adapter._inputs
    adapter._inputs = as_tensors(arrays, keras.config.floatx())
    try:
        return original(adapter, *args, **kwargs).with_options(options)
    finally:
        adapter._inputs = arrays
