"""Every ``raise`` in the package that may raise an error for the user."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator
from dataclasses import dataclass

from errors.messages import PACKAGE, ROOT, Line

# Faults of the caller within hlsgen, and ends of the program: not messages for a user.
OTHERS = {name for name in dir(builtins) if isinstance(getattr(builtins, name), type)} | {"typer"}


@dataclass(frozen=True)
class Site:
    """One ``raise`` statement: its file below the repository, function, first and last line."""

    module: str
    function: str
    first: int
    last: int

    def met(self, lines: frozenset[Line] | set[Line]) -> bool:
        return any((self.module, k) in lines for k in range(self.first, self.last + 1))


def sites() -> list[Site]:
    """Every ``raise`` of an exception that is not built in; one that only raises again what was caught has no words of its own."""
    every = []
    for path in sorted(PACKAGE.rglob("*.py")):
        module = path.relative_to(ROOT).as_posix()
        every += list(_raises(ast.parse(path.read_text("utf-8")), module, "module"))
    return every


def _raises(node: ast.AST, module: str, function: str) -> Iterator[Site]:
    for child in ast.iter_child_nodes(node):
        inner = child.name if isinstance(child, ast.FunctionDef | ast.ClassDef) else function
        if isinstance(child, ast.Raise) and child.exc is not None:
            if _root(child.exc) not in OTHERS:
                yield Site(module, function, child.lineno, child.end_lineno or child.lineno)
        else:
            yield from _raises(child, module, inner)


def _root(exception: ast.expr) -> str:
    """The first name of ``a.b(...)`` or ``a``; ``type(error)(...)`` is an error of its own."""
    inner = exception
    if isinstance(inner, ast.Call) and isinstance(inner.func, ast.Call):
        return ""
    while isinstance(inner, ast.Call | ast.Attribute):
        inner = inner.func if isinstance(inner, ast.Call) else inner.value
    return inner.id if isinstance(inner, ast.Name) else ""
