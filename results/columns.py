"""Which columns a table of runs always has, in which order, and which values each takes."""

from collections.abc import Callable, Mapping
from typing import Any

FIRST = {"run_dir": "string", "rank": "Int64", "status": "string", "best_epoch": "Int64"}
# tfruns' columns in tfruns' order, then those that it doesn't have.
LAST = {
    "samples": "Int64",
    "validation_samples": "Int64",
    "batch_size": "Int64",
    "epochs": "Int64",
    "epochs_completed": "Int64",
    "metrics": "string",
    "model": "string",
    "loss_function": "string",
    "optimizer": "string",
    "learning_rate": "Float64",
    "script": "string",
    "start": "time",
    "end": "time",
    "completed": "boolean",
    "output": "string",
    "source_code": "string",
    "context": "string",
    "type": "string",
    "study": "string",
    "number": "Int64",
    "seed": "Int64",
    "threads": "Int64",
    "steps": "Int64",
    "reason": "string",
    "error": "string",
    "exit_code": "Int64",
    "signal": "string",
    "cpu_seconds": "Float64",
    "peak_memory_bytes": "Int64",
    "problems": "string",
    "tags": "string",
    "note": "string",
}
# Between the two, in this order: the best epoch's metrics, the evaluation, the last metrics, the flags.
PREFIXES = ("best_", "eval_", "metric_", "flag_")
# What is told by a run's path and not by what is in its files, or only where it is asked for.
PATHS = ("metrics", "source_code")
OUTPUT = "output"
# The others: what a summary of a run keeps.
KEPT = tuple(name for name in LAST if name not in (*PATHS, OUTPUT))


def is_int64(value: Any) -> bool:
    """Whether a value is a whole number that a column of integers holds."""
    return isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63


def is_float(value: Any) -> bool:
    """Whether a value is a number that a column of floats holds without rounding it."""
    return isinstance(value, float) or (is_int64(value) and int(float(value)) == value)


_TAKES: Mapping[str, Callable[[Any], bool]] = {
    "Int64": is_int64,
    "Float64": is_float,
    "boolean": lambda value: isinstance(value, bool),
    "string": lambda value: isinstance(value, str),
    "time": is_int64,
}


def value_of(kind: str, value: Any) -> Any:
    """`value` as a column of that kind holds it; None, which is missing, for what isn't of the kind.

    Only a damaged file has such a value: what gridruns writes is of its column's kind.
    """
    if not _TAKES[kind](value):
        return None
    return float(value) if kind == "Float64" else value
