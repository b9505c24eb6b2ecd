"""Arrays that are mapped from files, as TensorFlow's tensors without a copy.

TensorFlow copies a NumPy array to make a tensor of it, since the array might be changed later. What
`np.load(..., mmap_mode="r")` gives can't be, unless its file is: its tensor may have the array's own memory,
which all processes that map the file share.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

ALIGNED = 64
"""Bytes that TensorFlow wants the memory of a tensor to begin at a multiple of (EIGEN_MAX_ALIGN_BYTES)."""


def as_tensors(arrays: Any, floatx: str) -> Any:
    """Put tensors in the place of the mapped arrays of a structure; all else stays as it is.

    Args:
        arrays: Nested lists, tuples and dicts, as of `keras.tree`.
        floatx: The type of floats that Keras computes with; it makes copies of others, to cast them.
    """
    import keras
    import tensorflow as tf

    if not tf.executing_eagerly() or tf.config.list_logical_devices("GPU"):
        return arrays
    return keras.tree.map_structure(lambda one: _tensor(one) if _is_fixed(one, floatx) else one, arrays)


def _is_fixed(array: Any, floatx: str) -> bool:
    """Whether an array can be read only, in one piece, and its memory be a tensor's."""
    import numpy as np

    return (
        isinstance(array, np.memmap)
        and array.mode == "r"
        and array.size > 0
        and array.flags.c_contiguous
        and not array.flags.writeable
        and array.ctypes.data % ALIGNED == 0
        and (array.dtype == floatx or array.dtype.kind in "iu")
        and array.dtype.isnative
    )


def _tensor(array: "np.memmap[Any, Any]") -> Any:
    import numpy as np
    from tensorflow.experimental import dlpack

    return dlpack.from_dlpack(np.asarray(_Lent(array)).__dlpack__())


class _Lent:
    """An array's memory as if it could be written, since DLPack knows no other; keeps the array."""

    def __init__(self, array: "np.memmap[Any, Any]") -> None:
        self.array = array
        start, _ = array.__array_interface__["data"]
        self.__array_interface__ = {**array.__array_interface__, "data": (start, False)}
