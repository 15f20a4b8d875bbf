"""Shapes of values by the integers that they hold."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Const, Shape, Value

from hlsgen.algebra.types import ElementType, bounds, narrowest


def shape_of(element: ElementType) -> Shape:
    """The Amaranth shape of an element type."""
    return Shape(element.bits, element.signed)


def number_of(element: ElementType, pattern: Value) -> Value:
    """The number that a stored pattern stands for, as arithmetic takes it (``element.twos_complement``)."""
    return Cat(Const(1, 1), pattern[0]).as_signed() if element.bipolar else pattern


def pattern_of(element: ElementType, number: Value) -> Value:
    """What is stored of a number that ``element`` holds."""
    if not element.bipolar:
        return number
    # an unsigned number of those that a bipolar element holds is 1
    return number[-1:] if Value.cast(number).shape().signed else Const(0, 1)


def shape_holding(low: int, high: int) -> Shape:
    """The narrowest Amaranth shape that holds every integer of [low, high], of any width."""
    return Shape(*narrowest(low, high))


def bounds_of(shape: Any) -> tuple[int, int]:
    """The smallest and largest value of an Amaranth shape."""
    cast = Shape.cast(shape)
    return bounds(cast.width, cast.signed)


def product_shape(a: Any, b: Any) -> Shape:
    """The narrowest shape that holds every product."""
    corners = [x * y for x in bounds_of(a) for y in bounds_of(b)]
    return shape_holding(min(corners), max(corners))


def extended(value: Value, bits: int) -> Value:
    """The lowest ``bits`` of a value; above its own by its sign, or zeros."""
    if len(value) >= bits:
        return value[:bits]
    top = value[-1] if value.shape().signed and len(value) else Const(0, 1)
    return Cat(value, top.replicate(bits - len(value)))
