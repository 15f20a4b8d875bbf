"""States of graphs and of dataflows: their text parses back, and samples are a sequence."""

from __future__ import annotations

import numpy as np

from hlsgen.algebra.types import S8
from hlsgen.dataflow import text as dataflow_text
from hlsgen.dataflow.check import check as check_dataflow
from hlsgen.dataflow.interpret import interpret
from hlsgen.dataflow.ir import StateChannel
from hlsgen.graph.builder import GraphBuilder
from hlsgen.graph.check import check
from hlsgen.graph.ir import Graph, StateValue
from hlsgen.graph.sequence import evaluate_sequence
from hlsgen.graph.text import constants_of, parse, to_text
from hlsgen.lowering.lower import lower
from hlsgen.ops.add import QuantisedAdd
from hlsgen.ops.tensor_type import TensorType

STATE = StateValue("sum", "h", -3, ("total", "h 0"))


def running_sum() -> Graph:
    """sum = clamp(x + h), which is h in the next sample."""
    build = GraphBuilder("running")
    x, h = (build.input(name, TensorType((1, 2), S8)) for name in ("x", "h"))
    op = QuantisedAdd(1.0, 0, 1.0, 0, 1.0, 0, -128, 127, S8, S8, S8)
    total = build.node(op, [x, h], "sum")
    doubled = build.node(op, [total, x], "y")
    graph = build.finish([doubled, total])
    return Graph(
        graph.name,
        graph.inputs,
        graph.outputs,
        graph.nodes,
        graph.constants,
        graph.types,
        (STATE,),
    )


SAMPLES = np.array([[[1, 5]], [[2, 100]], [[-4, 90]], [[0, 1]]], np.int8)
SUMS = np.array([[-2, 2], [0, 102], [-4, 127], [-4, 127]])
RESULTS = np.clip(SUMS + SAMPLES[:, 0], -128, 127)


def test_a_graph_gives_its_states_to_the_next_sample() -> None:
    graph = running_sum()
    check(graph)
    assert (graph.sources, graph.sinks) == (("x",), ("y",))
    (results,) = evaluate_sequence(graph, {"x": SAMPLES}).values()
    np.testing.assert_array_equal(results[:, 0], RESULTS)


def test_the_text_of_a_graph_keeps_its_states() -> None:
    graph = running_sum()
    (back,) = parse(to_text(graph), constants_of(graph))
    assert back.states == (STATE,) and to_text(back) == to_text(graph)


def test_a_dataflow_gives_its_states_to_the_next_sample() -> None:
    dataflow = lower(running_sum()).dataflow
    check_dataflow(dataflow)
    (state,) = dataflow.states
    assert state == StateChannel(state.written, "h", -3) and dataflow.inputs == ("x",)
    assert len(dataflow.outputs) == 1 and set(dataflow.sinks) == {*dataflow.outputs, state.written}
    values = interpret(dataflow, {"x": SAMPLES.reshape(4, 1, 1, 2)})
    np.testing.assert_array_equal(values[dataflow.outputs[0]].reshape(4, 2), RESULTS)


def test_the_text_of_a_dataflow_keeps_its_states() -> None:
    dataflow = lower(running_sum()).dataflow
    text = dataflow_text.to_text(dataflow)
    back = dataflow_text.parse(text, dataflow_text.store_arrays(dataflow))
    assert back.states == dataflow.states and dataflow_text.to_text(back) == text
