"""Every example of every operator: the dataflow it lowers to has the meaning of the integer graph, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest

from hlsgen.algebra.types import S8, ElementType
from hlsgen.dataflow.check import check
from hlsgen.dataflow.interpret import interpret
from hlsgen.dataflow.text import parse, store_arrays, to_text
from hlsgen.graph.builder import GraphBuilder
from hlsgen.graph.evaluate import evaluate
from hlsgen.graph.ir import Graph
from hlsgen.lowering.lower import lower_with_ports
from hlsgen.ops import OPERATORS, Example, TensorOp
from hlsgen.ops.requantise import Requantise
from hlsgen.ops.tensor_type import storage

CASES = [
    pytest.param(example, id=f"{operator.__name__}{number}")
    for operator in OPERATORS
    if operator.lower is not TensorOp.lower
    for number, example in enumerate(operator.examples())
]


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
    found = {}
    for name in graph.inputs:
        type = graph.types[name]
        element = type.element
        assert isinstance(element, ElementType)
        shape = (samples, *type.shape[1:])
        values = random.integers(element.minimum, element.maximum + 1, shape)
        found[name] = values.astype(storage(element))
    return found


def assert_same_meaning(graph: Graph, tensors: dict[str, np.ndarray]) -> None:
    lowered = lower_with_ports(graph)
    check(lowered.dataflow)
    streams = {port.channel: port.to_stream(tensors[port.value]) for port in lowered.inputs}
    values = interpret(lowered.dataflow, streams)
    expected = evaluate(graph, tensors)
    for port in lowered.outputs:
        found = port.to_tensor(values[port.channel])
        want = np.asarray(expected[port.value]).reshape(found.shape)
        assert np.array_equal(found, want), f"{port.value}: {np.sum(found != want)} differ"


@pytest.mark.parametrize("example", CASES)
def test_example_lowers_to_its_meaning(example: Example) -> None:
    graph = graph_of(example)
    samples = 3 if example.op.keeps_batch(example.inputs) else 1
    assert_same_meaning(graph, random_tensors(graph, samples))


@pytest.mark.parametrize(
    "example",
    [case for case in CASES if case.values[0].op.accumulates],  # type: ignore[union-attr]
)
def test_sums_are_requantised_by_the_process_that_adds_them(example: Example) -> None:
    alone, both = graph_of(example), graph_of(example, requantised=True)
    processes = lower_with_ports(both).dataflow.processes
    assert len(processes) == len(lower_with_ports(alone).dataflow.processes)
    assert_same_meaning(both, random_tensors(both, 3))


@pytest.mark.parametrize("example", CASES)
def test_example_has_a_text_form_that_parses_back(example: Example) -> None:
    dataflow = lower_with_ports(graph_of(example)).dataflow
    text = to_text(dataflow)
    assert to_text(parse(text, store_arrays(dataflow))) == text
