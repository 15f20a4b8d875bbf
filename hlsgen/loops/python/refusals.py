"""Errors of the Python front end: file, line and reason."""

from __future__ import annotations

import ast

from hlsgen.errors import IllegalGraph, UnsupportedOp


def unsupported(
    where: str, node: ast.AST | int, expected: str, found: str, advice: str
) -> UnsupportedOp:
    """A construct outside the language of kernels; ``where`` is "file.py, kernel name"."""
    return UnsupportedOp(_place(where, node), f"expected {expected}, found {found}", advice)


def illegal(
    where: str, node: ast.AST | int, expected: str, found: str, advice: str
) -> IllegalGraph:
    """A kernel that is in the language and wrong."""
    return IllegalGraph(_place(where, node), f"expected {expected}, found {found}", advice)


def shown(node: ast.AST) -> str:
    """The source of a construct, short."""
    text = ast.unparse(node).splitlines()[0]
    return f"'{text if len(text) <= 60 else text[:57] + '...'}'"


def _place(where: str, node: ast.AST | int) -> str:
    line = node if isinstance(node, int) else getattr(node, "lineno", None)
    return where if line is None else f"{where}, line {line}"
