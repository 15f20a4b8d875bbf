"""Rules of operators that work element by element on fixed-point numbers: sums, products, bounds, comparisons, choice."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hlsgen.algebra.expression import Expression, Literal
from hlsgen.fixed_point import terms
from hlsgen.fixed_point.conversion import Asked, Conversion, Fixed, Operands, Value
from hlsgen.fixed_point.format import Format
from hlsgen.graph.ir import Node
from hlsgen.ops.arithmetic import Max, Min, Sub, Sum
from hlsgen.ops.compare import Equal, Greater, GreaterOrEqual, Less, LessOrEqual
from hlsgen.ops.reason import Reason

SPARE_BITS = 12
"""How many fraction bits an operand of a sum may have beyond those of the result; the rest is rounded away first."""
INTEGER_FRACTION = 0

Binary = Callable[[Expression, Expression], Expression]


def common_fraction(values: tuple[Value, ...], asked: Asked) -> int:
    """The fraction in which values are added or compared: of integers 0, else that of the finest, as far as the result shows it."""
    fractions = [v.format.fraction for v in values if isinstance(v, Fixed)]
    if not asked.real and all(not v.real for v in values if isinstance(v, Fixed)):
        return INTEGER_FRACTION
    most = asked.format.fraction + SPARE_BITS if asked.real else max(fractions)
    return min(max(fractions), most)


def finish(
    c: Conversion, expression: Expression, fraction: int, operands: Operands, asked: Asked
) -> Fixed | Reason:
    """Reals are brought to their format; integers wrap around where their type is too narrow."""
    if asked.real:
        return c.brought(expression, fraction, operands, asked)
    element = asked.type.integer
    if not c.fits(expression, operands, element):
        expression = terms.saturated(terms.wrapped(expression, element), element)
    name = c.formula(expression, operands, element)
    return name if isinstance(name, Reason) else c.finished(name, asked)


_FOLDS: dict[type, Binary] = {Sub: terms.subtract, Max: terms.maximum, Min: terms.minimum}


def fold(c: Conversion, node: Node, values: tuple[Value, ...], asked: Asked) -> Fixed | Reason:
    """Add, Sub, Sum, Max, Min of any number of operands."""
    fraction, operands = common_fraction(values, asked), Operands()
    combine = _FOLDS.get(type(node.op), terms.add)
    total = c.term(values[0], fraction, operands)
    for value in values[1:]:
        total = combine(total, c.term(value, fraction, operands))
    return finish(c, total, fraction, operands, asked)


def mean(c: Conversion, node: Node, values: tuple[Value, ...], asked: Asked) -> Fixed | Reason:
    """Mean of several operands."""
    fraction, operands = common_fraction(values, asked), Operands()
    total = c.term(values[0], fraction, operands)
    for value in values[1:]:
        total = terms.add(total, c.term(value, fraction, operands))
    bits = c.bits + 2
    factor = round(2.0**bits / len(values))
    return finish(c, terms.multiply(total, Literal(factor)), fraction + bits, operands, asked)


def product_term(c: Conversion, value: Value, operands: Operands) -> tuple[Expression, int]:
    """A factor and its fraction; a constant in a format of its own."""
    if isinstance(value, Fixed):
        return operands.of(value.name), value.format.fraction
    array = np.asarray(value)
    if array.dtype.kind in "iub":
        return c.constant(array.astype(np.int64), operands), 0
    own = Format.holding(c.bits, float(array.min()), float(array.max()))
    return c.constant(own.quantise(array), operands), own.fraction


def multiply(c: Conversion, node: Node, values: tuple[Value, ...], asked: Asked) -> Fixed | Reason:
    """Mul."""
    operands = Operands()
    (a, first), (b, second) = (product_term(c, value, operands) for value in values)
    return finish(c, terms.multiply(a, b), first + second, operands, asked)


_COMPARED: dict[type, tuple[int, bool]] = {
    Greater: (1, False),
    GreaterOrEqual: (0, False),
    Less: (1, True),
    LessOrEqual: (0, True),
}
"""From which difference on the comparison holds, and whether of b - a instead of a - b."""


def compare(c: Conversion, node: Node, values: tuple[Value, ...], asked: Asked) -> Fixed | Reason:
    """Comparisons, by the sign of the difference."""
    fraction, operands = common_fraction(values, asked), Operands()
    a, b = (c.term(value, fraction, operands) for value in values)
    if isinstance(node.op, Equal):
        return finish(c, terms.equal(a, b), 0, operands, asked)
    threshold, swapped = _COMPARED[type(node.op)]
    difference = terms.subtract(b, a) if swapped else terms.subtract(a, b)
    return finish(c, terms.at_least(difference, threshold), 0, operands, asked)


def logic(c: Conversion, node: Node, values: tuple[Value, ...], asked: Asked) -> Fixed | Reason:
    """And, Or, Xor, Not of truth values."""
    operands = Operands()
    parts = [c.term(value, 0, operands) for value in values]
    match node.op.name:
        case "And":
            whole = terms.minimum(*parts)
        case "Or":
            whole = terms.maximum(*parts)
        case "Xor":
            whole = terms.subtract(Literal(1), terms.equal(*parts))
        case _:
            whole = terms.subtract(Literal(1), parts[0])
    return finish(c, whole, 0, operands, asked)


def where(c: Conversion, node: Node, values: tuple[Value, ...], asked: Asked) -> Fixed | Reason:
    """b + condition * (a - b)."""
    condition, *others = values
    fraction, operands = common_fraction(tuple(others), asked), Operands()
    chosen = c.term(condition, 0, operands)
    a, b = (c.term(value, fraction, operands) for value in others)
    whole = terms.add(b, terms.multiply(terms.subtract(a, b), chosen))
    return finish(c, whole, fraction, operands, asked)


def prelu(c: Conversion, node: Node, values: tuple[Value, ...], asked: Asked) -> Fixed | Reason:
    """max(x, 0) + slope * min(x, 0)."""
    operands = Operands()
    (x, fraction), (slope, steps) = (product_term(c, value, operands) for value in values)
    above = terms.floor_shift(terms.maximum(x, Literal(0)), -steps)
    below = terms.multiply(terms.minimum(x, Literal(0)), slope)
    if steps < 0:
        above = terms.maximum(x, Literal(0))
        below = terms.floor_shift(below, steps)
        steps = 0
    return finish(c, terms.add(above, below), fraction + steps, operands, asked)


__all__ = ["Sum", "compare", "finish", "fold", "logic", "mean", "multiply", "prelu", "where"]
