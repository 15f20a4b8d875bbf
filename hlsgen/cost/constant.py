"""What constant layers cost, and the gate around a chain of them (see ``cost/units.py``)."""

from __future__ import annotations

from hlsgen.algebra.adder_graph import AdderGraph, ShiftedNode, chain_bits
from hlsgen.algebra.types import ElementType, narrowest
from hlsgen.cost.lookup import tables_luts
from hlsgen.cost.units import Cost, FamilyTable, chain, memory
from hlsgen.dataflow.constant_layer import ConstantLayer
from hlsgen.rtl_templates import contract


def constant_cost(
    table: FamilyTable, layer: ConstantLayer, element: ElementType, in_a_row: int
) -> Cost:
    """A constant layer with results of ``element``: carry chains, the registers of its nodes, and the rounding of its sums."""
    graph = layer.graph()
    ranges, count = graph.ranges, len(graph.inputs)
    lut = 0.0
    for k, total in enumerate(graph.sums, count):
        if (bits := chain_bits(total, ranges, ranges[k])) > 0:
            lut += float(chain(table, bits))
    ff = _register_bits(graph, in_a_row)
    if layer.tables:
        lut += tables_luts(table, layer.tables)
        ff += sum(narrowest(*lookup.range)[0] for lookup in layer.tables)
    if layer.rounds():
        for output in graph.outputs:
            ends = (output,) * 2 if isinstance(output, int) else ranges[output.node]
            shifted = 0 if isinstance(output, int) else output.shift
            ff += element.bits
            if layer.rounding.signs:
                continue
            upper = narrowest(*ends)[0] + shifted - layer.rounding.shift - element.bits
            lut += table.choice_bit * element.bits + max(0, upper) / 3
            if layer.rounding.to_even:
                lut += float(chain(table, element.bits + 1)) + layer.rounding.shift / 3
    return Cost(lut=lut, ff=ff)


def gate_cost(table: FamilyTable, words: int, bits: int) -> Cost:
    """The gate around a chain whose queue holds ``words`` results of ``bits``."""
    fifo = contract.credit_depth(1, 1)
    queue = Cost(lut=table.choice_bit * (fifo - 1) * bits + 40, ff=fifo * bits + 30)
    return memory(table, words, bits) + queue


def _register_bits(graph: AdderGraph, in_a_row: int) -> int:
    """Bits of the registers behind nodes, as ``rtl_templates.arithmetic.adder_graph`` places them."""
    stages = [-(-level // in_a_row) for level in graph.levels]
    last = list(stages)
    count = len(graph.inputs)
    for k, total in enumerate(graph.sums, count):
        for term in (total.first, total.second):
            if isinstance(term, ShiftedNode):
                last[term.node] = max(last[term.node], stages[k])
    end = max(stages, default=0) + 1
    for output in graph.outputs:
        if isinstance(output, ShiftedNode):
            last[output.node] = end
    return sum(
        max(0, until - max(1, stage)) * narrowest(*ends)[0]
        for stage, until, ends in zip(stages, last, graph.ranges, strict=True)
    )
