"""Calls of Keras' methods as they are watched from outside: hooks in their place, arguments by name."""

import functools
import inspect
from collections.abc import Callable
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
