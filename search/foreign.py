"""Code that isn't ours, called within a search: samplers and pruners, a user's own among them."""

from collections.abc import Iterator
from contextlib import contextmanager

from gridruns import GridrunsError


@contextmanager
def foreign(
    what: str, error: type[GridrunsError], through: tuple[type[Exception], ...] = ()
) -> Iterator[None]:
    """Make what goes wrong in a block one line; the exception itself stays its cause.

    Args:
        what: Whose code it is, as in "the pruner MedianPruner".
        error: What is raised.
        through: What is no mistake, and let through.

    Raises:
        GridrunsError: The block has raised something else, whatever it was.
    """
    try:
        yield
    except GridrunsError:
        raise
    except through:
        raise
    except Exception as raised:  # foreign code may raise anything
        words = " ".join(str(raised).split())
        raise error(f"{what} raised {type(raised).__name__}{f': {words}' if words else ''}") from raised
