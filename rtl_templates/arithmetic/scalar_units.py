"""The hardware partner of every scalar operator, under the operator's name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data, memory
from hlsgen.rtl_templates.arithmetic.division import Divide, SquareRoot
from hlsgen.rtl_templates.arithmetic.logarithmic_steps import LogarithmicSteps
from hlsgen.rtl_templates.arithmetic.multiplier import WideProduct, saturate
from hlsgen.rtl_templates.arithmetic.requantise import (
    QuantisedAdd,
    RequantiseFloat32,
    RequantiseMultiplyShift,
)
from hlsgen.rtl_templates.arithmetic.scalar_unit import ScalarUnit
from hlsgen.rtl_templates.arithmetic.shapes import shape_holding, shape_of
from hlsgen.rtl_templates.contract import MultiplierKind
from hlsgen.rtl_templates.memory_ports import read_port

from hlsgen.algebra.scalar import ScalarOp
from hlsgen.algebra.types import ElementType


class _Registered(ScalarUnit):
    """A combinational function and one register."""

    def compute(self) -> Value:
        """The function of the operands."""
        raise NotImplementedError

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        result = Signal(shape_of(self.width), reset_less=True, name="result")
        m.d.sync += result.eq(self.compute())
        m.d.comb += self.result.eq(result)
        return m


class Add(_Registered):
    """a + b. **Timing**: 1 cycle. **Semantics**: scalar operator Add."""

    def compute(self) -> Value:
        return self.operand(0) + self.operand(1)


class Subtract(_Registered):
    """a - b. **Timing**: 1 cycle. **Semantics**: scalar operator Subtract."""

    def compute(self) -> Value:
        return self.operand(0) - self.operand(1)


class Maximum(_Registered):
    """The larger of a and b. **Timing**: 1 cycle. **Semantics**: scalar operator Maximum."""

    def compute(self) -> Value:
        return Mux(self.operand(0) > self.operand(1), self.operand(0), self.operand(1))


class Minimum(_Registered):
    """The smaller of a and b. **Timing**: 1 cycle. **Semantics**: scalar operator Minimum."""

    def compute(self) -> Value:
        return Mux(self.operand(0) < self.operand(1), self.operand(0), self.operand(1))


class Equal(_Registered):
    """1 where a is b, else 0. **Timing**: 1 cycle. **Semantics**: scalar operator Equal."""

    def compute(self) -> Value:
        return self.operand(0) == self.operand(1)


class Clamp(_Registered):
    """min(max(x, low), high). **Timing**: 1 cycle. **Semantics**: scalar operator Clamp."""

    def compute(self) -> Value:
        return saturate(self.operand(0), self.constants["low"], self.constants["high"])


class ShiftRight(ScalarUnit):
    """floor(x / 2**bits). **Timing**: combinational. **Cost**: none. **Semantics**: scalar operator ShiftRight."""

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.d.comb += self.result.eq(self.operand(0) >> self.constants["bits"])
        return m


class Sign(ScalarUnit):
    """1 where x is 0 or more, else -1. **Timing**: combinational. **Cost**: none. **Semantics**: scalar operator Sign."""

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        x = self.operand(0)
        m.d.comb += self.result.eq(Cat(Const(1, 1), x[-1] if x.shape().signed else Const(0, 1)))
        return m


class RoundSignificand(_Registered):
    """The nearest integer of ``bits`` significant bits, ties to even. **Timing**: 1 cycle. **Cost**: an adder and a choice for every
    number of bits that may be dropped. **Semantics**: scalar operator RoundSignificand."""

    def compute(self) -> Value:
        x, bits = self.operand(0), self.constants["bits"]
        magnitude = abs(x)
        rounded: Value = Value.cast(magnitude)
        for dropped in range(1, len(magnitude) - bits + 1):
            whole, half, rest = (
                magnitude[dropped:],
                magnitude[dropped - 1],
                magnitude[: dropped - 1],
            )
            up = half & (rest.any() | whole[0])
            nearest = Cat(Const(0, dropped), whole + up)
            rounded = Mux(magnitude[bits + dropped - 1 :].any(), nearest, rounded)
        return Mux(x < 0, -rounded, rounded)


class Multiply(ScalarUnit):
    """a * b. **Timing**, **Cost**: as WideProduct. **Semantics**: scalar operator Multiply."""

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        a, b = self.operand(0), self.operand(1)
        m.submodules.product = wide = WideProduct(a.shape(), b.shape(), kind=self.multiplier)
        m.d.comb += [wide.a.eq(a), wide.m.eq(b), self.result.eq(wide.result)]
        return m


class Table(ScalarUnit):
    """values[x mod 256], a synchronous ROM. **Timing**: 1 cycle. **Semantics**: scalar operator Table."""

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        x = self.operand(0)
        bits = min(len(x), 8)
        index = x.as_signed() if x.shape().signed else x
        entries = list(self.constants["values"])
        m.submodules.values = rom = memory.Memory(
            shape=shape_of(self.width), depth=256, init=entries
        )
        port = read_port(rom)
        wide = Signal(8, name="wide")
        m.d.comb += [
            wide.eq(index if bits < 8 else x[:8]),
            port.addr.eq(wide),
            self.result.eq(port.data),
        ]
        return m


class Steps(ScalarUnit):
    """The cell of the operand is read from a synchronous ROM, and the operand compared with its threshold.

    **Timing**: 3 cycles: cell, ROM, result. **Cost**: the ROM, a subtraction, a comparison. **Semantics**: scalar operator Steps.
    """

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        x, cells = self.operand(0), self.constants["cells"]
        thresholds = [cell[0] for cell in cells]
        layout = data.StructLayout(
            {
                "threshold": shape_holding(min(thresholds), max(thresholds)),
                "below": shape_of(self.width),
                "above": shape_of(self.width),
            }
        )
        entries = [dict(zip(("threshold", "below", "above"), cell, strict=True)) for cell in cells]
        m.submodules.cells = rom = memory.Memory(shape=layout, depth=len(cells), init=entries)
        port = read_port(rom)
        cell = Signal(range(len(cells)), reset_less=True, name="cell")
        first, second = (Signal(x.shape(), reset_less=True, name=n) for n in ("first", "second"))
        result = Signal(shape_of(self.width), reset_less=True, name="result")
        place = (x - self.constants["origin"]) >> self.constants["shift"]
        m.d.sync += [
            cell.eq(saturate(place, 0, len(cells) - 1)),
            first.eq(x),
            second.eq(first),
            result.eq(Mux(second >= port.data.threshold, port.data.above, port.data.below)),
        ]
        m.d.comb += [port.addr.eq(cell), self.result.eq(result)]
        return m


SCALAR_UNITS: Final[Mapping[str, type[ScalarUnit]]] = {
    unit.__name__: unit
    for unit in (
        Add,
        Subtract,
        Multiply,
        Maximum,
        Minimum,
        Equal,
        Clamp,
        ShiftRight,
        Sign,
        RequantiseMultiplyShift,
        RequantiseFloat32,
        RoundSignificand,
        QuantisedAdd,
        Table,
        Steps,
        LogarithmicSteps,
        Divide,
        SquareRoot,
    )
}


def scalar_unit(
    op: ScalarOp,
    operands: tuple[ElementType, ...],
    *,
    interval: int = 1,
    multiplier: MultiplierKind = "dsp",
) -> ScalarUnit:
    """The unit of a scalar operator; raises ValueError for one that has none."""
    if op.name not in SCALAR_UNITS:
        raise ValueError(f"expected one of {', '.join(SCALAR_UNITS)}, found {op.name}")
    return SCALAR_UNITS[op.name](op, operands, interval=interval, multiplier=multiplier)
