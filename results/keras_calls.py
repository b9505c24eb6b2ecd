"""Calls of Keras' methods as they are watched from outside: hooks in their place, arguments, samples."""

import functools
import inspect
import math
from collections.abc import Callable, Mapping
from typing import Any


def replace_method(owner: Any, name: str, around: Callable[..., Any]) -> Callable[[], None]:
    """Let `owner.name(...)` be `around(original, self, args, kwargs)`.

    Returns:
        A function that puts things back.
    """
    original = getattr(owner, name)
    own = name in vars(owner)

    @functools.wraps(original)
    def replacement(self: Any, *args: Any, **kwargs: Any) -> Any:
        return around(original, self, args, kwargs)

    setattr(owner, name, replacement)
    return (
        functools.partial(setattr, owner, name, original) if own else functools.partial(delattr, owner, name)
    )


def bind(
    original: Callable[..., Any], model: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> inspect.BoundArguments | None:
    """The arguments of a call by name, or None for a call that Keras itself will refuse."""
    try:
        given = inspect.signature(original).bind(model, *args, **kwargs)
    except TypeError:
        return None
    given.apply_defaults()
    return given


def count_samples(keras: Any, data: Any) -> int | None:
    """The length of the first array in `data`, or None where it holds no arrays."""
    if data is None:
        return None
    shape: Any = getattr(keras.tree.flatten(data)[0] if not hasattr(data, "shape") else data, "shape", ())
    return int(shape[0]) if len(shape) > 0 and shape[0] is not None else None


def count_fit_samples(keras: Any, named: Mapping[str, Any]) -> tuple[int | None, int | None]:
    """How many samples a `fit()` trains and validates on; None for either where no arrays are given."""
    samples = count_samples(keras, named["x"])
    validation = named["validation_data"]
    if validation is not None:
        return samples, count_samples(
            keras, validation[0] if isinstance(validation, tuple | list) else validation
        )
    if not named["validation_split"] or samples is None:
        return samples, None
    # As keras/src/trainers/data_adapters/array_slicing.py splits.
    kept = math.floor(samples * (1.0 - named["validation_split"]))
    return kept, samples - kept


def default_batch_size(samples: int, steps: int | None) -> int:
    """What Keras takes for arrays where none is given."""
    # As in keras/src/trainers/data_adapters/array_data_adapter.py.
    return math.ceil(samples / steps) if steps else 32
