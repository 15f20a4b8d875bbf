"""Sums of tables of a vector's elements as a process."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hlsgen.algebra.affine import Affine
from hlsgen.algebra.scalar import Clamp
from hlsgen.algebra.types import ElementType
from hlsgen.dataflow.builder import DataflowBuilder
from hlsgen.dataflow.ir import AccumulateTables, Clamped, Plain, Process, Read, Store, Write
from hlsgen.dataflow.nest import POSITION, channel_index, nest
from hlsgen.dataflow.step import table_sum_ranges
from hlsgen.ops.lowering import SummedTables


def table_process(process: Process, summed: SummedTables, stores: dict[str, Store]) -> Process:
    """The process of tables of the vector that ``process`` reads, in its place; what it reads besides is added to ``stores``."""
    row = (Affine(0, (("o", 1),)), Affine(), Affine())
    reads = [process.reads[0]]
    for part, array in (("selection", summed.selection), ("tables", summed.tables)):
        name = f"{process.name}_{part}"
        while name in stores:
            name += "_"
        element = ElementType.holding(int(array.min()), int(array.max()))
        stores[name] = Store(name, np.asarray(array, np.int64), element)
        reads.append(Read(name, row))
    low, high = table_sum_ranges(summed.tables)
    total = ElementType.holding(int(low.min()), int(high.max()))
    step = AccumulateTables(total, summed.bits, summed.offset)
    return replace(process, reads=tuple(reads), step=step, finish=Plain())


def table_sum(builder: DataflowBuilder, name: str, source: str, summed: SummedTables) -> str:
    """The channel (1, 1, outputs) of sums of what ``summed`` gives of the vector in ``source``, see ``ir.AccumulateTables``."""
    inner = builder.channels[source].shape[2]
    row = (Affine(0, (("o", 1),)), Affine(), Affine())
    reads = (
        Read(source, (Affine(), Affine(), Affine(0, (("i", 1),)))),
        Read(builder.store(f"{name}_selection", summed.selection), row),
        Read(builder.store(f"{name}_tables", summed.tables), row),
    )
    low, high = (values.tolist() for values in table_sum_ranges(summed.tables))
    outputs = len(summed.tables)
    process = builder.unique(name)
    element = ElementType.holding(summed.low, summed.high)
    target = builder.channel(f"{name}_out", (1, 1, outputs), element)
    inside = summed.low <= min(low) and max(high) <= summed.high
    return builder.process(
        Process(
            process,
            nest((1, 1), 1, outputs, (1, 1), inner),
            reads,
            Write(target, (*POSITION, channel_index(outputs))),
            AccumulateTables(ElementType.holding(min(low), max(high)), summed.bits, summed.offset),
            Plain() if inside else Clamped(Clamp(summed.low, summed.high)),
        )
    )
