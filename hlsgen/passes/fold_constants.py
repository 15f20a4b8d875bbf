"""Constant folding."""

from __future__ import annotations

import numpy as np

from hlsgen.graph.builder import GraphBuilder
from hlsgen.graph.ir import Graph, Node
from hlsgen.ops.activation import Identity
from hlsgen.ops.quantise import DequantizeLinear
from hlsgen.ops.reason import ELSEWHERE, Reason
from hlsgen.ops.tensor_type import storage
from hlsgen.passes.rewrite import Refused, rewrite, unheard


class FoldConstants:
    """1. op(constants) -> constant, except DequantizeLinear, which says what the integers stand for.
    2. Identity(x) -> x."""

    name = "fold_constants"

    def run(self, graph: Graph, refused: Refused = unheard) -> Graph:
        return rewrite(graph, _fold, refused)


def _fold(build: GraphBuilder, node: Node) -> str | Reason:
    if isinstance(node.op, Identity):
        return node.inputs[0]
    arrays = [build.constants.get(value) for value in node.inputs]
    if isinstance(node.op, DequantizeLinear) or any(array is None for array in arrays):
        return ELSEWHERE
    result = node.op.infer(tuple(build.types[value] for value in node.inputs), arrays)
    array = node.op.evaluate(np, *arrays)
    name = build.fresh(f"{node.name}_folded")
    stored = np.asarray(array).astype(storage(result.element))
    return build.constant(name, stored, result.element, result.quantisation)
