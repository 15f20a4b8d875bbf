"""What units cost on each family, as functions of the parameters that the scheduler chooses.

Amounts may be numbers or NumPy arrays (one entry per candidate), so that thousands of candidates are priced at once.
LUT counts what the placers count: on ECP5 a CCU2C is two LUTs, on Gowin an ALU is one, on iCE40 a logic cell is one.
Block choices follow yosys' memory_libmap (its share/*/brams.txt and lutrams.txt); the other coefficients are fitted to
synthesised designs by ``benchmarks/calibrate_cost.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np

from hlsgen.algebra.types import ElementType
from hlsgen.rtl_templates.contract import DIGIT_BITS
from hlsgen.rtl_templates.product_chains import lut_product_chains

LOOKED_UP = 16
"""Bits of a constant memory in a LUT."""
LUT_RAM_WEIGHT = 4
"""Of a distributed memory in memory_libmap, beside ``block_weight``."""
Amount: TypeAlias = Any  # a number or an array of numbers; NumPy has no better name for both


@dataclass(frozen=True)
class Cost:
    """LUTs, flip-flops, DSP blocks, RAM blocks and blocks of SPRAM, in the units of ``Board``."""

    lut: Amount = 0
    ff: Amount = 0
    dsp: Amount = 0
    bram: Amount = 0
    spram: Amount = 0

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            self.lut + other.lut,
            self.ff + other.ff,
            self.dsp + other.dsp,
            self.bram + other.bram,
            self.spram + other.spram,
        )

    def times(self, count: Amount) -> Cost:
        """The cost of ``count`` such units."""
        parts = (self.lut, self.ff, self.dsp, self.bram, self.spram)
        return Cost(*(part * count for part in parts))


@dataclass(frozen=True)
class FamilyTable:
    """Coefficients of the family ``name``.

    ``tiles``: DSP blocks as (width a, width b, units of ``Board.dsp``), smallest first, of signed operands.
    ``narrowest``: bits below which an operand makes yosys build the product of LUTs. ``outer_registers``: the share of the registers
    around a product in a DSP block that stay outside it.
    ``blocks``: shapes of a RAM block as (words, width). ``block_weight``: its weight against LUT RAM in memory_libmap.
    ``lut_ram``: (words, width, LUTs) of the distributed memory, None where there is none.
    ``multiplier_bit``: LUTs per bit of a times bit of b of a combinational multiplier built of LUTs. ``digit_rows``: how many of the
    two rows of partial products LUTs make beside the carry chain, of a digit of a LutProduct without and with a sign.
    ``chain_start``: LUTs of a carry chain beside its bits; ``chain_step``: it takes a multiple of so many.
    ``adder_bit`` per bit of a sum; ``serial_bit`` per bit of a times bit of the digit of a digit-serial product; ``choice_bit`` per bit of
    a two-way choice; ``nest_bit`` per bit of a loop counter, with its share of the addresses; ``counter_bit`` per bit of a guard.
    ``lone_register``: the share of flip-flops that take the place of a LUT; ``lone_sum``: the same in PE arrays, but for their LUT multipliers. ``scale`` corrects the LUTs of everything but PE arrays,
    whose carry chains are exact, for what optimisation across units saves. ``table_choice``: LUTs of a choice between two parts of a table.
    """

    name: str
    tiles: tuple[tuple[int, int, int], ...]
    blocks: tuple[tuple[int, int], ...]
    block_weight: int
    lut_ram: tuple[int, int, int] | None
    multiplier_bit: float
    digit_rows: tuple[int, int]
    adder_bit: float
    serial_bit: float
    choice_bit: float
    nest_bit: float
    counter_bit: float
    scale: float = 1.0
    narrowest: int = 1
    chain_start: int = 0
    chain_step: int = 1
    lone_register: float = 0.0
    lone_sum: float = 0.0
    outer_registers: float = 1.0
    table_choice: float = 1.0


FAMILIES: Mapping[str, FamilyTable] = {
    "ecp5": FamilyTable(
        name="ecp5",
        tiles=((18, 18, 1),),
        blocks=((16384, 1), (8192, 2), (4096, 4), (2048, 9), (1024, 18), (512, 36)),
        block_weight=128,
        lut_ram=(16, 4, 6),
        multiplier_bit=2.67,
        digit_rows=(0, 0),
        serial_bit=2.6,
        adder_bit=1.05,
        choice_bit=1.0,
        nest_bit=4.0,
        counter_bit=1.0,
        chain_start=1,
        outer_registers=0.0,
        scale=0.9,
        table_choice=0.4,
    ),
    "ice40": FamilyTable(
        name="ice40",
        tiles=((16, 16, 1),),
        blocks=((2048, 2), (1024, 4), (512, 8), (256, 16)),
        block_weight=64,
        lut_ram=None,
        multiplier_bit=2.05,
        digit_rows=(1, 1),
        serial_bit=2.2,
        adder_bit=1.1,
        choice_bit=1.0,
        nest_bit=5.0,
        counter_bit=1.0,
        lone_register=0.44,
        lone_sum=0.6,
        outer_registers=0.0,
        scale=0.82,
    ),
    "gowin": FamilyTable(
        name="gowin",
        tiles=((9, 9, 1), (18, 18, 2), (36, 36, 8)),
        blocks=((16384, 1), (8192, 2), (4096, 4), (2048, 9), (1024, 18), (512, 36)),
        block_weight=128,
        lut_ram=(16, 4, 8),
        multiplier_bit=2.6,
        digit_rows=(1, 2),
        serial_bit=8.6,
        adder_bit=1.1,
        choice_bit=1.0,
        nest_bit=4.5,
        counter_bit=1.0,
        narrowest=4,
        chain_start=1,
        chain_step=2,
        scale=1.0,
        table_choice=0.4,
    ),
    "xilinx7": FamilyTable(
        name="xilinx7",
        tiles=((25, 18, 1),),
        blocks=((16384, 1), (8192, 2), (4096, 4), (2048, 9), (1024, 18), (512, 36)),
        block_weight=128,
        lut_ram=(32, 6, 4),
        multiplier_bit=1.7,
        digit_rows=(1, 1),
        serial_bit=1.6,
        adder_bit=1.0,
        choice_bit=0.6,
        nest_bit=3.0,
        counter_bit=0.8,
        scale=0.75,
        table_choice=0.3,
    ),
}


def ceil_div(a: Amount, b: Amount) -> Amount:
    """ceil(a / b) of integers or integer arrays."""
    return -(-a // b)


def chain(table: FamilyTable, bits: Amount) -> Amount:
    """LUTs of a carry chain, with what placing adds to its ends."""
    return table.chain_step * ceil_div(bits + table.chain_start, table.chain_step)


def alone(table: FamilyTable, cost: Cost, share: float | None = None) -> Cost:
    """The cost with the LUTs whose places flip-flops take that stand behind none; ``share``: of all, in place of the table's."""
    lone = table.lone_register if share is None else share
    return replace(cost, lut=cost.lut + lone * cost.ff)


def fitted(table: FamilyTable, cost: Cost) -> Cost:
    """The sum of the costs of units as they are in a design: with what optimisation across their borders saves of LUTs."""
    return alone(table, replace(cost, lut=table.scale * cost.lut))


def dsp_units(table: FamilyTable, width_a: int, width_b: int) -> int:
    """Units of ``Board.dsp`` of a signed width_a x width_b product; wide operands are split as yosys' mul2dsp does."""
    wide, narrow = max(width_a, width_b), min(width_a, width_b)
    if narrow < table.narrowest:
        return 0
    fitting = [units for a, b, units in table.tiles if wide <= max(a, b) and narrow <= min(a, b)]
    if fitting:
        return min(fitting)
    a, b, units = max(table.tiles, key=lambda tile: tile[0] * tile[1])
    return units * _slices(wide, max(a, b)) * _slices(narrow, min(a, b))


def _slices(width: int, limit: int) -> int:
    """Signed operands cut into unsigned slices of limit - 1 bits, of which the last has the sign."""
    return int(max(1, ceil_div(width - 1, limit - 1)))


def lut_multiplication(table: FamilyTable, a: ElementType, b: ElementType) -> Cost:
    """A registered product of LUTs (``rtl_templates.arithmetic.lut_product.LutProduct``) with its operand registers."""
    chains = lut_product_chains(a, b)
    lut = sum(chain(table, bits) for bits in chains.sums)
    for digit, bits in zip(chains.digits, chains.products, strict=True):
        lut += _digit_luts(table, chains.wide.bits, digit, bits)
    return Cost(lut=lut, ff=chains.registers + a.bits + b.bits)


def _digit_luts(table: FamilyTable, wide: int, digit: ElementType, product: int) -> int:
    """LUTs of a factor of ``wide`` bits times a digit (``hlsgen.bitstream.carry_cells``)."""
    rows = table.digit_rows[digit.signed]
    if digit.bits == 1:
        return max(0, rows - 1) * wide + chain(table, product) if digit.signed else wide
    # Where a row is made by LUTs, the lowest bit of the product is one of them.
    return rows * wide + chain(table, product - (rows > 0))


def multiplication(table: FamilyTable, kind: str, width_a: int, width_b: int) -> Cost:
    """A registered signed product, in DSP blocks or in LUTs."""
    registers = 2 * (width_a + width_b)
    if kind == "dsp":
        units = dsp_units(table, width_a, width_b)
        joins = (
            table.adder_bit * 0.5 * (width_a + width_b) * (units > max(t[2] for t in table.tiles))
        )
        return Cost(lut=joins, ff=table.outer_registers * registers, dsp=units)
    return Cost(lut=table.multiplier_bit * width_a * width_b, ff=registers)


def wide_multiplication(table: FamilyTable, kind: str, width_a: int, width_b: int) -> Cost:
    """A pipelined product of signed operands cut into digits (``rtl_templates.arithmetic.multiplier.WideProduct``) and their sum."""
    if kind != "dsp":
        return multiplication(table, kind, width_a, width_b)
    total = Cost(ff=width_a + width_b)
    for a in _digit_widths(width_a):
        for b in _digit_widths(width_b):
            total += Cost(ff=table.outer_registers * (a + b), dsp=dsp_units(table, a, b))
    pairs = len(_digit_widths(width_a)) * len(_digit_widths(width_b))
    return total + Cost(lut=table.adder_bit * 0.5 * (width_a + width_b) * (pairs > 1))


def _digit_widths(width: int) -> list[int]:
    """Signed widths of the digits of a signed operand: unsigned ones of ``DIGIT_BITS``, the last with the sign."""
    count = max(1, ceil_div(width - 1, DIGIT_BITS))
    return [DIGIT_BITS + 1] * (count - 1) + [width - DIGIT_BITS * (count - 1)]


SPRAM_WORDS, SPRAM_BITS = 16384, 16
"""A block of single-port memory (iCE40 UltraPlus data sheet FPGA-DS-02008): words, and bits of each."""


def single_port_memory(table: FamilyTable, words: Amount, width: Amount) -> Cost:
    """A port for ``words`` x ``width`` bits, and the word that waits for it: with its address, and the choice between that and the one read."""
    address = np.ceil(np.log2(np.maximum(words, 2)))
    blocks = ceil_div(np.asarray(words, np.int64), SPRAM_WORDS) * ceil_div(width, SPRAM_BITS)
    return Cost(lut=address + 4, ff=width + address + 2, spram=blocks)


def memory(table: FamilyTable, words: Amount, width: Amount, constant: bool = False) -> Cost:
    """One write port (none if ``constant``) and one registered read port of ``words`` x ``width`` bits."""
    words, width = np.asarray(words, np.int64), np.asarray(width, np.int64)
    bits = words * width
    blocks = np.min(
        [ceil_div(words, depth) * ceil_div(width, span) for depth, span in table.blocks], axis=0
    )
    weight = blocks * table.block_weight
    if constant:
        parts = ceil_div(words, LOOKED_UP)
        luts = bits / LOOKED_UP
        in_luts = luts <= weight
        if table.lut_ram is None:  # no multiplexers beside the LUTs
            luts = luts + width * np.maximum(parts - 1, 0)
    elif table.lut_ram is None:
        luts = bits * 1.6
        in_luts = bits < weight
    else:
        depth, span, each = table.lut_ram
        banks = ceil_div(words, depth)
        cells = banks * ceil_div(width, span)
        luts = cells * each + (banks > 1) * width * banks * 0.5
        # memory_libmap counts the choice between banks by half a bit, and by two bits each the register behind a read without clock
        in_luts = LUT_RAM_WEIGHT * cells + 0.5 * (banks - 1) * width + 2 * width < weight
    registers = bits if table.lut_ram is None and not constant else width
    return Cost(
        lut=np.where(in_luts, luts, 0.0),
        ff=np.where(in_luts, registers, 0),
        bram=np.where(in_luts, 0, blocks),
    )
