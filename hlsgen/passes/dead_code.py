"""Removal of what no output needs."""

from __future__ import annotations

from hlsgen.graph.ir import Graph
from hlsgen.passes.rewrite import Refused, unheard


class RemoveDead:
    """Nodes and constants that no graph output depends on are removed; inputs stay."""

    name = "remove_dead"

    def run(self, graph: Graph, refused: Refused = unheard) -> Graph:
        needed = set(graph.outputs)
        kept = []
        for node in reversed(graph.nodes):
            if node.output in needed:
                needed.update(node.inputs)
                kept.append(node)
        constants = {name: array for name, array in graph.constants.items() if name in needed}
        if len(kept) == len(graph.nodes) and len(constants) == len(graph.constants):
            return graph
        keep = {*graph.inputs, *constants, *(node.output for node in kept)}
        types = {name: type for name, type in graph.types.items() if name in keep}
        nodes = tuple(reversed(kept))
        return Graph(graph.name, graph.inputs, graph.outputs, nodes, constants, types)
