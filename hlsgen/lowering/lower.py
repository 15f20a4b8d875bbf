"""Integer graph to dataflow: every operator lowers itself; this file places inputs and outputs and fuses requantisation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import prod

import numpy as np

from hlsgen.artefact.port import PortLayout
from hlsgen.dataflow.bipolar import with_bipolar, without_bipolar
from hlsgen.dataflow.builder import DataflowBuilder
from hlsgen.dataflow.ir import Dataflow
from hlsgen.dataflow.loadable import LayerTypes, layer_types, loadable
from hlsgen.failures import naming
from hlsgen.graph.ir import Graph, Node, StateValue
from hlsgen.lowering.layout import (
    Placed,
    canonical_position,
    canonical_shape,
    is_whole,
    stream_axes,
)
from hlsgen.lowering.moves import arranged, copy
from hlsgen.lowering.node import NodeLowering, place_canonically
from hlsgen.ops.quantised_norm import QuantisedNorm
from hlsgen.ops.quantised_softmax import QuantisedSoftmax
from hlsgen.ops.requantise import Requantise
from hlsgen.ops.reshape import Reshape
from hlsgen.ops.transpose import Transpose


@dataclass(frozen=True)
class Lowered:
    """A dataflow and how the graph's inputs and outputs cross its border; ``layers``: the types of what is loadable in it."""

    dataflow: Dataflow
    inputs: tuple[PortLayout, ...]
    outputs: tuple[PortLayout, ...]
    layers: Mapping[str, LayerTypes] = field(default_factory=dict)


def lower(
    graph: Graph,
    nudged: bool = True,
    is_loadable: bool = False,
    layers: Mapping[str, LayerTypes] | None = None,
) -> Lowered:
    """The dataflow with the meaning of an integer graph; raises UnsupportedOp where there is none. The same graph gives the same names.

    ``nudged`` False: requantisers are plain float32-exact or multiply-shift forms, and nothing is of one bit, as a grid's memory tiles have it.
    ``is_loadable``: layers are as ``dataflow.loadable`` says, in the types ``layers`` or, where None, those that it gives them.
    """
    builder = DataflowBuilder(graph.name)
    placed: dict[str, Placed] = {}
    inputs = tuple(
        _input(graph, builder, placed, name) for name in graph.sources if name in graph.consumers
    )
    for state in graph.states:
        type = graph.types[state.input]
        channel = builder.kept(state.input, canonical_shape(type.shape), type.integer)
        placed[state.input] = Placed(channel, canonical_position(type.shape))
    done: set[str] = set()
    for node in graph.nodes:
        if node.output in done:
            continue
        fused = _fused_requantise(graph, node)
        lowering = NodeLowering(graph, node, fused, builder, placed, nudged, is_loadable)
        with naming(lowering.where):
            node.op.lower(lowering)
        done |= {node.output} if fused is None else {node.output, fused.output}
    kept = {state.input: placed[state.input].channel for state in graph.states}
    outputs = tuple(_output(graph, builder, placed, name) for name in graph.sinks)
    for state in graph.states:
        written = _state_output(graph, builder, placed, state)
        builder.state(written, kept[state.input], state.initial)
    if is_loadable:
        return _loadable(builder.build(), layers, inputs, outputs)
    narrowed = with_bipolar if nudged else without_bipolar
    return Lowered(narrowed(builder.build()), inputs, outputs)


def _loadable(
    dataflow: Dataflow,
    layers: Mapping[str, LayerTypes] | None,
    inputs: tuple[PortLayout, ...],
    outputs: tuple[PortLayout, ...],
) -> Lowered:
    """With layers that can be exchanged, whose sums may need wider ports. Nothing is of one bit: other weights may not be."""
    plain = without_bipolar(dataflow)
    types = layer_types(plain) if layers is None else layers
    loaded = loadable(plain, types)
    wide = [replace(p, element=loaded.channels[p.channel].element.at_ports) for p in outputs]
    return Lowered(loaded, inputs, tuple(wide), types)


def _fused_requantise(graph: Graph, node: Node) -> Node | None:
    """The Requantise that alone reads this node's sums."""
    if not node.op.accumulates:
        return None
    consumers = graph.consumers.get(node.output, ())
    if len(consumers) != 1 or not isinstance(consumers[0].op, Requantise):
        return None
    return consumers[0] if graph.is_only_read_by(node.output, consumers[0]) else None


def _input(
    graph: Graph, builder: DataflowBuilder, placed: dict[str, Placed], name: str
) -> PortLayout:
    """The input in the order that its first consumer wants, if that is a permutation of axes; else in canonical order."""
    type = graph.types[name]
    straight = np.arange(type.size).reshape(type.shape)
    moved = _as_first_read(graph, name, straight)
    position = np.empty(type.size, dtype=np.int64)
    position[moved.reshape(-1)] = canonical_position(moved.shape).reshape(-1)
    position = position.reshape(type.shape)
    shape = canonical_shape(moved.shape)
    axes = stream_axes(position)
    if axes is None:
        position, shape = canonical_position(type.shape), canonical_shape(type.shape)
        axes = stream_axes(position)
    assert axes is not None, "a canonical order is a permutation of axes"
    channel = builder.input(name, shape, type.integer)
    placed[name] = Placed(channel, position)
    return PortLayout(name, channel, type.shape, axes, shape, type.integer.at_ports)


def _as_first_read(graph: Graph, name: str, array: np.ndarray) -> np.ndarray:
    """``array`` after the reshapes and transposes that lead to the first operator that computes."""
    for node in graph.consumers.get(name, ()):
        if isinstance(node.op, QuantisedNorm | QuantisedSoftmax):
            return _in_runs(array, node.op.axes)
        if not isinstance(node.op, Reshape | Transpose):
            break
        return _as_first_read(graph, node.output, np.asarray(node.op.evaluate(np, array)))
    return array


def _in_runs(array: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    """``array`` as (1, length, runs), whose canonical stream holds what lies along ``axes`` as neighbours."""
    others = tuple(k for k in range(array.ndim) if k not in axes)
    length = prod(array.shape[axis] for axis in axes)
    return array.transpose(*others, *axes).reshape(-1, length).T[None]


def _output(
    graph: Graph, builder: DataflowBuilder, placed: dict[str, Placed], name: str
) -> PortLayout:
    where = f"{graph.name}, output {name}"
    axes = stream_axes(placed[name].position)
    size = prod(builder.channels[placed[name].channel].shape)
    if axes is None or not is_whole(placed[name].position, size):
        place_canonically(builder, placed, name, where)
        axes = stream_axes(placed[name].position)
    assert axes is not None, "a canonical order is a permutation of axes"
    channel = builder.channels[placed[name].channel]
    if builder.is_port(channel.name):
        size = placed[name].position.size
        copied = copy(builder, channel.name, channel.shape, np.arange(size), where)
        channel = builder.channels[copied]
    builder.output(channel.name)
    shape = graph.types[name].shape
    element = channel.element.at_ports
    return PortLayout(name, channel.name, shape, axes, channel.shape, element)


def _state_output(
    graph: Graph, builder: DataflowBuilder, placed: dict[str, Placed], state: StateValue
) -> str:
    """A channel of its own, in canonical order, of the type in which the state is read, that a process writes."""
    where, element = f"{graph.name}, state {state.input}", graph.types[state.input].integer
    old = placed[state.output]
    shape, position = canonical_shape(old.position.shape), canonical_position(old.position.shape)
    name = arranged(builder, old, shape, position, where).channel
    channel = builder.channels[name]
    if channel.element == element and not builder.is_port(channel.name):
        return channel.name
    copied = copy(builder, channel.name, shape, np.arange(position.size), where)
    builder.channels[copied] = replace(builder.channels[copied], element=element)
    return copied
