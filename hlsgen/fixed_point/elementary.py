"""Rules of functions of one element."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hlsgen.algebra.expression import Expression, Literal
from hlsgen.fixed_point import powers, terms
from hlsgen.fixed_point.arithmetic import finish
from hlsgen.fixed_point.conversion import Asked, Conversion, Fixed, FixedRule, Operands, Value
from hlsgen.fixed_point.functions import ACCEPTED, Function, piecewise
from hlsgen.graph.ir import Node
from hlsgen.ops.activation import Clip, Relu
from hlsgen.ops.functions import Precise
from hlsgen.ops.op import TensorOp
from hlsgen.ops.piecewise import ThresholdedRelu
from hlsgen.ops.reason import Reason
from hlsgen.ops.shift import ShiftRequantise

Lines = Callable[[TensorOp, Expression, Fixed], Expression]
"""An exact function of integers, in the operand's format."""


def exact(lines: Lines) -> FixedRule:
    """The rule of a function that integers have exactly."""

    def rule(c: Conversion, node: Node, values: tuple[Value, ...], asked: Asked) -> Fixed | Reason:
        (x,) = values
        assert isinstance(x, Fixed), "constants are folded"
        operands = Operands()
        expression = lines(node.op, operands.of(x.name), x)
        return finish(c, expression, x.format.fraction, operands, asked)

    return rule


def relu(op: TensorOp, x: Expression, value: Fixed) -> Expression:
    """max(x, 0)."""
    return terms.maximum(x, Literal(0))


def clip(op: TensorOp, x: Expression, value: Fixed) -> Expression:
    """Bounds in steps of the operand."""
    assert isinstance(op, Clip)
    if op.low is not None:
        x = terms.maximum(x, Literal(int(value.format.quantise(op.low))))
    if op.high is not None:
        x = terms.minimum(x, Literal(int(value.format.quantise(op.high))))
    return x


def bounds(c: Conversion, node: Node, values: tuple[Value, ...], asked: Asked) -> Fixed | Reason:
    """Relu and Clip: the bounds of the requantisation before, where nobody else reads that."""
    (x,) = values
    before = c.build.producer(x.name) if isinstance(x, Fixed) else None
    if (
        before is None
        or not isinstance(x, Fixed)
        or not isinstance(before.op, ShiftRequantise)
        or node.inputs[0] not in c.single
    ):
        return exact(clip if isinstance(node.op, Clip) else relu)(c, node, values, asked)
    format = asked.format
    op = node.op
    assert isinstance(op, Relu | Clip)
    low, high = (0.0, None) if isinstance(op, Relu) else (op.low, op.high)
    least = format.element.minimum if low is None else int(format.quantise(low))
    most = format.element.maximum if high is None else int(format.quantise(high))
    bounded = before.op.bounded(format.fraction - x.format.fraction, least, max(least, most))
    return c.finished(c.node(bounded, before.inputs), asked)


def negative(op: TensorOp, x: Expression, value: Fixed) -> Expression:
    """-x."""
    return terms.subtract(Literal(0), x)


def magnitude(op: TensorOp, x: Expression, value: Fixed) -> Expression:
    """|x|."""
    return terms.absolute(x)


def sign(op: TensorOp, x: Expression, value: Fixed) -> Expression:
    """-1, 0 or 1."""
    whole = terms.add(terms.at_least(x, 1), terms.at_least(x, 0, -1, 0))
    return terms.floor_shift(whole, -value.format.fraction)


def _whole(x: Expression, fraction: int) -> Expression:
    return terms.floor_shift(terms.floor_shift(x, fraction), -fraction) if fraction > 0 else x


def floor(op: TensorOp, x: Expression, value: Fixed) -> Expression:
    """The greatest whole number not above x."""
    return _whole(x, value.format.fraction)


def ceil(op: TensorOp, x: Expression, value: Fixed) -> Expression:
    """The least whole number not below x."""
    return terms.subtract(Literal(0), _whole(terms.subtract(Literal(0), x), value.format.fraction))


def nearest(op: TensorOp, x: Expression, value: Fixed) -> Expression:
    """The nearest whole number, halves to even: halves up, less 1 where x is a half and that is odd."""
    fraction = value.format.fraction
    if fraction <= 0:
        return x
    moved = terms.add(x, Literal(1 << (fraction - 1)))
    up = terms.floor_shift(moved, fraction)
    odd = terms.subtract(up, terms.floor_shift(terms.floor_shift(up, 1), -1))
    tie = terms.equal(moved, terms.floor_shift(up, -fraction))
    return terms.floor_shift(terms.subtract(up, terms.multiply(odd, tie)), -fraction)


def thresholded(op: TensorOp, x: Expression, value: Fixed) -> Expression:
    """x above the threshold, else 0."""
    assert isinstance(op, ThresholdedRelu)
    least = int(np.floor(op.threshold * 2.0**value.format.fraction)) + 1
    return terms.multiply(x, terms.at_least(x, least))


def real_function(op: TensorOp) -> Function:
    """The function of an elementwise operator in float64."""
    if isinstance(op, Precise):
        return lambda x: np.asarray(op.function(np, x))
    return lambda x: np.asarray(op.evaluate(np, np.asarray(x, np.float64)))


def polynomial(
    c: Conversion, node: Node, values: tuple[Value, ...], asked: Asked
) -> Fixed | Reason:
    """A polynomial by segment of the operator's own function."""
    (x,) = values
    assert isinstance(x, Fixed), "constants are folded"
    return of_function(c, node.op.name, real_function(node.op), x, asked)


def of_function(
    c: Conversion, title: str, function: Function, x: Fixed, asked: Asked
) -> Fixed | Reason:
    """A polynomial by segment of any function."""
    form = piecewise(function, x.format, x.low, x.high, asked.format)
    if form is None:
        return Reason(
            f"{title} has no polynomials of 512 segments within {ACCEPTED:g} of its range from "
            f"{x.low * x.format.step:g} to {x.high * x.format.step:g}"
        )
    operands = Operands()
    operands.of(x.name)
    name = c.formula(form.expression, operands, asked.format.element)
    return name if isinstance(name, Reason) else c.finished(name, asked)


def root(c: Conversion, node: Node, values: tuple[Value, ...], asked: Asked) -> Fixed | Reason:
    """Sqrt."""
    return of_power(c, values[0], 0.5, asked)


def logarithm(c: Conversion, node: Node, values: tuple[Value, ...], asked: Asked) -> Fixed | Reason:
    """Log."""
    (x,) = values
    assert isinstance(x, Fixed)
    simple = of_function(c, "Log", np.log, x, asked) if x.low > 0 else Reason("0 has no logarithm")
    if isinstance(simple, Fixed):
        return simple
    m, operands = _normalised(c, x)
    form = powers.logarithm(x.format, x.low, x.high, asked.format)
    return _of_form(c, form, m, operands, asked)


def reciprocal(
    c: Conversion, node: Node, values: tuple[Value, ...], asked: Asked
) -> Fixed | Reason:
    """Reciprocal; of numbers of both signs, the magnitude's with the sign."""
    return of_power(c, values[0], -1.0, asked)


def power(c: Conversion, node: Node, values: tuple[Value, ...], asked: Asked) -> Fixed | Reason:
    """Pow with one constant exponent."""
    x, exponent = values
    if isinstance(exponent, Fixed) or not isinstance(x, Fixed):
        return Reason("its exponent is computed, not constant")
    if np.unique(exponent).size != 1:
        return Reason("its exponents are several numbers")
    value = float(np.asarray(exponent).reshape(-1)[0])
    if value in (1.0, 2.0, 3.0):
        operands = Operands()
        whole: Expression = operands.of(x.name)
        for _ in range(int(value) - 1):
            whole = terms.multiply(whole, operands.of(x.name))
        return finish(c, whole, int(value) * x.format.fraction, operands, asked)
    if value.is_integer() and value >= 0:
        return of_function(c, "Pow", lambda r: np.asarray(r**value), x, asked)
    return of_power(c, x, value, asked)


def of_power(c: Conversion, x: Value, exponent: float, asked: Asked) -> Fixed | Reason:
    """x ** exponent: polynomials where they are close enough, else by the leading one of x."""
    assert isinstance(x, Fixed), "constants are folded"
    both = x.low <= 0
    if both and exponent == -1.0 and x.low < 0:
        return _signed_reciprocal(c, x, asked)
    if x.low < 0:
        return Reason(f"its operand goes down to {x.low * x.format.step:g}")
    if x.high <= 0:
        return Reason("its operand is always 0")
    if not both:
        simple = of_function(c, "the power", lambda r: np.asarray(r**exponent), x, asked)
        if isinstance(simple, Fixed):
            return simple
    m, operands = _normalised(c, x)
    form = powers.power(exponent, x.format, x.low, x.high, asked.format)
    if form is not None and both and exponent > 0:
        form = terms.multiply(form, terms.at_least(operands.of(x.name), 1))
    return _of_form(c, form, m, operands, asked)


def _normalised(c: Conversion, x: Fixed) -> tuple[str, Operands]:
    """The operand times the power of two that makes its leading one the first bit; operands r0, that, and r1, the operand."""
    expression, element = powers.normaliser(x.low, x.high)
    own = Operands()
    own.of(x.name)
    name = c.formula(expression, own, element)
    assert isinstance(name, str), "a normalised number has no more bits than the number"
    operands = Operands()
    operands.of(name)
    operands.of(x.name)
    return name, operands


def _of_form(
    c: Conversion, form: Expression | None, m: str, operands: Operands, asked: Asked
) -> Fixed | Reason:
    if form is None:
        return Reason("no polynomial is close enough")
    name = c.formula(form, operands, asked.format.element)
    return name if isinstance(name, Reason) else c.finished(name, asked)


def _signed_reciprocal(c: Conversion, x: Fixed, asked: Asked) -> Fixed | Reason:
    operands = Operands()
    top = max(-x.low, x.high)
    name = c.formula(
        terms.clamp(terms.absolute(operands.of(x.name)), 0, top), operands, x.type.integer
    )
    if isinstance(name, Reason):
        return name
    size = Fixed(name, x.type, x.format, 1, top)
    most = max(abs(bound) for bound in asked.range)
    inner = of_power(c, size, -1.0, Asked(asked.type, asked.format, True, (0.0, most)))
    if isinstance(inner, Reason):
        return inner
    signs = Operands()
    factor = terms.add(
        terms.at_least(signs.of(x.name), 1), terms.at_least(signs.of(x.name), 0, -1, 0)
    )
    whole = terms.multiply(signs.of(inner.name), factor)
    return finish(c, whole, inner.format.fraction, signs, asked)
