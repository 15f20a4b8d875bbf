"""Operators that only move elements are brought out from between Dequantize and Quantize."""

from __future__ import annotations

from dataclasses import replace

from hlsgen.graph.builder import GraphBuilder
from hlsgen.graph.ir import Graph, Node
from hlsgen.ops.quantise import DequantizeLinear, QuantizeLinear
from hlsgen.ops.reason import ELSEWHERE, Reason
from hlsgen.ops.transpose import Transpose
from hlsgen.passes.rewrite import Refused, rewrite, unheard


class SinkMoves:
    """With ``move`` an operator that moves data or selects the greatest (Reshape, Transpose, MaxPool), per-tensor quantisation:

    1. move(Dequantize(x))  -> Dequantize(move(x))
    2. Quantize(move(x))    -> move(Quantize(x))
    3. relu(move(x))        -> move(relu(x))         any elementwise operator; a monotone one where the move selects

    Exact: quantisation is the same function of every element and never decreases.
    """

    name = "sink_moves"

    def run(self, graph: Graph, refused: Refused = unheard) -> Graph:
        return rewrite(graph, _sink, refused)


def _sink(build: GraphBuilder, node: Node) -> str | Reason:
    if not node.inputs or (before := build.producer(node.inputs[0])) is None:
        return ELSEWHERE
    if node.op.moves_data and isinstance(before.op, DequantizeLinear):
        return _above_dequantize(build, node, before, before.op)
    if not before.op.moves_data or build.types[before.output].is_integer:
        return ELSEWHERE
    quantize = isinstance(node.op, QuantizeLinear) and node.op.quantisation.per_tensor
    monotone = quantize or node.op.monotone
    if not (quantize or node.op.elementwise) or (before.op.selects and not monotone):
        return Reason(f"{node.op.name} does not commute with {before.op.name}")
    inner = Node(node.name, node.op, before.inputs, node.output)
    sunk = _sink(build, inner)
    value = build.node(node.op, before.inputs) if isinstance(sunk, Reason) else sunk
    return build.node(before.op, [value], name=before.name)


def _above_dequantize(
    build: GraphBuilder, node: Node, before: Node, dequantize: DequantizeLinear
) -> str | Reason:
    source = before.inputs[0]
    quantisation = dequantize.resolved(build.types[source])
    if quantisation.axis is not None:
        if not isinstance(node.op, Transpose):
            return Reason(f"{node.op.name} moves what is quantised along an axis")
        moved = node.op.permutation.index(quantisation.axis)
        quantisation = replace(quantisation, axis=moved)
    value = build.node(node.op, [source], name=node.name)
    return build.node(DequantizeLinear(quantisation), [value], name=before.name)
