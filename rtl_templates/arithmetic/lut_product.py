"""Multipliers of LUTs: sums of the products of one factor with the digits of the other, each at the price of a carry chain."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from amaranth.hdl import Cat, Module, Mux, Shape, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from hlsgen.rtl_templates import contract
from hlsgen.rtl_templates.arithmetic.shapes import product_shape
from hlsgen.rtl_templates.shared_unit import SharedUnit


def shape_name(shape: Any) -> str:
    """``s8`` for ``signed(8)``, ``u3`` for ``unsigned(3)``."""
    cast = Shape.cast(shape)
    return f"{'s' if cast.signed else 'u'}{cast.width}"


class DigitProduct(wiring.Component):
    """``a * digit``, combinational, for a digit of one or two bits: the sum of at most two rows of partial products.

    A platform with a method ``get_digit_product(a, digit)`` (shapes) gives the component of its family, with the same
    members; this is the portable one.

    **Cost**: a LUT per bit of the product where the family's carry cell holds the AND gates.
    **Semantics**: scalar operator Multiply.
    """

    def __init__(self, a: Any, digit: Any) -> None:
        if Shape.cast(digit).width not in (1, 2):
            raise ValueError(f"expected a digit of 1 or 2 bits, found {Shape.cast(digit)}")
        super().__init__({"a": In(a), "digit": In(digit), "product": Out(product_shape(a, digit))})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        if (get := getattr(platform, "get_digit_product", None)) is not None:
            m.submodules.cells = cells = get(self.a.shape(), self.digit.shape())
            m.d.comb += [cells.a.eq(self.a), cells.digit.eq(self.digit)]
            m.d.comb += self.product.eq(cells.product)
            return m
        negative = self.digit.shape().signed  # the weight of the digit's last bit
        rows = [Mux(bit, self.a, 0) for bit in self.digit]
        if len(rows) == 1:
            m.d.comb += self.product.eq(-rows[0] if negative else rows[0])
        elif negative:
            m.d.comb += self.product.eq(rows[0] - (rows[1] << 1))
        else:
            m.d.comb += self.product.eq(rows[0] + (rows[1] << 1))
        return m


def _digits(value: Value) -> list[Value]:
    """The digits of a factor, lowest first; the last has the sign, and one bit where the bits are odd in number."""
    last = (len(value) - 1) // 2 * 2
    top = value[last:]
    lower = [value[k : k + 2] for k in range(0, last, 2)]
    return [*lower, top.as_signed() if value.shape().signed else top]


class LutProduct(SharedUnit):
    """``a * b`` of LUTs: a product per digit of the narrower factor, added in a tree, a register behind every carry chain.

    **Timing**: the product of the operands at an edge is out after ``contract.lut_product_latency`` edges, of which the first
    takes the products of the digits; one per edge. Nothing is reset or held.
    **Cost**: the bits of the carry chains; every register stands behind one. 79 LUTs for 8 x 8 bits on ECP5, 100 on iCE40, 108 on Gowin.
    **Semantics**: scalar operator Multiply.
    """

    def __init__(self, a: Any, b: Any) -> None:
        self.shape = product_shape(a, b)
        widths = Shape.cast(a).width, Shape.cast(b).width
        self.latency = contract.lut_product_latency(*widths)
        self.unit_name = f"lut_product_{shape_name(a)}_{shape_name(b)}"
        super().__init__({"a": In(a), "b": In(b), "product": Out(self.shape)})

    @property
    def key(self) -> Hashable:
        return (self.a.shape(), self.b.shape())

    def circuit(self, platform: Any) -> Module:
        m = Module()
        wide, narrow = (self.a, self.b) if len(self.b) <= len(self.a) else (self.b, self.a)
        # Each term is the product of a with neighbouring bits of b, whose shape stands before it.
        terms: list[tuple[Shape, Value]] = []
        for k, digit in enumerate(_digits(narrow)):
            m.submodules[f"digit_{k}"] = unit = DigitProduct(wide.shape(), digit.shape())
            m.d.comb += [unit.a.eq(wide), unit.digit.eq(digit)]
            terms.append((digit.shape(), self._register(m, unit.product)))
        while len(terms) > 1:
            level = []
            for k in range(0, len(terms), 2):
                bits, value = terms[k]
                for upper_bits, upper in terms[k + 1 : k + 2]:
                    apart = bits.width
                    bits = Shape(apart + upper_bits.width, upper_bits.signed)
                    whole = product_shape(wide.shape(), bits)
                    total = Signal(Shape(whole.width - apart, whole.signed), name="total")
                    m.d.comb += total.eq((value >> apart) + upper)
                    joined = Cat(value[:apart], total)
                    value = joined.as_signed() if whole.signed else joined
                level.append((bits, self._register(m, value)))
            terms = level
        m.d.comb += self.product.eq(terms[0][1])
        return m

    def _register(self, m: Module, value: Value) -> Signal:
        register = Signal(value.shape(), reset_less=True, name="register")
        m.d.sync += register.eq(value)
        return register
