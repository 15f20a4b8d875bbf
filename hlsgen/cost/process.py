"""What a process costs: its PE array, finishing, memories and control, as functions of how it is unrolled.

Every quantity may be an array with one entry per candidate (see ``cost/units.py``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import assert_never

import numpy as np

from hlsgen.algebra.expression import Call, Expression, Literal, Operand, expression_type
from hlsgen.algebra.scalar import Multiply, RequantiseFloat32, RequantiseMultiplyShift
from hlsgen.algebra.types import ElementType
from hlsgen.cost.array import BUFFERED, array_cost
from hlsgen.cost.factors import Factors, operand_types
from hlsgen.cost.operators import SCALAR_COSTS, UnitUse, signed_width
from hlsgen.cost.units import (
    Amount,
    Cost,
    FamilyTable,
    ceil_div,
    fitted,
    memory,
    single_port_memory,
)
from hlsgen.dataflow.finish import finish_expression, scaling
from hlsgen.dataflow.ir import (
    Clamped,
    Dataflow,
    Elementwise,
    LookedUp,
    MultiplyAccumulate,
    Plain,
    Process,
    QuantisedSum,
    Read,
    ScaledByFloat32,
    ScaledByShift,
    Signs,
    WeightedSum,
)
from hlsgen.rtl_templates.contract import CREDIT_LATENCY


def expression_cost(
    table: FamilyTable, kind: str, expression: Expression, types: Mapping[str, ElementType]
) -> Cost:
    """One pipeline that computes the expression every cycle; products in DSP blocks or LUTs (``kind``)."""
    if not isinstance(expression, Call):
        return Cost()
    total = Cost()
    for argument in expression.arguments:
        total += expression_cost(table, kind, argument, types)
    operands = tuple(expression_type(argument, types) for argument in expression.arguments)
    use = UnitUse(table, kind, expression.op, operands, expression_type(expression, types))
    return total + SCALAR_COSTS[expression.op.name](use)


def multiplies(process: Process) -> bool:
    """Whether the process's array multiplies (its MACs count as such)."""
    return isinstance(process.step, MultiplyAccumulate)


def finish_products(process: Process) -> int:
    """Multipliers of one finishing lane, in whatever they are built of."""
    return _products(finish_expression(process))


def _products(expression: Expression) -> int:
    if not isinstance(expression, Call):
        return 0
    multiplies_here = isinstance(
        expression.op, Multiply | RequantiseMultiplyShift | RequantiseFloat32
    )
    return multiplies_here + sum(map(_products, expression.arguments))


def finish_cost(
    table: FamilyTable, dataflow: Dataflow, process: Process, f: Factors, kind: str
) -> Cost:
    """The finishing pipelines, their constants and the queue of finished words."""
    types = operand_types(dataflow, process)
    expression = finish_expression(process)
    unit = expression_cost(table, kind, expression, types)
    plain = expression_cost(table, "dsp", expression, types)
    if _constant_factor(dataflow, process):
        known = KNOWN_FACTOR[kind]
        unit = replace(unit, lut=known * unit.lut, ff=known * unit.ff)
        plain = replace(plain, lut=KNOWN_FACTOR["dsp"] * plain.lut)
    interval = np.asarray(f.finish_interval)
    slow = interval > 1
    product = _requantise_widths(process, types)
    digit = np.ceil(product[1] / np.maximum(interval - 1, 1))
    serial = table.serial_bit * digit * product[0] + product[1] + 12
    lut = np.where(slow, plain.lut + serial, unit.lut)
    dsp = np.where(slow, 0, unit.dsp)
    total = Cost(lut=lut, ff=unit.ff, dsp=dsp, bram=unit.bram).times(f.finish_lanes)
    channels = dataflow.channels[process.write.channel].shape[2]
    for read in process.reads:
        store = dataflow.stores.get(read.source)
        if store is None or any(axis.coefficient(n) for axis in read.index for n in _REDUCE):
            continue
        if store is not None and store.values.size > 1:
            words = ceil_div(channels, f.finish_lanes) * _places(process, read)
            total += memory(table, words, store.element.bits * f.finish_lanes, constant=True)
    element = dataflow.channels[process.write.channel].element
    words = ceil_div(channels, f.finish_lanes)
    held = 2 ** np.ceil(np.log2(2 * f.x * words)).astype(np.int64)
    order = memory(table, held, element.bits * f.finish_lanes)
    sides = (np.asarray(f.x) > 1) & (words > 1)
    word = element.bits * f.finish_lanes
    total += (order + Cost(lut=60 + table.choice_bit * word, ff=40 + 2 * word)).times(sides)
    latency = 5 if any(product) else 1
    queue = np.ceil((latency + 1 + CREDIT_LATENCY) / interval) * element.bits * f.finish_lanes
    return total + Cost(lut=table.choice_bit * queue + 20, ff=queue + 12)


_REDUCE = ("ky", "kx", "i")
KNOWN_FACTOR: Mapping[str, float] = {"lut": 0.45, "dsp": 0.6}
"""What is left of a requantiser's LUTs and flip-flops where all channels have one multiplier, which synthesis then knows, by the kind of
its product: half of the rows of a product of LUTs, and the logic behind the bits that are shifted out."""


def _constant_factor(dataflow: Dataflow, process: Process) -> bool:
    """Whether the requantising multiplier is one number."""
    match process.finish:
        case ScaledByShift() | ScaledByFloat32():
            factor = scaling(process).arguments[1]
            number = factor.name.removeprefix("r") if isinstance(factor, Operand) else ""
            if not number.isdigit():
                return isinstance(factor, Literal)
            store = dataflow.stores.get(process.reads[int(number)].source)
            return store is not None and store.values.size == 1
        case WeightedSum() | Plain() | Clamped() | QuantisedSum() | LookedUp() | Elementwise():
            return False
        case Signs():
            return False
        case _:
            assert_never(process.finish)


def _places(process: Process, read: Read) -> int:
    """How many pixels have constants of their own."""
    by_place = any(axis.coefficient(name) for axis in read.index for name in ("y", "x"))
    return process.extent("y") * process.extent("x") if by_place else 1


def _requantise_widths(process: Process, types: Mapping[str, ElementType]) -> tuple[int, int]:
    """Widths of the factors of the requantising product; (0, 0) without one."""
    match process.finish:
        case ScaledByShift() | ScaledByFloat32() | WeightedSum():
            arguments = scaling(process).arguments[:2]
            first, second = (signed_width(expression_type(a, types)) for a in arguments)
            return first, second
        case Plain() | Clamped() | Signs() | QuantisedSum() | LookedUp() | Elementwise():
            return 0, 0
        case _:
            assert_never(process.finish)


def weights_cost(table: FamilyTable, dataflow: Dataflow, process: Process, f: Factors) -> Cost:
    """Read-only memories of the operands that change with every step, in the order of the steps."""
    steps = (
        ceil_div(process.extent("g"), f.g)
        * ceil_div(process.extent("o"), f.o)
        * ceil_div(process.extent("ky"), f.ky)
        * ceil_div(process.extent("kx"), f.kx)
        * ceil_div(process.extent("i"), f.i)
    )
    total = Cost()
    for read in process.reads:
        store = dataflow.stores.get(read.source)
        if store is None or not any(axis.coefficient(n) for axis in read.index for n in _REDUCE):
            continue
        total += memory(table, steps, f.g * f.o * f.lanes * store.element.bits, constant=True)
    return total


def control_cost(table: FamilyTable, dataflow: Dataflow, process: Process, f: Factors) -> Cost:
    """Loop counters, the array's handshake, and the registers of operands in front of the array."""
    bits: Amount = 0.0
    for name in ("y", "x", "g", "o", "ky", "kx", "i"):
        bits = bits + np.ceil(np.log2(ceil_div(process.extent(name), getattr(f, name, 1)) + 0.0))
    elements = [c.element for read in process.reads if (c := dataflow.channels.get(read.source))]
    operands = f.x * f.g * f.lanes * sum(element.bits for element in elements)
    return Cost(lut=8 + table.nest_bit * bits, ff=12 + 4 * bits + operands)


def buffer_cost(
    table: FamilyTable,
    depth: Amount,
    lanes: Amount,
    bits: int,
    copies: Amount,
    masked: bool,
    scans: bool,
    channels: int,
    write_lanes: Amount = 1,
    single_port: bool = False,
) -> Cost:
    """A channel buffer of ``depth`` words (its memory is the next power of two) with ``copies`` read ports.

    ``masked``: reads may lie outside the tensor; ``scans``: there is more than one pixel group. Words of ``write_lanes`` are put together
    to those of ``lanes``; where a pixel's last word is not full, through a choice. ``single_port``: in SPRAM.
    """
    kept = np.maximum(lanes - write_lanes, 0) * bits
    ragged = ceil_div(channels, write_lanes) * write_lanes % lanes > 0
    address = np.ceil(np.log2(np.maximum(depth, 2)))
    words, wider = 2 ** address.astype(np.int64), np.maximum(lanes, write_lanes)
    if single_port:
        banks = single_port_memory(table, ceil_div(words * lanes, wider), wider * bits).times(
            copies
        )
    else:
        banks = memory(table, words, lanes * bits).times(copies)
    masks = copies * lanes * bits * table.choice_bit * 0.5 * masked
    # running counts of words written, needed and given up, their comparisons, and the guard's ramps
    counts = table.counter_bit * (6 + 6 * scans) * (address + 1)
    control = 8 + 25 * scans + counts + table.adder_bit * copies * address
    together = Cost(lut=table.choice_bit * kept * ragged, ff=kept)
    whole = banks + Cost(lut=masks + control, ff=8 * address + copies * lanes * bits * BUFFERED)
    return fitted(table, whole + together)


def process_cost(
    dataflow: Dataflow, process: Process, table: FamilyTable, f: Factors, kind: str, finish: str
) -> Cost:
    """Everything of a process but its buffers."""
    others = (
        finish_cost(table, dataflow, process, f, finish)
        + weights_cost(table, dataflow, process, f)
        + control_cost(table, dataflow, process, f)
    )
    return array_cost(table, dataflow, process, f, kind) + fitted(table, others)
