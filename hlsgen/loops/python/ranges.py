"""What a loop of a kernel runs over, as a range of constant or affine bounds."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Sequence
from typing import TypeVar

from hlsgen.loops.python.nest import assigned

ConstantValue = Callable[[ast.expr], int | None]
"""The value of an expression that is an integer constant, None of any other."""
Node = TypeVar("Node", bound=ast.stmt)
MOST_COPIES = 64
"""Trips of a loop over the items of a list, which is unrolled: a list is not a memory."""


def located(node: Node, at: ast.AST) -> Node:
    """A statement that was made, with the line of the one that it stands for."""
    return ast.fix_missing_locations(ast.copy_location(node, at))


def assignment(name: str, value: ast.expr, at: ast.AST) -> ast.stmt:
    """``name = value``."""
    return located(ast.Assign([ast.Name(name, ast.Store())], value), at)


def as_range(node: ast.For, unused: Callable[[str], str], constant: ConstantValue) -> ast.For:
    """A loop over arrays or over a reversed range as one over a range; any other as it is."""
    match node.iter:
        case ast.Call(
            func=ast.Name(id="reversed"), args=[ast.Call(func=ast.Name(id="range")) as forward]
        ):
            backward = _reversed(forward, constant)
            return node if backward is None else _over(node, node.target, backward, [])
        case ast.Call(func=ast.Name(id="enumerate"), args=[ast.expr() as array], keywords=[]):
            if isinstance(node.target, ast.Tuple) and len(node.target.elts) == 2:
                counter, element = node.target.elts
                if isinstance(counter, ast.Name):
                    return _over_items(node, counter, [(element, array)], constant)
        case ast.Call(func=ast.Name(id="zip"), args=arrays, keywords=[]) if arrays:
            if isinstance(node.target, ast.Tuple) and len(node.target.elts) == len(arrays):
                pairs = list(zip(node.target.elts, arrays, strict=True))
                return _over_items(node, ast.Name(unused("index"), ast.Store()), pairs, constant)
        case ast.Name() | ast.Subscript():
            index = ast.Name(unused("index"), ast.Store())
            return _over_items(node, index, [(node.target, node.iter)], constant)
    return node


def _over_items(
    node: ast.For,
    counter: ast.Name,
    pairs: Sequence[tuple[ast.expr, ast.expr]],
    constant: ConstantValue,
) -> ast.For:
    """A loop over the items of arrays side by side, as long as the shortest; the loop itself where a length is not known."""
    lengths = [constant(ast.Call(ast.Name("len", ast.Load()), [array], [])) for _, array in pairs]
    known = [length for length in lengths if length is not None]
    if len(known) < len(lengths):
        return node
    reads: list[ast.stmt] = []
    for target, array in pairs:
        index = ast.Name(counter.id, ast.Load())
        element = ast.Subscript(copy.deepcopy(array), index, ast.Load())
        reads.append(located(ast.Assign([target], element), node))
    return _over(node, counter, _range(0, min(known), 1), reads)


def _over(
    node: ast.For, target: ast.expr, iterable: ast.expr, first: Sequence[ast.stmt]
) -> ast.For:
    return located(ast.For(target, iterable, [*first, *node.body], node.orelse), node)


def _range(*bounds: int) -> ast.expr:
    parts: list[ast.expr] = [ast.Constant(bound) for bound in bounds]
    return ast.Call(ast.Name("range", ast.Load()), parts, [])


def _reversed(forward: ast.Call, constant: ConstantValue) -> ast.expr | None:
    """The range backwards; None where its bounds are not constant."""
    bounds = [constant(argument) for argument in forward.args]
    known = [bound for bound in bounds if bound is not None]
    if len(known) < len(bounds) or not 1 <= len(bounds) <= 3 or 0 in known[2:]:
        return None
    back = range(*known)[::-1]
    return _range(back.start, back.stop, back.step)


def bounded(node: ast.For, unused: Callable[[str], str], constant: ConstantValue) -> list[ast.stmt]:
    """A loop up to ``min(limit, constant)`` becomes one up to the constant, whose body is under ``counter < limit``.

    The statements that come before the loop: a limit that the loop could change is kept in a variable.
    """
    call = node.iter
    if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name)) or not call.args:
        return []
    place = min(1, len(call.args) - 1)
    stop = call.args[place]
    up = all((constant(step) or 0) > 0 for step in call.args[2:])
    is_min = (
        isinstance(stop, ast.Call) and isinstance(stop.func, ast.Name) and stop.func.id == "min"
    )
    if call.func.id != "range" or not up or not is_min or not isinstance(node.target, ast.Name):
        return []
    assert isinstance(stop, ast.Call)
    values = [(argument, constant(argument)) for argument in stop.args]
    known = [value for _, value in values if value is not None]
    limits = [argument for argument, value in values if value is None]
    if not known or not limits:
        return []
    before: list[ast.stmt] = []
    tests: list[ast.expr] = []
    changed = assigned(node.body)
    for limit in limits:
        if any(isinstance(part, ast.Name) and part.id in changed for part in ast.walk(limit)):
            name = unused("limit")
            before.append(assignment(name, limit, node))
            limit = ast.Name(name, ast.Load())
        tests.append(ast.Compare(ast.Name(node.target.id, ast.Load()), [ast.Lt()], [limit]))
    call.args[place] = ast.Constant(min(known))
    test = tests[0] if len(tests) == 1 else ast.BoolOp(ast.And(), tests)
    node.body = [located(ast.If(test, node.body, []), node)]
    ast.fix_missing_locations(node)
    return before
