"""Graphs of the operators' examples, and the comparison of a graph with what it is lowered to."""

from __future__ import annotations

import numpy as np

from hlsgen.algebra.types import S8, ElementType
from hlsgen.dataflow.check import check
from hlsgen.dataflow.interpret import interpret
from hlsgen.graph.builder import GraphBuilder
from hlsgen.graph.evaluate import evaluate
from hlsgen.graph.ir import Graph
from hlsgen.lowering.lower import lower
from hlsgen.ops import Example
from hlsgen.ops.requantise import Requantise
from hlsgen.ops.tensor_type import storage


def graph_of(example: Example, requantised: bool = False) -> Graph:
    build = GraphBuilder("example")
    names = []
    for number, type in enumerate(example.inputs):
        if number in example.constants:
            names.append(build.constant(f"c{number}", example.constants[number], type.element))
        else:
            names.append(build.input(f"x{number}", type))
    result = build.node(example.op, names)
    if requantised:
        result = build.node(Requantise((0.01,), 0, -128, 127, S8), [result])
    return build.finish([result])


def random_tensors(graph: Graph, samples: int, seed: int = 0) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    tensors = {}
    for name in graph.inputs:
        type = graph.types[name]
        element = type.element
        assert isinstance(element, ElementType)
        shape = (samples, *type.shape[1:])
        values = random.integers(element.minimum, element.maximum + 1, shape)
        tensors[name] = values.astype(storage(element))
    return tensors


def assert_same_meaning(graph: Graph, tensors: dict[str, np.ndarray]) -> None:
    lowered = lower(graph)
    check(lowered.dataflow)
    streams = {port.channel: port.to_stream(tensors[port.value]) for port in lowered.inputs}
    values = interpret(lowered.dataflow, streams)
    expected = evaluate(graph, tensors)
    for port in lowered.outputs:
        tensor = port.to_tensor(values[port.channel])
        want = np.asarray(expected[port.value]).reshape(tensor.shape)
        assert np.array_equal(tensor, want), f"{port.value}: {np.sum(tensor != want)} differ"
