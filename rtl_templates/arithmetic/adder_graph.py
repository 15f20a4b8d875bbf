"""Adders: an adder graph as a pipeline."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Cat, Const, Module, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from hlsgen.rtl_templates import contract
from hlsgen.rtl_templates.arithmetic.shapes import extended, shape_holding
from hlsgen.rtl_templates.contract import Contract

from hlsgen.algebra.adder_graph import AdderGraph, Addition, ShiftedNode, joined, passed_bits


class Adders(wiring.Component):
    """The outputs of an adder graph; registers behind every ``in_a_row`` adders, and none in front.

    Members: ``inputs``: array of the graph's inputs; ``outputs``: a field ``o<k>`` for each output.

    **Timing**: see ``contract``; a vector every cycle, never stalled.
    **Cost**: ``graph.carry_bits`` LUTs in carry chains; registers for every node until its last use.
    **Semantics**: ``AdderGraph.evaluate``.
    """

    def __init__(self, graph: AdderGraph, *, in_a_row: int = 1) -> None:
        if in_a_row < 1:
            raise ValueError(f"expected at least one adder between registers, found {in_a_row}")
        self.graph, self.in_a_row = graph, in_a_row
        self.contract: Contract = contract.adders(depth=graph.depth, in_a_row=in_a_row)
        self._late: dict[tuple[int, int], Value] = {}
        low = min(ends[0] for ends in graph.inputs)
        high = max(ends[1] for ends in graph.inputs)
        super().__init__(
            {
                "inputs": In(data.ArrayLayout(shape_holding(low, high), len(graph.inputs))),
                "outputs": Out(
                    data.StructLayout(
                        {
                            f"o{k}": shape_holding(*self.range(o))
                            for k, o in enumerate(graph.outputs)
                        }
                    )
                ),
            }
        )

    def range(self, output: ShiftedNode | int) -> tuple[int, int]:
        """The least and the greatest value of an output."""
        if isinstance(output, int):
            return output, output
        low, high = self.graph.ranges[output.node]
        return low << output.shift, high << output.shift

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        graph, count = self.graph, len(self.graph.inputs)
        nodes: list[Value] = []
        stages = [-(-level // self.in_a_row) for level in graph.levels]
        for k, (low, high) in enumerate(graph.inputs):
            value = Signal(shape_holding(low, high), name=f"input_{k}")
            m.d.comb += value.eq(self.inputs[k])
            nodes.append(value)
        for k, total in enumerate(graph.sums, count):
            operands = [
                self._at(m, nodes, stages, term.node, stages[k])
                for term in (total.first, total.second)
                if isinstance(term, ShiftedNode)
            ]
            value = Signal(shape_holding(*graph.ranges[k]), name=f"sum_{k}")
            m.d.comb += value.eq(_sum(total, operands, graph.ranges, len(value)))
            nodes.append(value)
        for k, output in enumerate(graph.outputs):
            field = self.outputs[f"o{k}"]
            if isinstance(output, int):
                m.d.comb += field.eq(output)
                continue
            last = self._at(m, nodes, stages, output.node, self.contract.latency + 1)
            m.d.comb += field.eq(last.shift_left(output.shift))
        return m

    def _at(
        self, m: Module, nodes: Sequence[Value], stages: Sequence[int], node: int, stage: int
    ) -> Value:
        """A node as the adders of a later stage, or of its own one, see it; the inputs are there in the first stage."""
        value = nodes[node]
        for late in range(max(1, stages[node]), stage):
            key = node, late
            if key not in self._late:
                register = Signal(value.shape(), reset_less=True, name=f"late_{node}_{late}")
                m.d.sync += register.eq(value)
                self._late[key] = register
            value = self._late[key]
        return value


def _sum(total: Addition, operands: Sequence[Value], ranges: Any, bits: int) -> Value:
    """The lowest ``bits`` of a sum: those that are one operand's, then a carry chain."""
    first, second = total.first, total.second
    one = operands[0].shift_left(first.shift)
    if isinstance(second, int):
        other: Value = Const(second, shape_holding(second, second))
        subtracted = False
    else:
        other = operands[1].shift_left(second.shift)
        subtracted = second.negative
        if joined(total, ranges):
            lower, upper = (one, other) if first.shift < second.shift else (other, one)
            begin = max(first.shift, second.shift)
            return Cat(extended(lower, begin), upper.shift_right(begin))[:bits]
    passed = passed_bits(total)
    low = extended(one, passed) if not first.negative else Const(0, passed)
    if not subtracted:
        low = low | extended(other, passed)
    up, more = one.shift_right(passed), other.shift_right(passed)
    if first.negative:
        up, more, subtracted = more, up, True
    high = up - more if subtracted else up + more
    return Cat(low[:passed], high[: bits - passed])
