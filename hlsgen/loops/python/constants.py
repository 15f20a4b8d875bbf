"""Integer constants of a kernel's source: literals, names from outside the function, arithmetic on them, lengths of arrays."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from hlsgen.algebra.affine import Affine
from hlsgen.loops.python.annotations import ArrayType

OPERATORS: Mapping[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.LShift: operator.lshift,
    ast.RShift: operator.rshift,
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
    ast.BitXor: operator.xor,
}


def integer_of(
    node: ast.expr, names: Mapping[str, Any], arrays: Mapping[str, ArrayType]
) -> int | None:
    """The value of a constant expression; None where it is none."""
    if isinstance(node, ast.Constant):
        return node.value if type(node.value) is int else None
    if isinstance(node, ast.Name):
        value = None if node.id in arrays else names.get(node.id)
        return as_integer(value)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        value = integer_of(node.operand, names, arrays)
        return None if value is None else -value
    if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
        a, b = (integer_of(operand, names, arrays) for operand in (node.left, node.right))
        if a is None or b is None:
            return None
        try:
            result = OPERATORS[type(node.op)](a, b)
        except (ArithmeticError, ValueError):
            return None
        return result if isinstance(result, int) else None
    match node:
        case ast.Call(func=ast.Name(id="len"), args=[array]):
            shape = _shape(array, names, arrays)
            return shape[0] if shape else None
        case ast.Subscript(value=ast.Attribute(value=array, attr="shape"), slice=axis):
            shape, place = _shape(array, names, arrays), integer_of(axis, names, arrays)
            if shape and place is not None and -len(shape) <= place < len(shape):
                return shape[place]
    return None


def _shape(
    node: ast.expr, names: Mapping[str, Any], arrays: Mapping[str, ArrayType]
) -> tuple[int, ...] | None:
    """The shape of an array, of a row of one, or of a table from outside the function; None of anything else."""
    if isinstance(node, ast.Subscript):
        shape = _shape(node.value, names, arrays)
        return None if shape is None else shape[1:]
    if not isinstance(node, ast.Name):
        return None
    if node.id in arrays:
        return arrays[node.id].shape
    value = names.get(node.id)
    try:
        return np.shape(value) if isinstance(value, list | tuple | np.ndarray) else None
    except ValueError:  # rows of several lengths
        return None


def affine_of(
    node: ast.expr,
    names: Mapping[str, Any],
    arrays: Mapping[str, ArrayType],
    counters: Mapping[str, Affine],
) -> Affine | None:
    """An expression as an affine function of loop trips, given what counters are of them; None where it is none."""
    value = integer_of(node, names, arrays)
    if value is not None:
        return Affine(value)
    if isinstance(node, ast.Name):
        return counters.get(node.id)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        operand = affine_of(node.operand, names, arrays, counters)
        return None if operand is None else Affine().plus(operand, -1)
    if not isinstance(node, ast.BinOp):
        return None
    a, b = (affine_of(operand, names, arrays, counters) for operand in (node.left, node.right))
    if a is None or b is None:
        return None
    match node.op:
        case ast.Add():
            return a.plus(b)
        case ast.Sub():
            return a.plus(b, -1)
        case ast.Mult() if not (a.terms and b.terms):
            factor, other = (b, a) if a.terms else (a, b)
            return Affine().plus(other, factor.offset)
    return None


def as_integer(value: Any) -> int | None:
    """A value as an integer where it is one (of Python or NumPy, no truth value)."""
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        return None
    if getattr(value, "shape", ()) != ():
        return None
    return operator.index(value)


def decided_comparison(operator: ast.cmpop, low: int, high: int) -> bool | None:
    """The comparison of two integers whose difference, left less right, is in [low, high]; None where both results are possible."""
    match operator:
        case ast.Lt():
            return True if high < 0 else (False if low >= 0 else None)
        case ast.LtE():
            return True if high <= 0 else (False if low > 0 else None)
        case ast.Gt():
            return True if low > 0 else (False if high <= 0 else None)
        case ast.GtE():
            return True if low >= 0 else (False if high < 0 else None)
        case ast.Eq():
            return False if low > 0 or high < 0 else (True if low == high == 0 else None)
        case ast.NotEq():
            return True if low > 0 or high < 0 else (False if low == high == 0 else None)
    return None
