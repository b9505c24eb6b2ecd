"""What kinds of values meet in a condition, known before any point is made.

An expression is followed once for every combination of kinds that its flags can have, with what
`and`, `or` and comparisons with None say about it: in "momentum != None and momentum > 0.5" a number
is compared with a number. So `optimizer < 3` is an error of the space and not of trial 17.
"""

import ast
from collections.abc import Iterable, Mapping
from enum import Enum
from itertools import product
from typing import Any, TypeAlias

from gridruns import unknown

from .domains import Choice, Domain
from .errors import SpaceError
from .expressions import Expression, column, place


class Kind(Enum):
    """What two values must have in common to be compared."""

    NUMBER = "a number"
    TEXT = "a string"
    BOOLEAN = "true or false"
    NONE = "None"


Known: TypeAlias = tuple[Kind, Any]
"""A kind, and the value where it is known: in the one form that matters, else `SOME`."""

SOME = object()
_FEW = 4
_WORDS = {"true": "True", "false": "False", "null": "None", "none": "None"}


def check_kinds(expression: Expression, domains: Mapping[str, Domain], what: str = "") -> None:
    """Passes if the flags are there and every operation gets what it works on.

    Args:
        expression: What a space says.
        domains: The flags of the space.
        what: What comes before the text in a message.

    Raises:
        SpaceError: It names the text, the column and the kinds.
    """
    for name in expression.names:
        if name not in domains:
            hint = f"write {_WORDS[name]}" if name in _WORDS else "a rule is about flags of the space"
            raise SpaceError(f"{what}{expression.text!r}: {unknown('flag', name, domains)}; {hint}")
    kinds = [_kinds(domains[name]) for name in expression.names]
    check = _Check(expression.text, what)
    for combination in product(*kinds):
        check.follow(expression, dict(zip(expression.names, combination, strict=True)))
    check.conclude()


def check_divisors(expression: Expression, domains: Mapping[str, Domain], what: str = "") -> None:
    """Passes if no divisor can be zero, for flags that are never all tried: ranges without a step.

    Raises:
        SpaceError: A divisor is neither a number nor a flag that can't be 0.
    """
    for node in ast.walk(expression.tree):
        if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Div | ast.FloorDiv | ast.Mod):
            continue
        match node.right:
            case ast.Constant(value=value) if value:
                continue
            case ast.Name(id=name) if not any(domains[name].contains(zero) for zero in (0, 0.0, False)):
                continue
        part = place(expression.text, node)
        raise SpaceError(
            f"{what}{expression.text!r}: in {part} the divisor must be a flag that can't be 0 or a number, "
            "because a range without a step is in it"
        )


def _kinds(domain: Domain) -> list[Known]:
    if not isinstance(domain, Choice):
        return [(Kind.NUMBER, SOME)]
    found = {_kind(value) for value in domain.values}
    if len(found) == 1 and domain.size > 1:
        return [(found.pop(), SOME)]
    # Of several kinds, a few values are each followed as they are: 'auto' in ["auto", 1, 2].
    words = sum(kind is Kind.TEXT for kind in map(_kind, domain.values))
    vague = {Kind.NUMBER} if words <= _FEW else {Kind.NUMBER, Kind.TEXT}
    known = {(kind, SOME if kind in vague else value) for value in domain.values for kind in [_kind(value)]}
    return sorted(known, key=lambda pair: (pair[0].value, str(pair[1])))


def _kind(value: object) -> Kind:
    if value is None:
        return Kind.NONE
    if isinstance(value, bool):
        return Kind.BOOLEAN
    return Kind.TEXT if isinstance(value, str) else Kind.NUMBER


class _Check:
    """The walks through one expression, and which equalities had like kinds in any of them."""

    def __init__(self, text: str, what: str) -> None:
        self._text = text
        self._what = what
        self._env: Mapping[str, Known] = {}
        self._alike: set[ast.expr] = set()
        self._unlike: dict[ast.expr, tuple[ast.expr, str]] = {}

    def follow(self, expression: Expression, env: Mapping[str, Known]) -> None:
        self._env = env
        self._truth(expression.tree)

    def conclude(self) -> None:
        """Refuse an equality whose sides were never alike."""
        for right, (node, words) in self._unlike.items():
            if right not in self._alike:
                raise self._error(node, f"compares {words}, which are never equal")

    def _error(self, node: ast.expr, words: str) -> SpaceError:
        part = place(self._text, node)
        at = "" if part == self._text else f", column {column(self._text, node)}: {part}"
        given = "".join(
            f", where {name} is None" for name, known in self._env.items() if known[0] is Kind.NONE
        )
        return SpaceError(f"{self._what}{self._text!r}{at} {words}{given}")

    def _truth(self, node: ast.expr) -> Any:
        kind, value = self._known(node)
        if kind is not Kind.BOOLEAN:
            raise self._error(node, f"must be true or false, but is {kind.value}")
        return value

    def _known(self, node: ast.expr) -> Known:
        match node:
            case ast.Constant(value=value):
                return _kind(value), value
            case ast.Name(id=name):
                return self._env[name]
            case ast.BoolOp(op=op, values=parts):
                return Kind.BOOLEAN, self._joined(parts, ends=isinstance(op, ast.Or))
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                value = self._truth(operand)
                return Kind.BOOLEAN, SOME if value is SOME else not value
            case ast.UnaryOp(operand=operand):
                self._number(node, [operand])
            case ast.BinOp(left=left, right=right):
                self._number(node, [left, right])
            case ast.Call(args=args):
                self._number(node, args)
            case ast.Compare():
                return Kind.BOOLEAN, self._compared(node)
        return Kind.NUMBER, SOME

    def _joined(self, parts: Iterable[ast.expr], ends: bool) -> Any:
        """The truth of an `and` (it ends at a False) or an `or` (at a True)."""
        found: Any = not ends
        for part in parts:
            value = self._truth(part)
            if value is ends:
                return ends
            found = SOME if value is SOME else found
        return found

    def _number(self, node: ast.expr, operands: Iterable[ast.expr]) -> None:
        for operand in operands:
            kind, _ = self._known(operand)
            if kind not in (Kind.NUMBER, Kind.BOOLEAN):
                raise self._error(node, f"computes with {kind.value}")

    def _compared(self, node: ast.Compare) -> Any:
        left, truths = node.left, []
        for op, right in zip(node.ops, node.comparators, strict=True):
            if isinstance(right, ast.Tuple | ast.List):
                equal = self._any([self._equal(node, left, item) for item in right.elts])
                truths.append(equal if isinstance(op, ast.In) else _not(equal))
            elif isinstance(op, ast.Eq | ast.NotEq):
                equal = self._equal(node, left, right)
                truths.append(equal if isinstance(op, ast.Eq) else _not(equal))
            else:
                truths.append(self._ordered(node, left, right))
            left = right
        return _not(self._any([_not(truth) for truth in truths]))

    def _any(self, truths: list[Any]) -> Any:
        if any(truth is True for truth in truths):
            return True
        return SOME if any(truth is SOME for truth in truths) else False

    def _equal(self, node: ast.expr, left: ast.expr, right: ast.expr) -> Any:
        (one, first), (other, second) = self._known(left), self._known(right)
        if one is other:
            self._alike.add(right)
            return SOME if SOME in (first, second) else first == second
        if Kind.NONE in (one, other):
            self._alike.add(right)
        self._unlike.setdefault(right, (node, f"{one.value} with {other.value}"))
        return False

    def _ordered(self, node: ast.expr, left: ast.expr, right: ast.expr) -> Any:
        one, other = self._known(left)[0], self._known(right)[0]
        if one is not other or one in (Kind.NONE, Kind.BOOLEAN):
            raise self._error(node, f"compares {one.value} with {other.value}")
        return SOME


def _not(truth: Any) -> Any:
    return SOME if truth is SOME else not truth
