"""What a kernel costs as a fixed pipeline: its operators, the registers in which values wait, addresses, memories and streams."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from math import prod

from hlsgen.algebra.mark import Mark
from hlsgen.algebra.types import narrowest
from hlsgen.cost.units import Cost, FamilyTable, alone, dsp_units, memory
from hlsgen.cost.word_operators import operator_cost
from hlsgen.rtl_templates.kernel.shape import (
    ArrayShape,
    ConstantTap,
    KernelShape,
    OperandTap,
    PipelineShape,
    StageShape,
    ValueTap,
)

_KEPT: Mapping[str, float] = {"ecp5": 0.87, "ice40": 0.75, "gowin": 0.87, "xilinx7": 0.87}
"""What optimisation across units leaves of the sum of their LUTs: the median of the kernels of ``examples/`` on ECP5 and iCE40; the others,
which were not synthesised, as ECP5."""
_HELD: Mapping[str, int] = {"ice40": 2}
"""Flip-flops per bit of a block RAM with which yosys keeps the old word of an address that is read while it is written: counted in netlists
of kernels on iCE40. Other families' blocks do that themselves."""
_FLAGS = frozenset(("equal", "not_equal", "less", "less_equal", "less_unsigned"))
"""Operators whose results are 0 or 1: of their words only one bit is built."""
_SHIFTS = frozenset(("shift_left", "shift_right", "shift_right_logical"))


def kernel_cost(shape: KernelShape, table: FamilyTable) -> Cost:
    """Everything of a ``KernelPipeline`` and of the stream ports around it, as built on a family."""
    total = Cost(lut=20, ff=8)
    for number, array in enumerate(shape.arrays):
        ports = max(reads.count(number) for reads in shape.reads)
        written = any(number in writes for writes in shape.writes)
        total += _array_cost(table, array, max(ports, int(array.given)), written)
    for pipeline in shape.pipelines:
        total += pipeline_cost(pipeline, table)
    if len(shape.pipelines) > 1:
        accesses = (s.access for pipeline in shape.pipelines for s in pipeline.stages)
        bits = sum(access.address_bits for access in accesses if access is not None)
        total += Cost(lut=table.choice_bit * bits)
    return alone(table, replace(total, lut=_KEPT[table.name] * total.lut))


def pipeline_cost(shape: PipelineShape, table: FamilyTable) -> Cost:
    """One ``LoopPipeline``."""
    counts = sum(map(_bits, (prod(shape.trips) + 1, shape.interval, shape.length + 1)))
    total = Cost(lut=2 * table.adder_bit * counts, ff=counts + 4)
    # counters that advance in the same cycle are the same, and built once
    counted = {0} | {stage.time for stage in shape.stages if _counts(stage)}
    nest = sum(map(_bits, shape.trips))
    total += Cost(lut=table.nest_bit * nest, ff=nest).times(len(counted))
    for stage in shape.stages:
        total += _stage_cost(shape, stage, table)
    return total + Cost(ff=_waiting_bits(shape))


def _stage_cost(shape: PipelineShape, stage: StageShape, table: FamilyTable) -> Cost:
    """The unit of one operation and its register; the choices of start values in front of it."""
    starts = sum(
        isinstance(tap, ValueTap) and tap.start is not None
        for tap in (*stage.operands, stage.predicate)
    )
    total = Cost(lut=starts * shape.word_bits * table.choice_bit)
    if stage.access is not None:
        access = stage.access
        bits = shape.word_bits if stage.operator == "affine" else access.address_bits
        if _counts(stage):
            total += Cost(lut=(table.adder_bit + table.choice_bit) * bits, ff=bits)
        elif access.offset:
            total += Cost(lut=table.adder_bit * bits)
        return total + Cost(ff=bits if stage.operator == "affine" else 0)
    width = _value_bits(shape, stage)
    registers = Cost(ff=width * max(1, stage.latency - stage.operator.endswith("_accumulate")))
    if stage.operator.endswith("_accumulate"):
        registers += Cost(ff=width + 2)
    return total + registers + _operator_cost(shape, stage, table)


def _operator_cost(shape: PipelineShape, stage: StageShape, table: FamilyTable) -> Cost:
    """An operator without its registers. Shifts by constants and products with powers of two are wires."""
    constants = [tap.value for tap in stage.operands if isinstance(tap, ConstantTap)]
    if stage.operator in _SHIFTS and isinstance(stage.operands[1], ConstantTap):
        return Cost()
    if stage.operator == "multiply" and any(value & (value - 1) == 0 for value in constants):
        return Cost()
    cost = operator_cost(table, stage.operator, shape.word_bits)
    if stage.operator in ("multiply", "multiply_accumulate"):
        a, b = (_operand_bits(shape, tap) for tap in stage.operands)
        blocks = dsp_units(table, a, b)
        accumulated = (stage.operator != "multiply") * table.adder_bit * shape.word_bits
        if 0 < blocks < cost.dsp:  # synthesis sees that operands are narrower than a word
            return Cost(lut=accumulated, dsp=blocks)
    return cost


def _operand_bits(shape: PipelineShape, tap: OperandTap) -> int:
    """Bits of an operand as a signed number."""
    if isinstance(tap, ConstantTap):
        return narrowest(min(tap.value, -1), tap.value)[0]
    stage = shape.stages[tap.stage]
    unsigned = stage.access is not None and not stage.access.signed
    return min(_value_bits(shape, stage) + unsigned, shape.word_bits)


def _value_bits(shape: PipelineShape, stage: StageShape) -> int:
    """Bits of a stage's value that differ."""
    if stage.operator in _FLAGS:
        return 1
    if stage.operator == "load" and stage.access is not None:
        return min(stage.access.element_bits, shape.word_bits)
    return shape.word_bits


def _waiting_bits(shape: PipelineShape) -> int:
    """Registers in which values wait for those who read them, and in which the strobe and the marks follow the stages."""
    longest: dict[int, int] = {}
    marks: dict[Mark, int] = {}
    active = 0
    for stage in shape.stages:
        for tap in _taps(stage):
            if isinstance(tap, Mark):
                marks[tap] = max(marks.get(tap, 0), stage.time)
            elif isinstance(tap, ValueTap):
                longest[tap.stage] = max(longest.get(tap.stage, 0), tap.delay)
                if tap.start is not None:
                    mark = Mark("first", tap.level)
                    marks[mark] = max(marks.get(mark, 0), stage.time)
        if stage.access is not None or stage.operator.endswith("_accumulate"):
            active = max(active, stage.time)
    values = sum(
        delay * _value_bits(shape, shape.stages[number]) for number, delay in longest.items()
    )
    return values + sum(marks.values()) + len(marks) + active


def _taps(stage: StageShape) -> Iterator[OperandTap | Mark]:
    for tap in (*stage.operands, stage.predicate, stage.clear, stage.when):
        if tap is not None:
            yield tap


def _counts(stage: StageShape) -> bool:
    """Whether the stage has an affine address."""
    return stage.access is not None and stage.access.affine is not None


def _array_cost(table: FamilyTable, array: ArrayShape, ports: int, written: bool) -> Cost:
    """A memory with a copy for each read port, and the counters that fill and empty it."""
    constant = not (written or array.loaded or array.cleared)
    words = 1 << _bits(array.size)  # yosys maps memories of LUTs by whole address bits
    total = memory(table, words, array.element_bits, constant)
    if not constant:
        total += Cost(ff=_HELD.get(table.name, 0) * array.element_bits)
    total = total.times(max(1, ports))
    bits = _bits(array.size + 1)
    if array.loaded or array.cleared:
        fill = 2 * table.adder_bit * bits + table.choice_bit * (bits + array.element_bits)
        total += Cost(lut=fill, ff=bits)
    if array.given:
        total += Cost(lut=(2 * table.adder_bit + table.choice_bit) * bits + 6, ff=bits + 2)
    if array.loaded:
        total += Cost(lut=4, ff=array.element_bits + 2)
    return total


def _bits(count: int) -> int:
    """Bits of a counter of ``count`` states."""
    return max(0, (count - 1).bit_length())
