"""Models that take float16 are read as the same ones in float32, and say so."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from hlsgen.frontend.calibrate import calibrate
from hlsgen.frontend.model_file import load, load_whole
from hlsgen.frontend.onnx_reader import read_model
from hlsgen.graph.evaluate import evaluate
from hlsgen.passes import to_integer

WEIGHTS = np.random.default_rng(4).normal(size=(16, 4)).astype(np.float16)


def half_model() -> onnx.ModelProto:
    """A product, a sum with a Constant node and a Relu, with a cast to float32 and back between them."""
    addend = numpy_helper.from_array(np.full((1, 4), 0.25, np.float16))
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["a"]),
        helper.make_node("Constant", [], ["c"], value=addend),
        helper.make_node("Add", ["a", "c"], ["b"]),
        helper.make_node("Cast", ["b"], ["d"], to=TensorProto.FLOAT),
        helper.make_node("Relu", ["d"], ["e"]),
        helper.make_node("Cast", ["e"], ["y"], to=TensorProto.FLOAT16),
    ]
    graph = helper.make_graph(
        nodes,
        "half",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT16, ["n", 16])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT16, ["n", 4])],
        [numpy_helper.from_array(WEIGHTS, "w")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def test_a_model_in_float16_has_the_results_of_its_numbers_in_float32() -> None:
    x = np.random.default_rng(5).normal(size=(7, 16)).astype(np.float32)
    (y,) = evaluate(read_model(half_model()), {"x": x}).values()
    want = np.maximum(x @ WEIGHTS.astype(np.float32) + np.float32(0.25), 0)
    assert y.dtype == np.float32
    np.testing.assert_allclose(y, want, rtol=1e-5, atol=1e-5)
    assert load(half_model()).note == "its float16 numbers read as float32"
    onnx.checker.check_model(load_whole(half_model()), full_check=True)


def test_a_model_in_float16_is_quantised() -> None:
    x = np.random.default_rng(5).normal(size=(20, 16)).astype(np.float32)
    integer = to_integer(read_model(calibrate(half_model(), {"x": x})))
    assert "Gemm" in [node.op.name for node in integer.hardware.nodes]


def test_a_model_that_uses_float16_inside_alone_is_left_as_it_is() -> None:
    model = half_model()
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.FLOAT
    model.graph.node.insert(0, helper.make_node("Cast", ["x"], ["h"], to=TensorProto.FLOAT16))
    model.graph.node[1].input[0] = "h"
    assert load(model).note == "" and load(model).proto is model
