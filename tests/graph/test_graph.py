"""The graph's checker and text form."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest

from hlsgen.algebra.types import S8, ElementType
from hlsgen.errors import BadFile, HlsgenError, IllegalGraph, TypeMismatch
from hlsgen.graph.builder import GraphBuilder
from hlsgen.graph.check import check
from hlsgen.graph.evaluate import evaluate
from hlsgen.graph.ir import Graph, Node
from hlsgen.graph.text import constants_of, parse, to_text
from hlsgen.ops import OPERATORS
from hlsgen.ops.activation import Clamp
from hlsgen.ops.conv import Conv
from hlsgen.ops.matmul import MatMul
from hlsgen.ops.move import Gather
from hlsgen.ops.op import Example
from hlsgen.ops.quantise import QuantizeLinear
from hlsgen.ops.requantise import Requantise
from hlsgen.ops.tensor_type import F32, Quantisation, TensorType


def graph_of(example: Example, name: str = "example") -> Graph:
    """A graph of one operator."""
    build = GraphBuilder(name)
    operands = []
    for k, type in enumerate(example.inputs):
        if k in example.constants:
            operands.append(build.constant(f"c{k}", example.constants[k], type.element))
        else:
            operands.append(build.input(f"x {k}", type))
    return build.finish([build.node(example.op, operands, 'odd "name"/é', "source")])


def embedding() -> Graph:
    """Rows of a table of ten, at the places that the input says."""
    build = GraphBuilder("embedding")
    build.input("i", TensorType((1, 2), ElementType(64, True)))
    rows = build.constant("rows", np.arange(30, dtype=np.float32).reshape(10, 3), F32)
    return build.finish([build.node(Gather(0), [rows, "i"], "y")])


EXAMPLES = [(op.__name__, k, e) for op in OPERATORS for k, e in enumerate(op.examples())]
IDS = [f"{name}-{k}" for name, k, _ in EXAMPLES]


def small() -> Graph:
    build = GraphBuilder("small")
    build.input("x", TensorType((1, 1, 3, 3), S8))
    weights = build.integers("w", np.full((2, 1, 3, 3), 3))
    accumulators = build.node(
        Conv(kernel=(3, 3), strides=(1, 1), pads=(0,) * 4, dilations=(1, 1)), ["x", weights], "a"
    )
    return build.finish([build.node(Requantise((0.01,), 0, -128, 127, S8), [accumulators], "y")])


@pytest.mark.parametrize(("name", "number", "example"), EXAMPLES, ids=IDS)
def test_text_of_every_operator_parses_back(name: str, number: int, example: Example) -> None:
    graph = graph_of(example)
    text = to_text(graph, dataclasses.replace(graph, name="again"))
    constants = constants_of(graph, dataclasses.replace(graph, name="again"))
    back = parse(text, constants)
    assert to_text(*back) == text
    assert back[0].nodes == graph.nodes and back[0].types == graph.types


def test_text_keeps_every_bit_of_a_scale() -> None:
    scale = float(np.float32(0.1) / np.float32(3))
    build = GraphBuilder("scales")
    build.input("x", TensorType((1, 2), F32))
    quantisation = Quantisation((scale, 1e-30), (3, -4), 1)
    graph = build.finish([build.node(QuantizeLinear(quantisation, S8), ["x"], "y")])
    assert parse(to_text(graph), {})[0].types["y"].quantisation == quantisation


def test_text_that_is_none_names_its_line() -> None:
    graph = small()
    text = to_text(graph)
    for old, new in (("Requantise(", "Unknown("), ("s8[1,1,3,3]", "z8[1,1,3,3]"), ("node", "nod")):
        with pytest.raises(BadFile, match=r"line \d+"):
            parse(text.replace(old, new), constants_of(graph))
    with pytest.raises(BadFile, match="constant"):
        parse(text, {})


def test_text_runs_no_code() -> None:
    graph = small()
    text = re.sub(r"scale=\(0.01,\)", "scale=__import__('os').getcwd()", to_text(graph))
    with pytest.raises(HlsgenError):
        parse(text, constants_of(graph))


def changed(graph: Graph, **fields: object) -> Graph:
    return dataclasses.replace(graph, **fields)  # type: ignore[arg-type]


def test_checker_finds_cycles_dangling_and_double_definitions() -> None:
    graph = small()
    check(graph)
    conv, requantise = graph.nodes
    loop = Node("c", Clamp(0, 1), ("y",), "a")
    cases = (
        (changed(graph, nodes=(requantise, conv)), "cycle"),
        (changed(graph, nodes=(requantise, loop)), "cycle"),
        (changed(graph, nodes=(requantise,)), "none for"),
        (changed(graph, nodes=(conv, conv, requantise)), "second definition"),
        (changed(graph, outputs=("z",)), "none for"),
        (changed(graph, inputs=("x", "w")), "one name twice"),
    )
    for bad, words in cases:
        with pytest.raises(IllegalGraph, match=words):
            check(bad)


def test_checker_finds_types_that_do_not_follow() -> None:
    graph = small()
    types = {**graph.types, "y": TensorType((1, 2, 1, 1), ElementType(7, True))}
    with pytest.raises(TypeMismatch, match="node y"):
        check(changed(graph, types=types))
    narrow = {**graph.types, "w": TensorType((2, 1, 3, 3), ElementType(2, True))}
    with pytest.raises(TypeMismatch, match="constant w"):
        check(changed(graph, types=narrow))


def test_evaluation_in_batches_equals_sample_by_sample() -> None:
    graph = small()
    x = np.random.default_rng(0).integers(-128, 128, (40, 1, 3, 3)).astype(np.int8)
    together = evaluate(graph, {"x": x}, every=True)
    assert together["a"].shape == (40, 2, 1, 1) and together["y"].dtype == np.int8
    for k in range(40):
        alone = evaluate(graph, {"x": x[k : k + 1]}, every=True)
        assert all(np.array_equal(alone[name][0], together[name][k]) for name in together)


def test_a_product_with_weights_of_more_axes_is_evaluated_sample_by_sample() -> None:
    """Its rows stand along axis 1, where those of samples together would join them."""
    random = np.random.default_rng(1)
    weights = random.normal(size=(1, 2, 4)).astype(np.float32)
    x = random.normal(size=(3, 2)).astype(np.float32)
    build = GraphBuilder("product")
    build.input("x", TensorType((1, 2), F32))
    operands = ["x", build.constant("w", weights, "f32")]
    graph = build.finish([build.node(MatMul(), operands, "y")])
    together = evaluate(graph, {"x": x})["y"]
    assert together.shape == (3, 1, 4)
    np.testing.assert_allclose(together[:, 0], x @ weights[0], rtol=1e-6)


@pytest.mark.parametrize(
    "inputs",
    [
        {"z": np.zeros((1, 1, 3, 3), np.int8)},
        {"x": np.zeros((1, 1, 3, 4), np.int8)},
        {"x": np.zeros((1, 1, 3, 3), np.uint8)},
        {"x": np.zeros((1, 1, 3, 3), np.int8), "y": np.zeros(1)},
        {},
    ],
)
def test_evaluation_refuses_inputs_of_other_names_shapes_and_types(
    inputs: dict[str, np.ndarray],
) -> None:
    with pytest.raises(TypeMismatch, match="expected"):
        evaluate(small(), inputs)


def test_indices_of_samples_beyond_an_axis_are_refused() -> None:
    graph = embedding()
    assert evaluate(graph, {"i": np.array([[2, -1]])})["y"].shape == (1, 2, 3)
    with pytest.raises(TypeMismatch, match="index 99 is out of bounds"):
        evaluate(graph, {"i": np.array([[2, 99]])})
