"""Constant folding."""

from __future__ import annotations

import numpy as np

from hlsgen.graph.builder import GraphBuilder
from hlsgen.graph.ir import Graph, Node
from hlsgen.ops.activation import Identity
from hlsgen.ops.reason import ELSEWHERE, Reason
from hlsgen.ops.tensor_type import storage
from hlsgen.passes.rewrite import Refused, rewrite, unheard


class FoldConstants:
    """1. op(constants) -> constant, or what types decide -> constant, but for what says which integers reals stand for (DequantizeLinear).
    2. Identity(x) -> x.
    3. op(x, constants) -> simpler op(x), e.g. a Gather of constant places."""

    name = "fold_constants"

    def run(self, graph: Graph, refused: Refused = unheard) -> Graph:
        return rewrite(graph, _fold, refused)


def _fold(build: GraphBuilder, node: Node) -> str | Reason:
    if isinstance(node.op, Identity):
        return node.inputs[0]
    types = tuple(build.types[value] for value in node.inputs)
    array = node.op.from_types(types)
    arrays = [build.constants.get(value) for value in node.inputs]
    if node.op.stands_for_integers or (
        array is None and any(operand is None for operand in arrays)
    ):
        simpler = node.op.with_constants(types, arrays) if len(arrays) > 1 else None
        return ELSEWHERE if simpler is None else build.node(simpler, node.inputs[:1])
    result = node.op.infer(types, arrays)
    if array is None:
        array = node.op.evaluate(np, *arrays)
    name = build.fresh(f"{node.name}_folded")
    stored = np.asarray(array).astype(storage(result.element))
    return build.constant(name, stored, result.element, result.quantisation)
