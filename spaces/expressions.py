"""The language of conditions and constraints: "layers >= 3", "dropout1 + dropout2 <= 0.6".

A small part of Python's expressions, read by Python's parser and interpreted here; nothing is
ever executed. It reads like the queries of a leaderboard (`--where "best_val_loss < 0.07 and ..."`).
Numbers stand for the decimals that write them: 0.2 + 0.4 <= 0.6 is true, as on paper.
"""

import ast
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from math import isfinite
from typing import Any, TypeAlias

from .errors import SpaceError
from .steps import decimal
from .values import Value, shown

Values: TypeAlias = Mapping[str, Value]
Code: TypeAlias = Callable[[Values], Any]

ALLOWED = (
    "comparisons, and, or, not, in, + - * / // %, min, max, abs, parentheses, numbers, strings, "
    "True, False, None and the names of flags"
)
FUNCTIONS: dict[str, Callable[..., Any]] = {"min": min, "max": max, "abs": abs}

_MOST_CHARACTERS = 10_000
_DEEPEST = 60
_ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: lambda a, b: Fraction(a) / b,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
ORDERINGS: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_EQUALITIES = (ast.Eq, ast.NotEq)
_MEMBERSHIPS = (ast.In, ast.NotIn)
_HINTS: dict[type[ast.AST], str] = {
    ast.BitAnd: "write and",
    ast.BitOr: "write or",
    ast.Invert: "write not",
    ast.Is: "write ==",
    ast.IsNot: "write !=",
    ast.NamedExpr: "write ==",
    ast.Pow: "write x * x",
}


@dataclass(frozen=True, eq=False)
class Expression:
    """A text of the language, parsed; its flags and types aren't looked at yet (`spaces.expression_kinds`).

    Attributes:
        text: As it was written.
        tree: What Python's parser made of it.
        names: The flags that it mentions, in order.
    """

    text: str
    tree: ast.expr
    names: tuple[str, ...]
    _code: Code = field(repr=False)

    @classmethod
    def parse(cls, text: object) -> "Expression":
        """The expression that `text` writes.

        Raises:
            SpaceError: It writes none; the message names text, column and what is allowed.
        """
        if not isinstance(text, str) or not text.strip():
            raise SpaceError(f"a condition must be a text such as 'layers >= 3', but got {shown(text)}")
        text = text.strip()
        tree = _tree(text)
        _check(text, tree)
        functions = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
        mentioned = [
            node for node in ast.walk(tree) if isinstance(node, ast.Name) and id(node) not in functions
        ]
        mentioned.sort(key=lambda node: (node.lineno, node.col_offset))
        return cls(text, tree, tuple(dict.fromkeys(node.id for node in mentioned)), _code(tree, exact=False))

    def __reduce__(self) -> tuple[Any, ...]:
        return Expression.parse, (self.text,)

    def true(self, values: Values) -> bool:
        """Whether it is true of these values, one of each flag that it mentions.

        Raises:
            SpaceError: It divides by zero there.
        """
        try:
            return bool(self._code(values))
        except ZeroDivisionError:
            where = ", ".join(f"{name} is {values[name]!r}" for name in self.names)
            raise SpaceError(f"{self.text!r} divides by zero where {where}") from None


def place(text: str, node: ast.expr) -> str:
    """The part of `text` that a node was read from."""
    return ast.get_source_segment(text, node) or text


def column(text: str, node: ast.AST) -> int:
    """Where in `text` a node begins, counted in characters from 1."""
    line = text.splitlines()[getattr(node, "lineno", 1) - 1]
    return len(line.encode()[: getattr(node, "col_offset", 0)].decode()) + 1


def _tree(text: str) -> ast.expr:
    if len(text) > _MOST_CHARACTERS:
        raise SpaceError(
            f"a condition must have at most {_MOST_CHARACTERS:,} characters, but got {len(text):,}"
        )
    try:
        return ast.parse(text, mode="eval").body
    except SyntaxError as error:
        raise SpaceError(
            f"{text!r}, column {error.offset or len(text)}: this is no expression; allowed are {ALLOWED}"
        ) from None
    except (ValueError, RecursionError, MemoryError) as error:  # a null byte; too deep for the parser
        raise SpaceError(f"{shown(text)} can't be read: {error}") from None


def _check(text: str, tree: ast.expr) -> None:
    """Refuse every node that isn't of the language."""
    nodes: list[tuple[ast.AST, ast.AST, int]] = [(tree, tree, 1)]
    while nodes:
        node, parent, depth = nodes.pop()
        if depth > _DEEPEST:
            raise SpaceError(f"{shown(text)} must nest at most {_DEEPEST} deep")
        fault = _fault(node, parent)
        if fault is not None:
            at = node if hasattr(node, "col_offset") else parent
            raise SpaceError(f"{text!r}, column {column(text, at)}: {fault}; allowed are {ALLOWED}")
        nodes += [(child, node, depth + 1) for child in ast.iter_child_nodes(node)]


def _fault(node: ast.AST, parent: ast.AST) -> str | None:
    """What is wrong with a node, its children apart; None where it is of the language."""
    match node:
        case ast.Name(id=name) if isinstance(parent, ast.Call) and node is parent.func:
            return None if name in FUNCTIONS else f"no function {name}"
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]):
            fits = len(args) == 1 if name == "abs" else len(args) >= 2
            wanted = "one number" if name == "abs" else "two or more numbers"
            return None if fits or name not in FUNCTIONS else f"{name} takes {wanted}"
        case ast.Constant(value=value):
            fine = value is None or type(value) in (bool, int, str)
            fine = fine or (isinstance(value, float) and isfinite(value))
            return None if fine else f"no value {value!r}"
        case ast.Tuple() | ast.List():
            listed = isinstance(parent, ast.Compare) and any(node is right for right in parent.comparators)
            return None if listed and node.elts else "a list may only stand after in, and not be empty"
        case ast.Compare(ops=ops, comparators=rights):
            for op, right in zip(ops, rights, strict=True):
                if isinstance(op, _MEMBERSHIPS) != isinstance(right, ast.Tuple | ast.List):
                    return "after in there must be a list such as (1, 2) or ('sgd',), and only there"
            return None
        case ast.BoolOp() | ast.BinOp() | ast.UnaryOp() | ast.Name() | ast.Load():
            return None
        case ast.And() | ast.Or() | ast.Not() | ast.USub() | ast.UAdd():
            return None
        case ast.operator() | ast.cmpop() if type(node) in _OPERATORS:
            return None
    hint = next((words for kind, words in _HINTS.items() if isinstance(node, kind)), None)
    return f"no {type(node).__name__}{f': {hint}' if hint else ''}"


_OPERATORS = {*_ARITHMETIC, *ORDERINGS, *_EQUALITIES, *_MEMBERSHIPS}


def _code(node: ast.expr, exact: bool) -> Code:
    """What computes a node; `exact` has floats as the decimals that they stand for."""
    match node:
        case ast.Constant(value=value):
            fixed = _exact(value) if exact else value
            return lambda values: fixed
        case ast.Name(id=name):
            return (lambda values: _exact(values[name])) if exact else (lambda values: values[name])
        case ast.BoolOp(op=ast.And(), values=parts):
            codes = [_code(part, exact) for part in parts]
            return lambda values: all(code(values) for code in codes)
        case ast.BoolOp(values=parts):
            codes = [_code(part, exact) for part in parts]
            return lambda values: any(code(values) for code in codes)
        case ast.UnaryOp(op=op, operand=operand):
            code, apply = _code(operand, exact), _UNARY[type(op)]
            return lambda values: apply(code(values))
        case ast.BinOp(left=left, op=op, right=right):
            first, second, compute = _code(left, True), _code(right, True), _ARITHMETIC[type(op)]
            return lambda values: compute(first(values), second(values))
        case ast.Call(func=ast.Name(id=name), args=args):
            function, codes = FUNCTIONS[name], [_code(arg, exact) for arg in args]
            return lambda values: function(*[code(values) for code in codes])
        case ast.Compare():
            return _comparison(node)
    raise AssertionError(ast.dump(node))


_UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.Not: operator.not_,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}


def _comparison(node: ast.Compare) -> Code:
    exact = any(isinstance(part, ast.BinOp) for part in ast.walk(node))
    sides = [node.left, *node.comparators]
    steps = [_step(sides[k], op, sides[k + 1], exact) for k, op in enumerate(node.ops)]
    if len(steps) == 1:
        return steps[0]
    return lambda values: all(step(values) for step in steps)


def _step(left: ast.expr, op: ast.cmpop, right: ast.expr, exact: bool) -> Code:
    first = _code(left, exact)
    if isinstance(op, _MEMBERSHIPS):
        assert isinstance(right, ast.Tuple | ast.List)
        codes, wanted = [_code(item, exact) for item in right.elts], isinstance(op, ast.In)
        return lambda values: any(_equal(first(values), code(values)) for code in codes) is wanted
    second = _code(right, exact)
    if isinstance(op, _EQUALITIES):
        wanted = isinstance(op, ast.Eq)
        return lambda values: _equal(first(values), second(values)) is wanted
    compare = ORDERINGS[type(op)]
    return lambda values: compare(first(values), second(values))


def _equal(a: Any, b: Any) -> bool:
    """1 equals 1.0, but True doesn't equal 1."""
    return (type(a) is bool) is (type(b) is bool) and bool(a == b)


def _exact(value: object) -> Any:
    return _decimal(value) if isinstance(value, float) else value


_decimal = lru_cache(maxsize=1 << 12)(decimal)
