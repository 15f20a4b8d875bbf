"""Rules of ArgMax, ArgMin and TopK: the greatest element, its first place, and the same again without it."""

from __future__ import annotations

import numpy as np

from hlsgen.algebra.expression import Expression, Literal
from hlsgen.algebra.types import ElementType
from hlsgen.fixed_point import terms
from hlsgen.fixed_point.conversion import Asked, Conversion, Fixed, Operands, Value
from hlsgen.fixed_point.structure import negative
from hlsgen.graph.ir import Node
from hlsgen.ops.axes import AxisMaximum
from hlsgen.ops.join import Concat
from hlsgen.ops.reason import Reason
from hlsgen.ops.reshape import Reshape
from hlsgen.ops.select import MOST_TAKEN, ArgMax, ArgMin, TopK


def place(c: Conversion, node: Node, values: tuple[Value, ...], asked: Asked) -> Fixed | Reason:
    """ArgMax and ArgMin."""
    x, op = values[0], node.op
    assert isinstance(x, Fixed) and isinstance(op, ArgMax)
    axis = op.axis % len(x.type.shape)
    turned = negative(c, x.name, x.type.integer) if isinstance(op, ArgMin) else x.name
    if isinstance(turned, Reason):
        return turned
    best = c.node(AxisMaximum((axis,), True), [turned])
    at = _first_place(c, turned, best, axis, op.last, asked.type.integer)
    if isinstance(at, str) and not op.keep:
        at = c.node(Reshape(asked.type.shape), [at])
    return at if isinstance(at, Reason) else c.finished(at, asked)


def _first_place(
    c: Conversion, x: str, best: str, axis: int, last: bool, element: ElementType
) -> str | Reason:
    """Where along the axis x is first equal to its greatest element, or last."""
    count = c.build.types[x].shape[axis]
    operands = Operands()
    same = terms.equal(operands.of(x), operands.of(best))
    weights = _along(c, np.arange(count) + 1 if last else count - np.arange(count), x, axis)
    marks = c.formula(
        terms.multiply(same, c.constant(weights, operands)), operands, ElementType.holding(0, count)
    )
    if isinstance(marks, Reason):
        return marks
    top = c.node(AxisMaximum((axis,), True), [marks])
    final = Operands()
    mark: Expression = terms.clamp(final.of(top), 1, count)
    whole = terms.subtract(mark, Literal(1)) if last else terms.subtract(Literal(count), mark)
    return c.formula(whole, final, element)


def _along(c: Conversion, numbers: np.ndarray, x: str, axis: int) -> np.ndarray:
    shape = [1] * len(c.build.types[x].shape)
    shape[axis] = -1
    return numbers.reshape(shape)


def greatest(c: Conversion, node: Node, values: tuple[Value, ...], asked: Asked) -> Fixed | Reason:
    """TopK: the greatest element again and again, each time without those that were taken."""
    x, op = values[0], node.op
    assert isinstance(x, Fixed) and isinstance(op, TopK) and isinstance(op.count, int)
    if not 1 <= op.count <= MOST_TAKEN:
        return Reason(f"it takes {op.count} elements, more than {MOST_TAKEN} or none")
    axis, element = op.axis % len(x.type.shape), x.type.integer
    rest: str | Reason = x.name if op.largest else negative(c, x.name, element)
    taken: list[str] = []
    for number in range(op.count):
        if isinstance(rest, Reason):
            return rest
        best = c.node(AxisMaximum((axis,), True), [rest])
        place_type = asked.type.integer if op.result else ElementType(32, True)
        at = _first_place(c, rest, best, axis, False, place_type)
        if isinstance(at, Reason):
            return at
        value: str | Reason = at if op.result else best
        if not op.result and not op.largest:
            value = negative(c, best, element)
        if isinstance(value, Reason):
            return value
        taken.append(value)
        if number + 1 < op.count:
            rest = _without(c, rest, at, axis, element)
    result = c.node(Concat(axis), taken) if len(taken) > 1 else taken[0]
    if op.result:
        return c.finished(result, asked)
    return Fixed(result, c.build.types[result], x.format, x.low, x.high, x.real)


def _without(c: Conversion, x: str, at: str, axis: int, element: ElementType) -> str | Reason:
    """x with the least integer at a place."""
    operands = Operands()
    count = c.build.types[x].shape[axis]
    own = operands.of(x)
    place_of = terms.clamp(operands.of(at), 0, count - 1)
    here = terms.equal(c.constant(_along(c, np.arange(count), x, axis), operands), place_of)
    gap = terms.subtract(Literal(element.minimum), own)
    whole = terms.add(own, terms.multiply(gap, here))
    return c.formula(terms.saturated(whole, element), operands, element)
