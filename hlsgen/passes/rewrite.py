"""What rewriting passes share: a graph rebuilt node by node."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from hlsgen.failures import naming
from hlsgen.graph.builder import GraphBuilder
from hlsgen.graph.ir import Graph, Node
from hlsgen.ops.activation import Identity
from hlsgen.ops.reason import Reason

Rule = Callable[[GraphBuilder, Node], str | Reason]
"""Given the new graph so far and a node whose operands are renamed to it: the value that replaces the node's, or why it stays."""


Refused = Callable[[Node, Reason], None]
"""Called with each node that a rule leaves, and why."""


def unheard(node: Node, reason: Reason) -> None:
    """For callers who do not ask why."""


def rewrite(graph: Graph, rule: Rule, refused: Refused = unheard) -> Graph:
    """The graph in which ``rule`` has replaced nodes; the same object if it replaced none.

    A new value that replaces an old one takes over its name, so that values keep the names they have in the source file.
    """
    build = GraphBuilder(graph.name)
    build.reserve(tuple(graph.types))
    for name in graph.inputs:
        build.input(name, graph.types[name])
    renamed: dict[str, str] = {}
    names: dict[str, str] = {}
    changed = False
    for node in graph.nodes:
        inputs = tuple(build.take(graph, renamed.get(value, value)) for value in node.inputs)
        build.within(node.name)
        with naming(f"{graph.name}, node {node.name} ({node.op.name})"):
            replacement = rule(build, Node(node.name, node.op, inputs, node.output))
        if isinstance(replacement, Reason):
            refused(node, replacement)
            build.node(node.op, inputs, node.output, node.name)
        else:
            renamed[node.output] = replacement
            if replacement not in graph.types:
                names.setdefault(replacement, node.output)
            changed = True
    if not changed:
        return graph
    outputs = _outputs(build, graph, renamed)
    names |= {new: old for new, old in zip(outputs, graph.outputs, strict=True) if new != old}
    return rename(build.finish(outputs), names)


def _outputs(build: GraphBuilder, graph: Graph, renamed: Mapping[str, str]) -> list[str]:
    """The values that are the graph's outputs now. Where one is an input or another output, its copy keeps the name that would be lost."""
    outputs: list[str] = []
    for old in graph.outputs:
        new = build.take(graph, renamed.get(old, old))
        if new != old and new in (*graph.inputs, *graph.outputs, *outputs):
            new = build.node(Identity(), [new], old)
        outputs.append(new)
    return outputs


def rename(graph: Graph, names: dict[str, str]) -> Graph:
    """Values renamed where that loses no name: not graph inputs, and not to a name that another value has."""
    names = {
        old: new
        for old, new in names.items()
        if old != new and old not in graph.inputs and new not in graph.types
    }
    if not names:
        return graph
    nodes = tuple(
        Node(
            node.name,
            node.op,
            tuple(names.get(value, value) for value in node.inputs),
            names.get(node.output, node.output),
        )
        for node in graph.nodes
    )
    return Graph(
        graph.name,
        graph.inputs,
        tuple(names.get(value, value) for value in graph.outputs),
        nodes,
        {names.get(name, name): array for name, array in graph.constants.items()},
        {names.get(name, name): type for name, type in graph.types.items()},
    )
