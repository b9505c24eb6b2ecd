"""A script's own command line: `--flag VALUE`, `--profile NAME`, `--flags-file FILE`, `--help`.

Not argparse: it takes `--lr -1e-5` for two options, lets the last of two contradicting values
win, and finishes names that aren't whole. Here an option is a whole name, has one value and is
given once.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from gridruns import unknown

from .errors import FlagError
from .flag import Flag, by_name
from .values import Value

PROFILE = "profile"
FLAGS_FILE = "flags-file"
HELP = ("--help", "-h")


class CommandLine(NamedTuple):
    """What a command line says.

    Args:
        values: the flags that it gives, checked.
        profile: the profile that it names, None for none.
        file: the flags file that it names, None for none.
    """

    values: Mapping[str, Value]
    profile: str | None
    file: str | None


def read_command_line(declared: Sequence[Flag], argv: Sequence[str]) -> CommandLine:
    """What `argv`, without the program's name, says of the declared flags.

    Raises:
        FlagError: an option is unknown, has no value, is given twice, or has a value that its
            flag doesn't take.
    """
    named = by_name(declared)
    options = _options(argv, [*named, PROFILE, FLAGS_FILE])
    profile, file = options.pop(PROFILE, None), options.pop(FLAGS_FILE, None)
    return CommandLine({name: named[name].parse(text) for name, text in options.items()}, profile, file)


def asks_for_help(argv: Sequence[str]) -> bool:
    """Whether --help or -h stands where an option stands, not where its value does."""
    value_follows = False
    for argument in argv:
        if argument in HELP and not (value_follows and _is_value(argument)):
            return True
        value_follows = argument.startswith("--") and "=" not in argument
    return False


def help_text(declared: Sequence[Flag], program: str) -> str:
    """What `--help` prints: each flag with its type, default, domain and description.

    Args:
        declared: the flags of the script.
        program: the script's name.

    Raises:
        FlagError: two flags have the same name.
    """
    lines = [f"usage: {program} [--FLAG VALUE ...] [--{PROFILE} NAME] [--{FLAGS_FILE} FILE]", "", "flags:"]
    for flag in by_name(declared).values():
        lines.append(f"  --{flag.name} {flag.kind.value.upper()}")
        lines += [f"        {line}" for line in flag.description.splitlines()]
        domain = "" if flag.domain is None else f"; {flag.allowed}"
        lines.append(f"        default {flag.default!r}{domain}")
    lines += [
        "",
        "options:",
        f"  --{PROFILE} NAME       the profile of the flags file to use",
        f"  --{FLAGS_FILE} FILE    read flags from FILE instead of flags.yml",
        f"  {', '.join(HELP)}           print this and exit",
    ]
    return "\n".join(lines)


def _options(argv: Sequence[str], known: Sequence[str]) -> dict[str, str]:
    """The texts that the command line gives to options, by name."""
    given: dict[str, str] = {}
    rest = iter(argv)
    for argument in rest:
        if not argument.startswith("--") or argument == "--":
            raise FlagError(f"flags are given as --name VALUE, but got {argument!r}")
        name, equals, text = argument[2:].partition("=")
        if name not in known:
            raise FlagError(unknown("flag", f"--{name}", [f"--{option}" for option in known]))
        if name in given:
            raise FlagError(f"--{name} must be given once, but got it twice")
        value = text if equals else next(rest, None)
        if value is None or not (equals or _is_value(value)):
            raise FlagError(f"--{name} must have a value, as in --{name}=VALUE, but got none")
        given[name] = value
    return given


def _is_value(argument: str) -> bool:
    """Whether an argument after an option is its value: --x is the next option, -1e-5 is a value."""
    return not argument.startswith("--")
