"""A float graph as an integer graph of fixed-point numbers, with its borders."""

from __future__ import annotations

from dataclasses import replace

from hlsgen.errors import UnsupportedOp
from hlsgen.failures import naming
from hlsgen.fixed_point.conversion import Asked, Conversion, Fixed, Value
from hlsgen.fixed_point.decompose import Decompose
from hlsgen.fixed_point.format import Format
from hlsgen.fixed_point.ranges import Ranges
from hlsgen.fixed_point.rules import rule_of
from hlsgen.graph.builder import GraphBuilder
from hlsgen.graph.ir import Graph, Node
from hlsgen.ops.activation import Identity
from hlsgen.ops.quantise import DequantizeLinear, QuantizeLinear
from hlsgen.ops.reason import Reason
from hlsgen.ops.reshape import Reshape
from hlsgen.passes.dead_code import RemoveDead
from hlsgen.passes.fold_constants import FoldConstants
from hlsgen.passes.fold_into_weights import FoldIntoWeights
from hlsgen.passes.host_cut import IntegerModel
from hlsgen.passes.merge_equal import MergeEqual
from hlsgen.passes.merge_pads import MergePads
from hlsgen.passes.pipeline import GraphPass, GraphPasses
from hlsgen.passes.split_batch_norm import SplitBatchNorm

PASSES: tuple[GraphPass, ...] = (
    FoldConstants(),
    SplitBatchNorm(),
    FoldIntoWeights(),
    Decompose(),
    FoldConstants(),
    FoldIntoWeights(),
    MergeEqual(),
    MergePads(),
    RemoveDead(),
)


def prepared(graph: Graph) -> Graph:
    """The float graph in operators that have fixed-point rules, as far as they can be taken apart; ranges are measured on it."""
    result = GraphPasses(PASSES).run(graph)
    if result.outputs == graph.outputs:
        return result
    # an output that is an input, or another output, keeps its name
    pairs = [
        (old, new) for old, new in zip(graph.outputs, result.outputs, strict=True) if old != new
    ]
    nodes = tuple(Node(old, Identity(), (new,), old) for old, new in pairs)
    types = {**result.types, **{old: result.types[new] for old, new in pairs}}
    return replace(result, outputs=graph.outputs, nodes=(*result.nodes, *nodes), types=types)


def to_fixed_point(graph: Graph, ranges: Ranges, bits: int) -> IntegerModel:
    """The integer model of a ``prepared`` graph: formats of ``bits`` bits, a power-of-two step for each tensor, from the range of each value.

    Integers and truth values of the model are taken as they are. Raises UnsupportedOp for a node without fixed-point rule, with the reason.
    """
    if constant := [value for value in graph.outputs if value in graph.constants]:
        raise UnsupportedOp(
            f"{graph.name}, output {constant[0]}",
            "expected outputs that depend on an input, found a constant",
            "Remove this output from the model; its value never changes.",
        )
    _refuse_empty(graph)
    before, build, after = (GraphBuilder(n) for n in ("host_before", "hardware", "host_after"))
    single = {n for n, nodes in graph.consumers.items() if len(nodes) == 1}
    conversion = Conversion(build, bits, frozenset(single - set(graph.outputs)))
    build.reserve(tuple(graph.types))
    values: dict[str, Fixed] = {}
    read = {name for node in graph.nodes for name in node.inputs} | set(graph.outputs)
    for name in graph.inputs:
        before.input(name, graph.types[name])
        if name in read:
            values[name] = _input(before, build, name, request(graph, name, ranges, bits))
    for node in graph.nodes:
        operands: tuple[Value, ...] = tuple(
            graph.constants[name] if name in graph.constants else values[name]
            for name in node.inputs
        )
        values[node.output] = _converted(
            conversion, graph, node, operands, request(graph, node.output, ranges, bits)
        )
    kept: dict[str, str] = {}
    for name in graph.outputs:
        value = values[name]
        if (
            build.producer(value.name) is None
        ):  # an input that nothing changes is a stream all the same
            value = replace(value, name=build.node(Reshape(value.type.shape), [value.name]))
        kept[name] = _output(after, value, name)
    borders = before.finish([v.name for n, v in values.items() if n in graph.inputs])
    hardware = build.finish(list(dict.fromkeys(kept.values())))
    return IntegerModel(borders, RemoveDead().run(hardware), after.finish(graph.outputs))


def _refuse_empty(graph: Graph) -> None:
    """Raises UnsupportedOp for a tensor without elements, of which there is no stream."""
    computed = (*graph.inputs, *(node.output for node in graph.nodes))
    for name in computed:
        if graph.types[name].size == 0:
            raise UnsupportedOp(
                f"{graph.name}, value {name}",
                f"expected a tensor with elements, found {graph.types[name]}",
                "Leave out of the model what works on nothing.",
            )


def request(graph: Graph, name: str, ranges: Ranges, bits: int) -> Asked:
    """What is asked for of a value of the float graph."""
    type = graph.types[name]
    if type.is_integer:
        return Asked(type, Format(type.integer, 0), False, ranges[name])
    return Asked(type, Format.holding(bits, *ranges[name]), True, ranges[name])


def _input(before: GraphBuilder, build: GraphBuilder, name: str, w: Asked) -> Fixed:
    """An input of the hardware, and what the host makes it of."""
    low, high = (int(v) for v in w.format.quantise(w.range))
    value = name
    if w.real:
        quantise = QuantizeLinear(w.format.quantisation, w.format.element)
        value = before.node(quantise, [name], f"{name}_fixed", name)
    build.input(value, before.types[value])
    return Fixed(value, before.types[value], w.format, low, high, w.real)


def _converted(
    c: Conversion, graph: Graph, node: Node, operands: tuple[Value, ...], asked: Asked
) -> Fixed:
    where = f"{graph.name}, node {node.name} ({node.op.name})"
    c.build.within(node.name)
    rule = rule_of(node.op)
    with naming(where):
        result = (
            Reason("this operator has no fixed-point form")
            if rule is None
            else rule(c, node, operands, asked)
        )
    if isinstance(result, Reason):
        raise UnsupportedOp(
            where,
            f"expected an operator that fixed-point numbers compute, found one that they do not: {result.text}",
            "Change this operator, or quantise the model to 8 bits: --calibrate samples.npz.",
        )
    return result


def _output(after: GraphBuilder, value: Fixed, name: str) -> str:
    """The hardware's value of an output, of which the host makes the model's."""
    if value.name not in after.types:
        after.input(value.name, value.type)
    op = DequantizeLinear(value.format.quantisation) if value.real else Identity()
    if name not in after.types:
        after.node(op, [value.name], name, name)
    return value.name
