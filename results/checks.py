"""What may be recorded: real numbers at steps, and metadata under names that aren't ours."""

import numbers
import re
from collections.abc import Mapping
from typing import Any

from results import layout
from results.errors import RecordError


def real_numbers(metrics: Mapping[str, Any]) -> dict[str, float]:
    """The metrics as floats: from Python's numbers, NumPy's scalars and tensors with one element and no axis.

    Raises:
        RecordError: One of them is something else; it is named.
    """
    return {name: _real_number(name, value) for name, value in metrics.items()}


def _real_number(name: str, value: Any) -> float:
    if not isinstance(name, str):
        raise RecordError(f"a metric's name must be text, but got {name!r}")
    if _is_real(value):
        try:
            return float(value)
        except OverflowError:
            pass
    raise RecordError(f"metric {name!r} must be a real number, but got {' '.join(repr(value).split())[:80]}")


def _is_real(value: Any) -> bool:
    """Whether `value` is a number, or a NumPy scalar or a tensor of any library that holds a single one."""
    if hasattr(value, "dtype") and hasattr(value, "shape"):
        # "int64", "<dtype: 'float32'>", "torch.bfloat16", but neither "bool" nor "<U3" nor "object".
        return len(value.shape) == 0 and re.search("int|float", str(value.dtype)) is not None
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def check_step(step: Any) -> int:
    """Return `step` as an int if it is a whole number of at least 0.

    Raises:
        RecordError: It isn't.
    """
    if isinstance(step, bool) or not isinstance(step, numbers.Integral) or step < 0:
        raise RecordError(f"step must be a whole number of at least 0, but got {step!r}")
    return int(step)


def check_kind(kind: str) -> str:
    """The file that a kind of metadata goes to (see `Recorder.metadata`).

    Raises:
        RecordError: It can't be one.
    """
    if kind in ("evaluation", "properties"):
        return f"{kind}.json"
    name = layout.metadata_file(kind)
    if name is None:
        raise RecordError(
            "metadata must be of the type 'evaluation' or 'properties' or have a name of its own in letters, "
            f"digits, '-' and '_' that gridruns doesn't use, but got {kind!r}"
        )
    return name
