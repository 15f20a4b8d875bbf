"""What the unit of each scalar operator costs: one row per operator, as pipelines that give a result every cycle."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hlsgen.algebra import scalar
from hlsgen.algebra.types import ElementType
from hlsgen.cost.units import Cost, FamilyTable, memory, wide_multiplication
from hlsgen.cost.word_operators import operator_cost


@dataclass(frozen=True)
class UnitUse:
    """A unit in a design: ``kind`` of its multipliers ('dsp' or 'lut'), its operator's constants, the types around it."""

    table: FamilyTable
    kind: str
    op: Any  # the scalar operator of the row: each row reads its own constants
    operands: tuple[ElementType, ...]
    result: ElementType

    @property
    def widths(self) -> tuple[int, ...]:
        """Bits of every operand as a signed one."""
        return tuple(signed_width(element) for element in self.operands)


def signed_width(element: ElementType) -> int:
    """Bits of the element as a signed operand."""
    number = element.twos_complement
    return number.bits + (not number.signed)


def _sum(use: UnitUse) -> Cost:
    bits = use.result.bits
    return Cost(lut=use.table.adder_bit * bits, ff=bits)


def _larger(use: UnitUse) -> Cost:
    bits = use.result.bits
    return Cost(lut=(use.table.adder_bit + use.table.choice_bit) * bits, ff=bits)


def _product(use: UnitUse) -> Cost:
    return wide_multiplication(use.table, use.kind, *use.widths)


def _equal(use: UnitUse) -> Cost:
    operands = max(operand.bits for operand in use.operands)
    return operator_cost(use.table, "Equal", operands) + Cost(ff=use.result.bits)


def _clamp(use: UnitUse) -> Cost:
    bits = use.result.bits
    return Cost(lut=use.table.choice_bit * (max(use.widths) + bits), ff=bits)


def _shift(use: UnitUse) -> Cost:
    return Cost(ff=use.result.bits)


def _sign(use: UnitUse) -> Cost:
    return Cost()


def _multiply_shift(use: UnitUse) -> Cost:
    table, bits = use.table, use.result.bits
    product = use.widths[0] + use.widths[1]
    adder = Cost(lut=table.adder_bit * product, ff=product)
    clamp = Cost(lut=table.choice_bit * (max(0, product - use.op.shift) + bits), ff=bits)
    return wide_multiplication(table, use.kind, *use.widths[:2]) + adder + clamp


def _float32(use: UnitUse) -> Cost:
    product = use.widths[0] + use.widths[1]
    # |acc|, distance to half, window, rounding and the sign: about four adders (numbers.md 3.3)
    steps = Cost(lut=use.table.adder_bit * 4 * product + 60, ff=2 * product)
    return wide_multiplication(use.table, use.kind, *use.widths[:2]) + steps


def _round_significand(use: UnitUse) -> Cost:
    # the magnitude, its sign again, and an adder and a choice for every number of bits that may be dropped
    bits = max(use.widths)
    levels = max(0, bits - 1 - use.op.bits)
    table = use.table
    luts = table.adder_bit * bits * (2 + levels) + table.choice_bit * bits * (levels + 1)
    return Cost(lut=luts, ff=use.result.bits)


def _quantised_add(use: UnitUse) -> Cost:
    # two bits of each operand address a sum of multiples: a table and an adder per pair of bits
    pairs, wide = max(operand.bits for operand in use.operands) // 2, use.op.shift + 10
    luts = pairs * wide * (1 + use.table.adder_bit) + 8 * len(use.op.exceptions) + 16
    return Cost(lut=luts, ff=(pairs + 1) * wide)


def _table(use: UnitUse) -> Cost:
    return memory(use.table, 256, use.result.bits, constant=True)


def _steps(use: UnitUse) -> Cost:
    thresholds = [cell[0] for cell in use.op.cells]
    wide = max(ElementType.holding(min(thresholds), max(thresholds)).bits, *use.widths)
    rom = memory(use.table, len(use.op.cells), wide + 2 * use.result.bits, constant=True)
    arithmetic = use.table.adder_bit * 2 * wide + use.table.choice_bit * use.result.bits + 16
    return rom + Cost(lut=arithmetic, ff=2 * wide + use.result.bits + 10)


def _logarithmic_steps(use: UnitUse) -> Cost:
    cells = [*use.op.positive, *use.op.negative]
    threshold = max(cell[0] for cell in cells).bit_length()
    wide, choices = max(use.widths), max(1, max(use.widths) - use.op.base).bit_length()
    rom = memory(use.table, len(cells), threshold + 2 * use.result.bits, constant=True)
    shifts = use.table.choice_bit * wide * choices
    arithmetic = use.table.adder_bit * (2 * wide + threshold + use.result.bits)
    ffs = wide * (4 + choices // 2) + 2 * use.result.bits + 10
    return rom + Cost(lut=arithmetic + shifts + use.table.choice_bit * use.result.bits + 20, ff=ffs)


def _divide(use: UnitUse) -> Cost:
    # the first remainder, and for each bit of the result a subtraction that is taken or not, of a remainder as wide as the divisor
    table, bits = use.table, (use.op.high - use.op.low).bit_length()
    first, divisor = max(use.widths) + bits + 1, use.widths[1]
    stage = (table.adder_bit + table.choice_bit) * divisor
    luts = table.adder_bit * 3 * first + bits * stage + table.choice_bit * 2 * bits
    return Cost(lut=luts, ff=bits * (2 * divisor + bits) + first + use.result.bits)


def _square_root(use: UnitUse) -> Cost:
    bits = use.result.bits
    stage = (use.table.adder_bit + use.table.choice_bit) * (bits // 2 + 2)
    return Cost(lut=bits * stage + use.table.choice_bit * use.widths[0], ff=bits * 2 * bits)


SCALAR_COSTS: Mapping[str, Callable[[UnitUse], Cost]] = {
    scalar.Add.__name__: _sum,
    scalar.Subtract.__name__: _sum,
    scalar.Multiply.__name__: _product,
    scalar.Maximum.__name__: _larger,
    scalar.Minimum.__name__: _larger,
    scalar.Equal.__name__: _equal,
    scalar.Clamp.__name__: _clamp,
    scalar.ShiftRight.__name__: _shift,
    scalar.Sign.__name__: _sign,
    scalar.RequantiseMultiplyShift.__name__: _multiply_shift,
    scalar.RequantiseFloat32.__name__: _float32,
    scalar.RoundSignificand.__name__: _round_significand,
    scalar.QuantisedAdd.__name__: _quantised_add,
    scalar.Table.__name__: _table,
    scalar.Steps.__name__: _steps,
    scalar.LogarithmicSteps.__name__: _logarithmic_steps,
    scalar.Divide.__name__: _divide,
    scalar.SquareRoot.__name__: _square_root,
}
"""The cost of every scalar operator by name."""
