"""The nodes of a graph of a model: their order, what they read, and names that nothing else has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hlsgen.errors import IllegalGraph

if TYPE_CHECKING:
    import onnx


def read_values(graph: onnx.GraphProto) -> set[str]:
    """The values that somebody reads: nodes, also those of graphs inside, and the outside."""
    read = {value.name for value in graph.output}
    for node in graph.node:
        read.update(node.input)
        for attribute in node.attribute:
            for inner in (*attribute.graphs, *([attribute.g] if attribute.HasField("g") else [])):
                read |= read_values(inner)
    return read


def operands(node: onnx.NodeProto) -> list[str]:
    """What a node reads: its inputs, and what graphs inside it read from outside."""
    inside = [a.g for a in node.attribute if a.HasField("g")]
    inside += [graph for attribute in node.attribute for graph in attribute.graphs]
    captured = [value for graph in inside for value in sorted(read_values(graph))]
    return [*node.input, *captured]


def renamed(graph: onnx.GraphProto, outputs: Sequence[str], prefix: str) -> onnx.GraphProto:
    """The graph with its outputs called ``outputs``, and all other values that it defines beginning with ``prefix``."""
    import onnx

    copy = onnx.GraphProto()
    copy.CopyFrom(graph)
    defined = [tensor.name for tensor in copy.initializer]
    defined += [value for node in copy.node for value in node.output if value]
    names = {value: f"{prefix}{value}" for value in defined}
    given = [value.name for value in copy.output]
    names |= {inner: outer for inner, outer in zip(given, outputs, strict=False) if inner in names}
    _rename(copy, names)
    for inner, outer in zip(given, outputs, strict=False):
        if names.get(inner) != outer and outer:  # a value of outside, or one that is given twice
            copy.node.append(onnx.helper.make_node("Identity", [names.get(inner, inner)], [outer]))
    return copy


def _rename(graph: onnx.GraphProto, names: dict[str, str]) -> None:
    """Renames values in place, also where graphs inside read them."""
    for tensor in graph.initializer:
        tensor.name = names.get(tensor.name, tensor.name)
    for value in graph.output:
        value.name = names.get(value.name, value.name)
    for node in graph.node:
        node.input[:] = [names.get(value, value) for value in node.input]
        node.output[:] = [names.get(value, value) for value in node.output]
        for attribute in node.attribute:
            if attribute.HasField("g"):
                _rename(attribute.g, names)
            for inner in attribute.graphs:
                _rename(inner, names)


def ordered(graph: onnx.GraphProto, defined: set[str], name: str) -> list[onnx.NodeProto]:
    """The nodes in an order in which operands come first; raises IllegalGraph for a cycle or a dangling value."""
    known: set[str] = set(defined)
    for node in graph.node:
        for value in node.output:
            if value and value in known:
                raise IllegalGraph(
                    f"{name}, node {node.name} ({node.op_type})",
                    f"expected every value to be defined once, found a second definition of {value}",
                    "Repair the model: two nodes, inputs or initializers have this name.",
                )
            known.add(value)
    for node in graph.node:
        if missing := [value for value in node.input if value and value not in known]:
            raise IllegalGraph(
                f"{name}, node {node.name} ({node.op_type})",
                f"expected operands that are defined, found none for {missing}",
                "Repair the model: a value is read that no node, input or initializer defines.",
            )
    return _operands_first(graph, name)


def _operands_first(graph: onnx.GraphProto, name: str) -> list[onnx.NodeProto]:
    """Every node after those that it reads and else in the file's order; each node and operand is looked at once."""
    nodes = list(graph.node)
    producers = {value: k for k, node in enumerate(nodes) for value in node.output if value}
    order: list[onnx.NodeProto] = []
    entered, done = [False] * len(nodes), [False] * len(nodes)
    for start, first in enumerate(nodes):
        path = [] if entered[start] else [(start, iter(operands(first)))]
        entered[start] = True
        while path:
            k, waiting_for = path[-1]
            before = next((producers[value] for value in waiting_for if value in producers), None)
            if before is None:
                done[k] = True
                order.append(nodes[k])
                path.pop()
            elif not entered[before]:
                entered[before] = True
                path.append((before, iter(operands(nodes[before]))))
            elif not done[before]:
                waiting = [k for k, _ in path]
                raise _cyclic([nodes[k] for k in waiting[waiting.index(before) :]], name)
    return order


def _cyclic(cycle: list[onnx.NodeProto], name: str) -> IllegalGraph:
    """The error for nodes each of which waits for the next."""
    names = [node.name or node.output[0] for node in cycle]
    return IllegalGraph(
        f"{name}, node {names[0]} ({cycle[0].op_type})",
        f"expected a graph without cycles, found one through {names[:5]}",
        "Repair the model: a node must not need its own result.",
    )
