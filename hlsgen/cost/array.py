"""What a PE array costs with the queue and the drain behind it, as functions of how it is unrolled (see ``cost/units.py``)."""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

import numpy as np

from hlsgen.algebra.types import ElementType
from hlsgen.cost.factors import Factors, operand_types
from hlsgen.cost.operators import signed_width
from hlsgen.cost.units import (
    Amount,
    Cost,
    FamilyTable,
    alone,
    ceil_div,
    chain,
    lut_multiplication,
    multiplication,
)
from hlsgen.dataflow.ir import (
    Accumulate,
    AccumulateTables,
    Dataflow,
    KeepMaximum,
    MultiplyAccumulate,
    Pass,
    Process,
)
from hlsgen.dataflow.step import factor_types
from hlsgen.rtl_templates import contract
from hlsgen.rtl_templates.compressor import compressor_shape

BUFFERED = 0.5
"""Of a word that a buffer reads, the bits that ``cost/process.py`` counts as flip-flops."""


def array_cost(
    table: FamilyTable, dataflow: Dataflow, process: Process, f: Factors, kind: str
) -> Cost:
    """Multipliers, adder trees, accumulators, the queue of results and the drain, with the places of lone flip-flops."""
    types = operand_types(dataflow, process)
    unit, term, folds = Cost(), types["r0"].bits, 1
    first: Amount = 1
    spread: Amount = 0
    products = f.lanes * f.rows
    lone = term  # bits of a unit's registers that stand behind no carry chain
    match process.step:
        case Pass():
            width = sum(types[f"r{k}"].bits for k in range(len(process.reads)))
            return alone(table, _waiting_cost(table, process, f, width, 0))
        case MultiplyAccumulate(accumulator) as step:
            a, b = factor_types(dataflow, process, step)
            if a.bipolar and b.bipolar:
                return _bipolar_cost(table, process, f, accumulator)
            a, b = a.twos_complement, b.twos_complement
            unit = _multiplier_cost(table, a, b, kind)
            lone = a.bits + b.bits if kind == "lut" else unit.ff
            term = signed_width(a) + signed_width(b)
            first = contract.multiplier_latency("dsp" if kind == "dsp" else "lut", a.bits, b.bits)
            if kind == "dsp":
                far = products > contract.NEAR_MULTIPLIERS
                first = first + far
                spread = far * f.lanes * f.g * (f.x * a.bits + f.o * b.bits)
        case Accumulate(accumulator):
            unit = Cost(ff=term)
        case KeepMaximum(accumulator):
            unit, folds, first = Cost(ff=term), 2, 2
        case AccumulateTables():
            raise AssertionError("tables have no array")
        case _:
            assert_never(process.step)
    tree = _tree_cost(table, f.lanes, term, accumulator.bits, folds)
    # the accumulator clears through the flip-flops' synchronous reset
    sums = Cost(lut=folds * chain(table, accumulator.bits), ff=accumulator.bits)
    waiting = _waiting_cost(table, process, f, accumulator.bits, first)
    others = waiting + (tree + sums).times(f.rows)
    total = others + unit.times(products) + Cost(ff=spread)
    return replace(total, lut=total.lut + table.lone_sum * (others.ff + lone * products + spread))


def _bipolar_cost(
    table: FamilyTable, process: Process, f: Factors, accumulator: ElementType
) -> Cost:
    """Signs that are compared and counted: ``rtl_templates.arithmetic.differences.Differences`` for each row, and its accumulator."""
    different, which = np.unique(f.lanes, return_inverse=True)
    places = which.reshape(np.shape(f.lanes))
    trees = [_differences_cost(table, int(lanes)) for lanes in different]
    lut, ff = (np.array([getattr(tree, name) for tree in trees])[places] for name in ("lut", "ff"))
    latency = np.array([contract.differences(int(lanes)).latency for lanes in different])[places]
    sums = Cost(lut=chain(table, accumulator.bits - 1), ff=accumulator.bits - 1)
    rows = (Cost(lut=lut, ff=ff) + sums).times(f.rows)
    waiting = alone(table, _waiting_cost(table, process, f, accumulator.bits, latency))
    return rows + waiting + _passing_cost(table, f, latency)


def _passing_cost(table: FamilyTable, f: Factors, latency: Amount) -> Cost:
    """Registers of signs and of the steps' flags on their way to the counts, where they take the place of LUTs: nothing stands before them, so that
    all of them do, and those of the operand twice (behind the buffer and before the array), of which buffer and control count the usual share.
    Elsewhere RAM blocks and slices have them."""
    if not table.lone_register:
        return Cost()
    operand, weights = f.x * f.g * f.lanes, f.g * f.o * f.lanes
    flags = 2 * latency
    counted = table.lone_register * (1 + BUFFERED)
    return Cost(lut=(2 - counted) * operand + weights + flags, ff=weights + flags)


def _differences_cost(table: FamilyTable, lanes: int) -> Cost:
    """A LUT for each lane, two for each full adder, and a carry chain; where registers take the place of LUTs, no fewer than registers."""
    shape = compressor_shape(lanes)
    lut = lanes + 2 * shape.adders + float(chain(table, shape.added) if shape.added else 0)
    ff = shape.registers + lanes.bit_length()
    return Cost(lut=max(lut, ff) if table.lone_register else lut, ff=ff)


def _multiplier_cost(table: FamilyTable, a: ElementType, b: ElementType, kind: str) -> Cost:
    """One multiplier of an array."""
    if kind == "lut":
        return lut_multiplication(table, a, b)
    return multiplication(table, kind, signed_width(a), signed_width(b))


def _tree_cost(table: FamilyTable, lanes: Amount, term: int, widest: int, folds: int) -> Cost:
    """A tree of ``lanes`` terms: each level is a bit wider, up to ``widest``. ``folds``: chains of one combination."""
    lut: Amount = np.zeros(np.shape(lanes))
    ff: Amount = np.zeros(np.shape(lanes))
    terms, bits = np.asarray(lanes), term
    while np.any(terms > 1):
        bits = min(bits + (folds == 1), widest)
        pairs = terms // 2
        lut = lut + pairs * folds * chain(table, bits)
        ff = ff + (pairs + (terms > 1) * (terms % 2)) * bits
        terms = ceil_div(terms, 2)
    return Cost(lut=lut, ff=ff)


def _waiting_cost(
    table: FamilyTable, process: Process, f: Factors, width: int, first: Amount
) -> Cost:
    """The queue of results and the drain. ``width``: bits of a result; ``first``: edges from operands to terms."""
    levels = np.ceil(np.log2(f.lanes + 0.0))
    steps = (
        ceil_div(process.extent("ky"), f.ky)
        * ceil_div(process.extent("kx"), f.kx)
        * ceil_div(process.extent("i"), f.i)
    )
    before = contract.CHANNEL_READ_LATENCY + contract.OPERAND_LATENCY
    away = steps - 1 + before + first + levels + 1 + contract.CREDIT_LATENCY
    rows_of_last = (_last(process.extent("g"), f.g), _last(process.extent("o"), f.o))
    whole, last = (
        np.maximum(steps, f.x * ceil_div(rows, f.finish_lanes) * f.finish_interval)
        for rows in (f.g * f.o, rows_of_last[0] * rows_of_last[1])
    )
    # of the results that credits are away for, one may be a ragged last one, of fewer words
    depth = ceil_div(away + whole - last, whole)
    bits = f.rows * width
    queue = Cost(lut=table.choice_bit * (depth - 1) * bits + 4 * depth, ff=depth * (bits + 1) + 6)
    turn = np.where(f.rows > f.finish_lanes, bits * table.choice_bit, 0)
    return queue + Cost(lut=turn + 4, ff=bits + 8)


def _last(extent: int, factor: Amount) -> Amount:
    """Iterations of a loop in the last of its steps."""
    return extent - (ceil_div(extent, factor) - 1) * factor
