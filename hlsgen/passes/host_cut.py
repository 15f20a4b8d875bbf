"""The border between hardware and host."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from hlsgen.errors import UnsupportedOp
from hlsgen.graph.ir import Graph, Node
from hlsgen.ops.activation import Identity


@dataclass(frozen=True)
class IntegerModel:
    """A model cut in three: reals to integers on the host, integers in hardware, integers to reals on the host.

    The values between the parts have the same names on both sides. Host parts may be empty (no nodes); their inputs are then
    passed on under the same names.
    """

    host_before: Graph
    hardware: Graph
    host_after: Graph

    @property
    def states(self) -> dict[str, str]:
        """The model's outputs that are kept in the circuit, and the inputs that they are in the next sample."""
        return dict(state.of for state in self.hardware.states)


@dataclass(frozen=True)
class Division:
    """The nodes of each part; ``between`` are operators on reals between integer ones, which nothing can run."""

    before: tuple[Node, ...]
    hardware: tuple[Node, ...]
    after: tuple[Node, ...]
    between: tuple[Node, ...]


def divide(graph: Graph) -> Division:
    """Which part each node belongs to. Operators that only move elements go with the host part that they stand in; where nothing computes,
    they are the hardware."""
    able = [node for node in graph.nodes if is_hardware(graph, node)]
    computing = [node for node in able if not node.op.moves_data or node.op.selects]
    if not computing and len(able) == sum(not _passes_on(node) for node in graph.nodes):
        computing = able
    above, below = _needed_by(graph, computing), _made_from(graph, computing)
    integers = {node.output for node in able}
    reals = [node for node in graph.nodes if node.output not in integers]
    between = tuple(n for n in reals if n.output in above and n.output in below)
    outer = [n for n in reals if n.output not in above or n.output not in below]
    early = _needed_by(graph, [node for node in outer if node.output in above])
    late = _made_from(graph, [node for node in outer if node.output not in above])
    stuck = {node.output for node in between}
    reaching = above - stuck
    before = tuple(
        n
        for n in graph.nodes
        if n.output in reaching and (n.output not in integers or n.output in early)
    )
    first = {node.output for node in before}
    hardware = tuple(n for n in able if n.output not in first and n.output not in late)
    rest = {*(n.output for n in (*before, *hardware, *between))}
    after = tuple(n for n in graph.nodes if n.output not in rest)
    return Division(before, hardware if computing else (), after, between)


def cut_host(graph: Graph, reasons: Mapping[str, str] = MappingProxyType({})) -> IntegerModel:
    """Cuts off what cannot be hardware at the inputs and outputs; raises UnsupportedOp where it stands in between.

    ``reasons`` says by node name why a node has no integer reading.
    """
    if constant := [value for value in graph.outputs if value in graph.constants]:
        raise UnsupportedOp(
            f"{graph.name}, output {constant[0]}",
            "expected outputs that depend on an input, found a constant",
            "Remove this output from the model; its value never changes.",
        )
    parts = divide(graph)
    if not parts.hardware:
        refuse_empty(graph)
        _refuse_quantised(graph, reasons)
        raise UnsupportedOp(
            graph.name,
            "expected quantised operators (Dequantize - operator - Quantize, or QLinear operators), found none",
            "Quantise the model, or give samples to quantise it with: --calibrate samples.npz.",
        )
    _refuse_between(graph, parts.between, reasons)
    read, needed = _read_by(graph, parts.hardware), _read_by(graph, parts.after)
    return IntegerModel(
        _part(graph, "host_before", parts.before, graph.inputs, read),
        _part(graph, "hardware", parts.hardware, None, [*needed, *graph.outputs]),
        _part(graph, "host_after", parts.after, None, graph.outputs),
    )


def _passes_on(node: Node) -> bool:
    """Whether a node gives its operand itself, or quantises or dequantises it."""
    return isinstance(node.op, Identity) or node.op.place == "border"


def refuse_empty(graph: Graph) -> None:
    """Raises UnsupportedOp for a model whose outputs are its inputs, at most in other numbers: nothing is left to make a circuit of."""
    if all(_passes_on(node) for node in graph.nodes):
        raise UnsupportedOp(
            graph.name,
            "expected operators that compute, found outputs that are inputs, at most quantised",
            "Nothing is left to make a circuit of; leave the model out.",
        )


def _refuse_quantised(graph: Graph, reasons: Mapping[str, str]) -> None:
    """Raises UnsupportedOp for a quantised model none of whose operators has an integer reading: no samples would help it."""
    if not any(
        node.op.place == "border" and node.inputs[0] not in graph.constants for node in graph.nodes
    ):
        return
    inner = [node for node in graph.nodes if node.op.place != "border"]
    explained = [node for node in inner if node.name in reasons]
    for node in [*explained, *reversed(inner)][:1]:
        reason = reasons.get(node.name, "no Quantize takes its result")
        raise UnsupportedOp(
            f"{graph.name}, node {node.name} ({node.op.name})",
            f"expected an operator with an integer form, found one without: {reason}",
            "Change this operator or its quantisation; 'hlsgen check' says it for every node.",
        )


def _refuse_between(graph: Graph, nodes: Sequence[Node], reasons: Mapping[str, str]) -> None:
    """Raises UnsupportedOp for operators on reals between integer ones; names the first that has a reason and is not a border itself."""
    if not nodes:
        return
    inner = [node for node in nodes if node.op.place != "border"]
    node = [*(node for node in inner if node.name in reasons), *inner, *nodes][0]
    raise UnsupportedOp(
        f"{graph.name}, node {node.name} ({node.op.name})",
        "expected integer operators between the first and the last quantised one, found one on reals: "
        + reasons.get(node.name, "no Quantize follows it"),
        "Quantise this operator (per-tensor Dequantize before each operand, Quantize after it), or move it to the end.",
    )


def is_hardware(graph: Graph, node: Node) -> bool:
    """Whether a node is an integer operator that lowers to processes."""
    types = (*graph.input_types(node), graph.types[node.output])
    return node.op.place == "hardware" and all(type.is_integer for type in types)


def _needed_by(graph: Graph, nodes: Sequence[Node]) -> set[str]:
    """The values that nodes depend on."""
    needed = {value for node in nodes for value in node.inputs}
    for node in reversed(graph.nodes):
        if node.output in needed:
            needed.update(node.inputs)
    return needed


def _made_from(graph: Graph, nodes: Sequence[Node]) -> set[str]:
    """The values that depend on the results of nodes, those results not included."""
    computed = {node.output for node in nodes}
    dependent: set[str] = set()
    for node in graph.nodes:
        if any(value in computed or value in dependent for value in node.inputs):
            dependent.add(node.output)
    return dependent


def _read_by(graph: Graph, nodes: Sequence[Node]) -> list[str]:
    """The values that nodes read, in the graph's order, without constants."""
    read = dict.fromkeys(value for node in nodes for value in node.inputs)
    return [value for value in read if value not in graph.constants]


def _part(
    graph: Graph,
    name: str,
    nodes: Sequence[Node],
    inputs: tuple[str, ...] | None,
    needed: Sequence[str],
) -> Graph:
    """The sub-graph of ``nodes``. ``needed``: values of use to others; those it neither makes nor receives are left out."""
    computed = {node.output for node in nodes}
    read = _read_by(graph, nodes)
    if inputs is None:
        inputs = tuple(value for value in read if value not in computed)
        if name == "host_after":
            passed = [v for v in needed if v not in computed and v not in graph.constants]
            inputs = tuple(dict.fromkeys((*inputs, *passed)))
    outputs = tuple(dict.fromkeys(v for v in needed if v in computed or v in inputs))
    if name == "hardware":
        outputs = tuple(value for value in outputs if value in computed)
    constants = {
        value: graph.constants[value]
        for node in nodes
        for value in node.inputs
        if value in graph.constants
    }
    types = {value: graph.types[value] for value in (*inputs, *constants, *computed)}
    order = {node.output: node for node in nodes}
    return Graph(name, inputs, outputs, tuple(order.values()), constants, types)
