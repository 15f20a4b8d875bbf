"""Every example of every operator: the dataflow it lowers to has the meaning of the integer graph, bit for bit."""

from __future__ import annotations

import pytest
from support.lowered_examples import assert_same_meaning, graph_of, random_tensors

from hlsgen.dataflow.text import parse, store_arrays, to_text
from hlsgen.lowering.lower import lower
from hlsgen.ops import OPERATORS, Example, TensorOp

CASES = [
    pytest.param(example, id=f"{operator.__name__}{number}")
    for operator in OPERATORS
    if operator.lower is not TensorOp.lower
    for number, example in enumerate(operator.examples())
]


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
    processes = lower(both).dataflow.processes
    assert len(processes) == len(lower(alone).dataflow.processes)
    assert_same_meaning(both, random_tensors(both, 3))


@pytest.mark.parametrize("example", CASES)
def test_example_has_a_text_form_that_parses_back(example: Example) -> None:
    dataflow = lower(graph_of(example)).dataflow
    text = to_text(dataflow)
    assert to_text(parse(text, store_arrays(dataflow))) == text
