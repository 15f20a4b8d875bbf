"""Products of digits in ECP5's carry cells, whose LUTs hold the AND gates of the partial products.

A half of a CCU2C adds ``LUT4(A, B, C, D)`` to the carry, and passes ``INIT[3:0](A, B)``, its value at C = D = 0, as the carry where the
LUT4 is 0 (Lattice FPGA-DS-02012; the model is yosys' ``lattice/ccu2c_sim.vh``). So for x = A and B, y = C and D the function x xor y adds
both, and not(x) xor y subtracts x from y: at C = D = 0 each is what the carry has to be where both are equal.
"""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Const, Instance, Module, Mux, Shape, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hlsgen.rtl_templates.arithmetic.shapes import product_shape

_ADD = Const(0x7888, 16)
"""(A and B) xor (C and D), A the lowest bit of the index."""
_SUBTRACT = Const(0x8777, 16)
"""not (A and B) xor (C and D)."""


class Ecp5Cells:
    """The platform that makes digit products of CCU2C."""

    def get_digit_product(self, a: Shape, digit: Shape) -> wiring.Component:
        """A component with the members of DigitProduct."""
        return CarryDigitProduct(a, digit)


class CarryDigitProduct(wiring.Component):
    """``a * digit`` in one chain of CCU2C.

    **Cost**: a CCU2C (two LUTs) per two bits of the product; LUTs alone for one unsigned bit.
    **Semantics**: ``rtl_templates.arithmetic.lut_product.DigitProduct``.
    """

    def __init__(self, a: Shape, digit: Shape) -> None:
        super().__init__({"a": In(a), "digit": In(digit), "product": Out(product_shape(a, digit))})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        subtracts = self.digit.shape().signed
        if len(self.digit) == 1 and not subtracts:
            m.d.comb += self.product.eq(Mux(self.digit, self.a, 0))
            return m
        carry: Value = Const(int(subtracts), 1)
        for first in range(0, len(self.product), 2):
            halves = [self._gates(first + half) for half in (0, 1)]
            total, carry_next = Signal(2, name="total"), Signal(name="carry")
            inputs = {
                f"i_{pin}{half}": gate
                for half, gates in enumerate(halves)
                for pin, gate in zip("ABCD", gates, strict=True)
            }
            m.submodules += Instance(
                "CCU2C",
                p_INIT0=_SUBTRACT if subtracts else _ADD,
                p_INIT1=_SUBTRACT if subtracts else _ADD,
                p_INJECT1_0="NO",
                p_INJECT1_1="NO",
                i_CIN=carry,
                o_S0=total[0],
                o_S1=total[1],
                o_COUT=carry_next,
                **inputs,
            )
            here = self.product[first : first + 2]
            m.d.comb += here.eq(total[: len(here)])
            carry = carry_next
        return m

    def _gates(self, bit: int) -> tuple[Value, Value, Value, Value]:
        """(A, B, C, D) of a bit of the chain; what is subtracted is at A and B."""
        low = self._factor(bit), self.digit[0]
        if len(self.digit) == 1:
            return *low, Const(0, 1), Const(0, 1)
        high = self._factor(bit - 1), self.digit[1]
        return (*high, *low) if self.digit.shape().signed else (*low, *high)

    def _factor(self, bit: int) -> Value:
        """A bit of the factor as an integer of any width."""
        if bit < 0:
            return Const(0, 1)
        if bit < len(self.a):
            return self.a[bit]
        return self.a[-1] if self.a.shape().signed else Const(0, 1)
