"""Environment variables that a script sets before it imports, read from its syntax tree.

`os.environ["KERAS_BACKEND"] = "jax"` above `import keras` must hold where Keras is imported early, too.
"""

import ast
import os

CHANGES = ("setdefault", "update", "pop", "clear", "putenv", "unsetenv")


def environment_settings(tree: ast.Module) -> dict[str, str] | None:
    """What a module sets in the environment before its last import.

    Returns:
        The variables set to plain texts; None where a change can't be told without running the module.
    """
    imports = [
        place for place, statement in enumerate(tree.body) if any(map(_is_import, ast.walk(statement)))
    ]
    settings: dict[str, str] = {}
    for statement in tree.body[: max(imports, default=0)]:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        if any(map(_is_change, ast.walk(statement))):
            pair = _plain_setting(statement)
            if pair is None:
                return None
            settings |= pair
    return settings


def _is_import(node: ast.AST) -> bool:
    return isinstance(node, ast.Import | ast.ImportFrom)


def _is_environ(node: ast.AST) -> bool:
    return (isinstance(node, ast.Attribute) and node.attr == "environ") or (
        isinstance(node, ast.Name) and node.id == "environ"
    )


def _is_change(node: ast.AST) -> bool:
    if isinstance(node, ast.Subscript):
        return _is_environ(node.value) and not isinstance(node.ctx, ast.Load)
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return False
    return node.func.attr in CHANGES and (
        _is_environ(node.func.value) or node.func.attr in ("putenv", "unsetenv")
    )


def _plain_setting(statement: ast.stmt) -> dict[str, str] | None:
    """The one variable that a statement sets to a text, if that is all it does."""
    match statement:
        case ast.Assign(
            targets=[ast.Subscript(slice=ast.Constant(value=str(name)))], value=ast.Constant(value=str(text))
        ):
            return {name: text}
        case ast.Expr(
            value=ast.Call(
                func=ast.Attribute(attr="setdefault"),
                args=[ast.Constant(value=str(name)), ast.Constant(value=str(text))],
            )
        ):
            return {} if name in os.environ else {name: text}
    return None
