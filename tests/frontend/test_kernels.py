"""Which kernels of ONNX Runtime's sessions make a value decides what is declared of it."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from hlsgen.frontend.declared import declared_outputs
from hlsgen.frontend.kernels import kernels_of
from hlsgen.frontend.onnx_reader import read_model
from hlsgen.frontend.reference import ort_reference
from hlsgen.graph.evaluate import evaluate
from hlsgen.passes import to_integer
from hlsgen.verify.agreement import beyond


def product_of_16_bit_activations() -> onnx.ModelProto:
    """Quantize, Dequantize, MatMul with dequantised int8 weights, Quantize, Dequantize."""
    random = np.random.default_rng(1)
    constants = {
        "scale": np.float32(1e-3),
        "zero": np.int16(0),
        "weights": random.integers(-127, 128, (16, 8)).astype(np.int8),
        "weight_scale": np.float32(0.01),
        "weight_zero": np.int8(0),
        "result_scale": np.float32(5e-3),
    }
    steps = (
        ("QuantizeLinear", ("x", "scale", "zero"), "x_integers"),
        ("DequantizeLinear", ("x_integers", "scale", "zero"), "x_real"),
        ("DequantizeLinear", ("weights", "weight_scale", "weight_zero"), "weights_real"),
        ("MatMul", ("x_real", "weights_real"), "product"),
        ("QuantizeLinear", ("product", "result_scale", "zero"), "y_integers"),
        ("DequantizeLinear", ("y_integers", "result_scale", "zero"), "y"),
    )
    graph = helper.make_graph(
        [helper.make_node(op, inputs, [output]) for op, inputs, output in steps],
        "product",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 16])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 8])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    opsets = [helper.make_opsetid("", 21)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=10)


def test_an_operand_that_matmulnbits_rounds_is_told_from_a_float_kernel() -> None:
    model = product_of_16_bit_activations()
    assert kernels_of(model, ["y_integers"], [], "default") == {"y_integers": "rounded"}
    assert kernels_of(model, ["y_integers"], [], "unoptimised") == {"y_integers": "floats"}


def test_the_session_that_does_not_round_operands_is_matched() -> None:
    model = product_of_16_bit_activations()
    integer = to_integer(read_model(model))
    (promise,) = declared_outputs(model, integer)
    assert promise.session == "unoptimised"
    samples = {"x": np.random.default_rng(2).normal(0, 5, (50, 16)).astype(np.float32)}
    (results,) = evaluate(integer.hardware, evaluate(integer.host_before, samples)).values()
    (reference,) = ort_reference(model, samples, integer, promise.session).values()
    assert beyond(results, reference, promise) == 0
