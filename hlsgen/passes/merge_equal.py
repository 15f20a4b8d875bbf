"""Common subexpressions."""

from __future__ import annotations

from hlsgen.graph.builder import GraphBuilder
from hlsgen.graph.ir import Graph, Node
from hlsgen.ops.op import TensorOp
from hlsgen.ops.reason import ELSEWHERE, Reason
from hlsgen.passes.rewrite import Refused, rewrite, unheard


class MergeEqual:
    """op(x) and op(x) -> one of them, for equal operators on the same values."""

    name = "merge_equal"

    def run(self, graph: Graph, refused: Refused = unheard) -> Graph:
        known: dict[tuple[TensorOp, tuple[str, ...]], str] = {}
        outputs = set(graph.outputs)

        def rule(build: GraphBuilder, node: Node) -> str | Reason:
            first = known.setdefault((node.op, node.inputs), node.output)
            return ELSEWHERE if first == node.output or node.output in outputs else first

        return rewrite(graph, rule, refused)
