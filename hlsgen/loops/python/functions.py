"""Functions that a kernel calls: assignments and conditions with one return at the end, put in place of the call."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hlsgen.loops.python.refusals import shown, unsupported


@dataclass(frozen=True)
class Inlined:
    """``parameters``, ``statements`` and the ``result`` of a function; ``names``: what names that it does not assign mean in it."""

    parameters: tuple[str, ...]
    statements: tuple[ast.stmt, ...]
    result: ast.expr
    names: Mapping[str, Any]


def names_of(function: Callable[..., Any]) -> Mapping[str, Any]:
    """Globals and closure of a function, without its own variables."""
    own = set(function.__code__.co_varnames) | set(function.__code__.co_cellvars)
    bound = inspect.getclosurevars(function).nonlocals
    outside = {**function.__globals__, **bound}
    return {name: value for name, value in outside.items() if name not in own}


def inlined(where: str, path: str, node: ast.Call, function: Callable[..., Any]) -> Inlined:
    """Read a function that ``node`` calls in the file ``path``; raises UnsupportedOp where it has another form."""
    definition = _definition(function)
    if definition is None:
        raise unsupported(
            where, node, "a function written with 'def' in a file", shown(node), "Write it so."
        )
    parameters = definition.args
    plain = not (
        parameters.vararg or parameters.kwarg or parameters.kwonlyargs or parameters.defaults
    )
    statements = [statement for statement in definition.body if not _is_remark(statement)]
    last = statements.pop() if statements else None
    plain = plain and not definition.decorator_list and all(map(_is_plain, statements))
    if not plain or not isinstance(last, ast.Return) or last.value is None:
        raise unsupported(
            where,
            node,
            "a function without default values, of assignments and conditions with one return at its end",
            shown(node),
            "Write it in that form.",
        )
    elsewhere = function.__code__.co_filename != path
    for syntax in ast.walk(definition):
        if isinstance(syntax, ast.stmt | ast.expr):  # a line of the kernel's file, for messages
            syntax.lineno = (
                node.lineno if elsewhere else syntax.lineno + function.__code__.co_firstlineno - 1
            )
    names = [argument.arg for argument in (*parameters.posonlyargs, *parameters.args)]
    return Inlined(tuple(names), tuple(statements), last.value, names_of(function))


def _definition(function: Callable[..., Any]) -> ast.FunctionDef | None:
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):
        return None
    first = tree.body[0]
    return first if isinstance(first, ast.FunctionDef) else None


def _is_remark(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _is_plain(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.If):
        return all(_is_plain(part) for part in (*statement.body, *statement.orelse))
    return isinstance(statement, ast.Assign | ast.AugAssign | ast.Pass)
