"""Expressions of fixed-point arithmetic, in the few scalar operators that hardware has."""

from __future__ import annotations

from hlsgen.algebra.expression import Call, Expression, Literal
from hlsgen.algebra.scalar import (
    Add,
    Clamp,
    Equal,
    Maximum,
    Minimum,
    Multiply,
    ShiftRight,
    Steps,
    Subtract,
)
from hlsgen.algebra.types import ElementType
from hlsgen.fixed_point.format import Format


def add(a: Expression, b: Expression) -> Expression:
    """a + b."""
    if isinstance(b, Literal) and b.value == 0:
        return a
    return Call(Add(), (a, b))


def subtract(a: Expression, b: Expression) -> Expression:
    """a - b."""
    return Call(Subtract(), (a, b))


def multiply(a: Expression, b: Expression) -> Expression:
    """a * b."""
    return a if isinstance(b, Literal) and b.value == 1 else Call(Multiply(), (a, b))


def maximum(a: Expression, b: Expression) -> Expression:
    """The larger."""
    return Call(Maximum(), (a, b))


def minimum(a: Expression, b: Expression) -> Expression:
    """The smaller."""
    return Call(Minimum(), (a, b))


def absolute(a: Expression) -> Expression:
    """|a|."""
    return maximum(a, subtract(Literal(0), a))


def equal(a: Expression, b: Expression) -> Expression:
    """1 where a is b."""
    return Call(Equal(), (a, b))


def at_least(a: Expression, threshold: int, below: int = 0, above: int = 1) -> Expression:
    """``above`` from the threshold on, ``below`` before it."""
    return Call(Steps(0, 0, ((threshold, below, above),)), (a,))


def floor_shift(a: Expression, bits: int) -> Expression:
    """floor(a / 2**bits); a * 2**-bits for negative ``bits``."""
    if bits <= 0:
        return multiply(a, Literal(1 << -bits))
    return Call(ShiftRight(bits), (a,))


def rounded_shift(a: Expression, bits: int) -> Expression:
    """floor(a / 2**bits + 1/2); a * 2**-bits for negative ``bits``."""
    return floor_shift(a if bits <= 0 else add(a, Literal(1 << (bits - 1))), bits)


def clamp(a: Expression, low: int, high: int) -> Expression:
    """a within bounds."""
    return Call(Clamp(low, high), (a,))


def saturated(a: Expression, element: ElementType) -> Expression:
    """a within the range of a type."""
    return clamp(a, element.minimum, element.maximum)


def wrapped(a: Expression, element: ElementType) -> Expression:
    """a modulo 2**bits, as a value of a type."""
    low = -element.minimum
    moved = add(a, Literal(low))
    return subtract(a, floor_shift(floor_shift(moved, element.bits), -element.bits))


def brought(a: Expression, fraction: int, target: Format) -> Expression:
    """``a`` in steps of 2**-fraction, rounded and saturated to a format."""
    return saturated(rounded_shift(a, fraction - target.fraction), target.element)
