"""Places of the greatest or least quantised element."""

from __future__ import annotations

from hlsgen.graph.builder import GraphBuilder
from hlsgen.graph.ir import Graph, Node
from hlsgen.ops.axis_index import AxisIndex
from hlsgen.ops.quantise import DequantizeLinear
from hlsgen.ops.reason import ELSEWHERE, Reason
from hlsgen.ops.select import ArgMax, ArgMin
from hlsgen.passes.rewrite import Refused, rewrite, unheard

_MOST_BITS = 8


class IndicesToInteger:
    """ArgMax(Dequantize(x)) -> AxisIndex(x), ArgMin likewise: float32 keeps the order of the integers, and equal ones equal."""

    name = "indices_to_integer"

    def run(self, graph: Graph, refused: Refused = unheard) -> Graph:
        return rewrite(graph, _index, refused)


def _index(build: GraphBuilder, node: Node) -> str | Reason:
    if not isinstance(node.op, ArgMax):
        return ELSEWHERE
    producer = build.producer(node.inputs[0])
    if producer is None or not isinstance(producer.op, DequantizeLinear):
        return Reason(f"no Dequantize gives its operand {node.inputs[0]}")
    source = producer.inputs[0]
    type = build.types[source]
    axis = node.op.axis % len(type.shape)
    if not producer.op.resolved(type).per_tensor:
        return Reason("its operand is quantised per channel")
    if axis == 0 or type.integer.bits > _MOST_BITS:
        return Reason(f"it is along axis {axis} of {type}")
    op = AxisIndex(axis, bool(node.op.keep), bool(node.op.last), isinstance(node.op, ArgMin))
    return build.node(op, [source])
