"""``return`` of a kernel, which has no result: a variable that says whether the function has ended, and what follows under it.

In a loop the return leaves the loop, and every loop around it (Peterson, Kasami & Tokura, see ``structured.py``).
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Sequence

from hlsgen.loops.python.guards import names_in
from hlsgen.loops.python.ranges import assignment, located


def without_returns(function: ast.FunctionDef) -> ast.FunctionDef:
    """The function without ``return``; one of a value stays, and is refused where statements are checked."""
    if not any(_is_return(node) for node in ast.walk(function)):
        return function
    whole = copy.deepcopy(function)
    name = "returned"
    while name in set(names_in([function])):
        name += "_"
    first = whole.body[0]
    body = _Returns(name).block(whole.body, in_loop=False)
    whole.body = [assignment(name, ast.Constant(False), first), *body]
    return ast.fix_missing_locations(whole)


def _is_return(node: ast.AST) -> bool:
    if not isinstance(node, ast.Return):
        return False
    return node.value is None or (isinstance(node.value, ast.Constant) and node.value.value is None)


def _has_return(statement: ast.stmt) -> bool:
    return any(_is_return(node) for node in ast.walk(statement))


class _Returns:
    """``name`` of the variable that says whether the function has ended."""

    def __init__(self, name: str) -> None:
        self.name = name

    def block(self, statements: Sequence[ast.stmt], *, in_loop: bool) -> list[ast.stmt]:
        done: list[ast.stmt] = []
        for k, statement in enumerate(statements):
            if _is_return(statement):
                done.append(assignment(self.name, ast.Constant(True), statement))
                return [*done, located(ast.Break(), statement)] if in_loop else done
            done.append(statement)
            if not _has_return(statement):
                continue
            is_loop = isinstance(statement, ast.For | ast.While)
            if isinstance(statement, ast.For | ast.While | ast.If):
                inside = in_loop or is_loop
                statement.body = self.block(statement.body, in_loop=inside)
                statement.orelse = self.block(statement.orelse, in_loop=in_loop)
            if in_loop and is_loop:
                leave = located(ast.Break(), statement)
                done.append(located(ast.If(self._ended(), [leave], []), statement))
            if not in_loop:
                rest = self.block(statements[k + 1 :], in_loop=False)
                goes_on = ast.UnaryOp(ast.Not(), self._ended())
                return [*done, located(ast.If(goes_on, rest, []), rest[0])] if rest else done
        return done

    def _ended(self) -> ast.expr:
        return ast.Name(self.name, ast.Load())
