"""What every room of gridruns shares: its version and the errors that it shows a user.

The rooms are the packages `spaces`, `results` and `search`. This module stands below
them: it imports none of them, and each may import it (docs/decisions/0001-a-floor-below-the-rooms.md).
`python -m gridruns` is the command line.
"""

import difflib
from collections.abc import Iterable

__version__ = "0.1.0"


class GridrunsError(Exception):
    """A mistake of the user's that gridruns can name.

    The message is one line that states the law and the values. The command line prints
    it and exits with `exit_code`.
    """

    exit_code = 2


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """One line that says `name` is no known `kind`, suggests a near one and lists the known."""
    names = list(known)
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    listed = ", ".join(names) if names else "none"
    return f"unknown {kind} {name!r}{hint} (known: {listed})"


if __name__ == "__main__":
    import sys

    from search.cli import main

    sys.exit(main())
