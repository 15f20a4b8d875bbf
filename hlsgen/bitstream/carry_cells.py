"""Products of digits in the carry cells of each family, whose LUTs hold the AND gates of the partial products.

* ECP5 (Lattice FPGA-DS-02012; the model is yosys' ``lattice/ccu2c_sim.vh``): a half of a CCU2C adds ``LUT4(A, B, C, D)`` to the carry, and
  passes ``INIT[3:0](A, B)``, its value at C = D = 0, as the carry where the LUT4 is 0. So for x = A and B, y = C and D the function
  x xor y adds both, and not(x) xor y subtracts x from y: at C = D = 0 each is what the carry has to be where both are equal.
* iCE40 (Lattice FPGA-DS-02029): the carry takes the inputs I1 and I2 of the LUT as they are. So the first row is made by LUTs of its
  own, and the LUT of the sum chooses by I0 between it and the sum with the second: a carry that is not wanted goes nowhere.
* Gowin (UG288, mode MULT of the ALU): adds (I0 and I1) to I3. So the first row is made by LUTs. No mode subtracts (I0 and I1): there both
  rows are made by LUTs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from amaranth.hdl import Cat, Const, Instance, Module, Mux, Shape, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hlsgen.rtl_templates.arithmetic.shapes import product_shape

_ZERO = Const(0, 1)
_ECP5_ADD = Const(0x7888, 16)
"""(A and B) xor (C and D), A the lowest bit of the index."""
_ECP5_SUBTRACT = Const(0x8777, 16)
"""not (A and B) xor (C and D)."""
_ICE40_ADD = Const(0xC66C, 16)
"""I0 ? I1 xor I2 xor I3 : I1, I0 the lowest bit of the index, I3 the carry."""
_ICE40_SUBTRACT = Const(0x3993, 16)
"""The complement: x - y = not(not(x) + y)."""
_GOWIN_MULTIPLY_ADD = 9
"""ALU_MODE MULT."""


class CellProduct(wiring.Component):
    """``a * digit`` of the cells of a family, with the members of ``rtl_templates.arithmetic.lut_product.DigitProduct``.

    A digit of one bit whose product is not negated takes LUTs alone.
    """

    def __init__(self, a: Shape, digit: Shape) -> None:
        super().__init__({"a": In(a), "digit": In(digit), "product": Out(product_shape(a, digit))})

    @property
    def subtracts(self) -> bool:
        """Whether the digit's last bit has the sign."""
        return self.digit.shape().signed

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        if len(self.digit) == 1 and not self.subtracts:
            m.d.comb += self.product.eq(Mux(self.digit, self.a, 0))
        else:
            self.chain(m)
        return m

    def chain(self, m: Module) -> None:
        """Drive ``product`` by the sum (or difference) of ``first`` and ``second``."""
        raise NotImplementedError

    def first(self, bit: int) -> tuple[Value, Value]:
        """Two values whose conjunction is a bit of the row of the digit's lower bit, which is 0 where it has but one."""
        return (self._factor(bit), self.digit[0]) if len(self.digit) == 2 else (_ZERO, _ZERO)

    def second(self, bit: int) -> tuple[Value, Value]:
        """The same for the digit's last bit."""
        return self._factor(bit + 1 - len(self.digit)), self.digit[-1]

    def _factor(self, bit: int) -> Value:
        """A bit of ``a`` as an integer of any width; 0 below the lowest."""
        if bit < 0:
            return _ZERO
        if bit < len(self.a):
            return self.a[bit]
        return self.a[-1] if self.a.shape().signed else _ZERO


class Ecp5Product(CellProduct):
    """**Cost**: a CCU2C, which is two LUTs, per two bits of the product."""

    def chain(self, m: Module) -> None:
        table = _ECP5_SUBTRACT if self.subtracts else _ECP5_ADD
        carry: Value = Const(int(self.subtracts), 1)
        for low in range(0, len(self.product), 2):
            total, carry_next = Signal(2, name="total"), Signal(name="carry")
            inputs: dict[str, Value] = {}
            for half in (0, 1):
                first, second = self.first(low + half), self.second(low + half)
                gates = (*second, *first) if self.subtracts else (*first, *second)
                inputs |= {f"i_{pin}{half}": gate for pin, gate in zip("ABCD", gates, strict=True)}
            m.submodules += Instance(
                "CCU2C",
                p_INIT0=table,
                p_INIT1=table,
                p_INJECT1_0="NO",
                p_INJECT1_1="NO",
                i_CIN=carry,
                o_S0=total[0],
                o_S1=total[1],
                o_COUT=carry_next,
                **inputs,
            )
            here = self.product[low : low + 2]
            m.d.comb += here.eq(total[: len(here)])
            carry = carry_next


class Ice40Product(CellProduct):
    """**Cost**: a LUT per bit of the product and of the row of the digit's lower bit."""

    def chain(self, m: Module) -> None:
        lowest = len(self.digit) - 1  # below, there is no second row
        carry: Value = _ZERO
        for bit in range(lowest):
            m.d.comb += self.product[bit].eq(Cat(*self.first(bit)).all())
        for bit in range(lowest, len(self.product)):
            row, carry_next = Signal(name="row"), Signal(name="carry")
            m.d.comb += row.eq(Cat(*self.first(bit)).all() ^ self.subtracts)
            factor, choice = self.second(bit)
            m.submodules += Instance(
                "SB_LUT4",
                p_LUT_INIT=_ICE40_SUBTRACT if self.subtracts else _ICE40_ADD,
                i_I0=choice,
                i_I1=row,
                i_I2=factor,
                i_I3=carry,
                o_O=self.product[bit],
            )
            m.submodules += Instance("SB_CARRY", i_I0=row, i_I1=factor, i_CI=carry, o_CO=carry_next)
            carry = carry_next


class GowinProduct(CellProduct):
    """**Cost**: as Ice40Product; a LUT more per bit of ``a`` where the digit has a sign."""

    def chain(self, m: Module) -> None:
        bits = range(len(self.product))
        first = [Cat(*self.first(bit)).all() for bit in bits]
        if self.subtracts:
            m.d.comb += self.product.eq(
                Cat(*first) - Cat(*(Cat(*self.second(bit)).all() for bit in bits))
            )
            return
        carry: Value = _ZERO
        m.d.comb += self.product[0].eq(first[0])
        for bit in bits[1:]:
            factor, choice = self.second(bit)
            carry_next = Signal(name="carry")
            m.submodules += Instance(
                "ALU",
                p_ALU_MODE=_GOWIN_MULTIPLY_ADD,
                i_I0=factor,
                i_I1=choice,
                i_I3=first[bit],
                i_CIN=carry,
                o_SUM=self.product[bit],
                o_COUT=carry_next,
            )
            carry = carry_next


@dataclass(frozen=True)
class CarryCells:
    """The platform of a family, by which ``LutProduct`` elaborates to its cells."""

    digit_product: type[CellProduct]

    def get_digit_product(self, a: Shape, digit: Shape) -> CellProduct:
        """A component with the members of DigitProduct."""
        return self.digit_product(a, digit)


ECP5_CELLS = CarryCells(Ecp5Product)
ICE40_CELLS = CarryCells(Ice40Product)
GOWIN_CELLS = CarryCells(GowinProduct)
