"""`--set FLAG=...`: one flag's domain, written on a command line and read by the flag's kind.

- `nodes1=64,128,256` is a choice, `data=digits` a choice of one;
- `lr=1e-5:1e-1`, `lr=1e-5:1e-1:log`, `x=0:10:2` are ranges, the last with a step (numbers only);
- `names=["a,b","c"]` is a choice as a JSON list, for strings with commas, spaces at an end or " if ";
- `nodes3=64,128 if layers >= 3`, after any of these, says where the flag applies.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from gridruns import unknown

from .domains import Choice, Domain
from .errors import FlagError, SpaceError
from .flag import Flag, by_name
from .grammar import number_range
from .kinds import LAWS, FlagKind, read_text
from .values import Value, shown

_LOG = "log"
_IF = " if "


def parse_setting(text: str, declared: Sequence[Flag]) -> tuple[str, Domain | Mapping[str, Any]]:
    """The flag and the entry of a space that a setting writes: a domain, or one with a condition.

    Args:
        text: `flag=...`, as above.
        declared: the flags of the script.

    Raises:
        SpaceError: the text isn't a setting, or sets a flag that isn't declared.
        FlagError: a value isn't one that the flag takes.
    """
    name, equals, written = text.partition("=")
    named = by_name(declared)
    if not equals:
        raise SpaceError(f"a setting must be FLAG=VALUES, but got {text!r}")
    if name not in named:
        raise SpaceError(unknown("flag", name, named))
    try:
        written, condition = _split(written)
        domain = _domain(named[name], written)
    except SpaceError as error:
        raise SpaceError(f"{name}: {error}") from None
    named[name].check_domain(domain)
    return name, domain if condition is None else {"values": domain, "only": condition}


def _split(written: str) -> tuple[str, str | None]:
    """What stands before the first " if ", or after a JSON list, and the condition behind it."""
    start = _end_of_json(written) if written.startswith("[") else 0
    place = written.find(_IF, start)
    if place < 0:
        return written, None
    return written[:place], written[place + len(_IF) :].strip()


def _end_of_json(written: str) -> int:
    try:
        return json.JSONDecoder().raw_decode(written)[1]
    except ValueError:  # the reader of the values says what is wrong
        return len(written)


def _domain(flag: Flag, written: str) -> Domain:
    if written.startswith("["):
        return _json_choice(written)
    if ":" in written and flag.kind in (FlagKind.NUMERIC, FlagKind.INTEGER):
        return _range(flag, written)
    items = written.split(",")
    for item in items:
        if not item or item != item.strip():
            raise SpaceError(
                f"values must be without spaces around them and not empty, or a JSON list, but got {item!r}"
            )
    return Choice([flag.parse(item) for item in items])


def _json_choice(written: str) -> Choice:
    try:
        values = json.loads(written)
    except ValueError as error:
        raise SpaceError(f"a list in brackets must be JSON, but got {written!r}: {error}") from None
    return Choice(values)


def _range(flag: Flag, written: str) -> Domain:
    low, high, *rest = written.split(":")
    if len(rest) > 1:
        raise SpaceError(f"a range must be LOW:HIGH, LOW:HIGH:STEP or LOW:HIGH:{_LOG}, but got {written!r}")
    step = None if rest in ([], [_LOG]) else _number(flag, rest[0])
    return number_range(_number(flag, low), _number(flag, high), step, rest == [_LOG], like=flag.default)


def _number(flag: Flag, written: str) -> Value:
    number = read_text(flag.kind, written)
    if number is None:
        raise FlagError(
            f"each part of a range of flag {flag.name} must be {LAWS[flag.kind]}, but got {shown(written)}"
        )
    return number
