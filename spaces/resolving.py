"""`flags()`, and the one place that knows which value of a flag wins.

Low to high: the declared default, the flags file, the command line, the caller's values.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from typing import NoReturn

from gridruns import GridrunsError, unknown

from .calling import Declared, Declaring, Provided, current
from .command_line import asks_for_help, help_text, read_command_line
from .config import read_flags_file
from .errors import FlagError
from .flag import Flag, by_name
from .flag_values import FlagValues
from .values import Value


def flags(
    *declared: Flag,
    file: str | os.PathLike[str] | None = None,
    profile: str | None = None,
    argv: Sequence[str] | None = None,
) -> FlagValues:
    """Declares the flags of a script and returns their values.

    Run by gridruns, the values are gridruns'. Otherwise they come, low to high, from the
    declarations, flags.yml in the working directory, and the command line; `--help` lists the
    flags and exits 0, and a mistake prints one line on stderr and exits 2.

    Args:
        *declared: what `flag_numeric` and its sisters made.
        file: a flags file, which must be there; None for flags.yml, which needn't.
        profile: a profile of the flags file; `--profile` wins over it.
        argv: the command line without the program's name; None for sys.argv. With a command
            line of its own a script gets mistakes as exceptions.

    Raises:
        FlagError: a flag is declared twice; or a value is wrong, and it came from `argv` or gridruns.
        SystemExit: after `--help` (0), or a mistake in sys.argv or the flags file (2).
    """
    by_name(declared)
    caller = current()
    if isinstance(caller, Declaring):
        raise Declared(declared, file, profile)
    if isinstance(caller, Provided):
        return FlagValues(_over(declared, {}, caller.values))
    arguments = sys.argv[1:] if argv is None else argv
    if asks_for_help(arguments):
        print(help_text(declared, _program()))
        raise SystemExit(0)
    try:
        return FlagValues(resolve(declared, file=file, profile=profile, argv=arguments))
    except GridrunsError as error:
        if argv is not None:
            raise
        _stop(error)


def resolve(
    declared: Sequence[Flag],
    *,
    file: str | os.PathLike[str] | None = None,
    profile: str | None = None,
    argv: Sequence[str] = (),
    values: Mapping[str, object] | None = None,
) -> dict[str, Value]:
    """The value of every declared flag, in the declared order.

    Args:
        declared: the flags.
        file: a flags file, which must be there; None for flags.yml, which needn't.
        profile: a profile of the flags file.
        argv: a command line without the program's name; its file and profile win over those above.
        values: the caller's values, which win over all.

    Raises:
        FlagError: a flag isn't declared or declared twice, a value isn't allowed, or a named
            file or profile is missing.
        DocumentError: the flags file isn't YAML.
    """
    line = read_command_line(declared, argv)
    from_file = read_flags_file(
        declared,
        file if line.file is None else line.file,
        profile if line.profile is None else line.profile,
    )
    return _over(declared, {**from_file, **line.values}, {} if values is None else values)


def _over(
    declared: Sequence[Flag], checked: Mapping[str, Value], values: Mapping[str, object]
) -> dict[str, Value]:
    """The defaults, over them what is checked, over all the caller's values."""
    named = by_name(declared)
    for name in values:
        if name not in named:
            raise FlagError(unknown("flag", str(name), named))
    given = {name: named[name].check(value) for name, value in values.items()}
    return {name: flag.default for name, flag in named.items()} | dict(checked) | given


def _program() -> str:
    return os.path.basename(sys.argv[0]) or "script.py"


def _stop(error: GridrunsError) -> NoReturn:
    print(f"{_program()}: {error}", file=sys.stderr)
    raise SystemExit(2) from None
