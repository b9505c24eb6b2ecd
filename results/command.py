"""The command that runs a run's script again with its flags, seed and threads."""

import shlex
from collections.abc import Mapping
from typing import Any


def train_command(
    script: str, flags: Mapping[str, Any], seed: int | None, threads: int | None, data: str | None = None
) -> str:
    """A `gridruns train` command, quoted for a POSIX shell.

    Args:
        script: As it was named.
        flags: Every flag's value.
        seed: None for a new one.
        threads: None for what a search would give.
        data: Of a hypermodel the function of its data; None for a script.
    """
    words = ["gridruns", "train", script]
    if data is not None:
        words += ["--data", data]
    if seed is not None:
        words += ["--seed", str(seed)]
    if threads is not None:
        words += ["--threads", str(threads)]
    words.append("--")
    for name, value in flags.items():
        option, text = f"--{name}", flag_text(value)
        words += [f"{option}={text}"] if text.startswith("--") else [option, text]
    return shlex.join(words)


def flag_text(value: Any) -> str:
    """A flag's value as a script's command line takes it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    return repr(value) if isinstance(value, float) else str(value)
