"""Calibrated models hold operators that ONNX Runtime computes on integers, and equal it."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from hlsgen.frontend.calibrate import calibrate
from hlsgen.frontend.declared import declared_outputs
from hlsgen.frontend.onnx_reader import read_model
from hlsgen.frontend.reference import ort_reference
from hlsgen.graph.evaluate import evaluate
from hlsgen.passes import to_integer


def differing(nodes: list[onnx.NodeProto], shape: list[int], **constants: np.ndarray) -> int:
    """How many elements of the calibrated model differ from ONNX Runtime's default session; equality is what is declared."""
    graph = helper.make_graph(
        nodes,
        "float",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_empty_tensor_value_info("y")],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    samples = {"x": np.random.default_rng(5).normal(size=(40, *shape[1:])).astype(np.float32)}
    quantised = calibrate(model, samples)
    integer = to_integer(read_model(quantised))
    (promise,) = declared_outputs(quantised, integer)
    assert promise.session == "default" and promise.exact
    (results,) = evaluate(integer.hardware, evaluate(integer.host_before, samples)).values()
    (reference,) = ort_reference(quantised, samples, integer, "default").values()
    return int(np.count_nonzero(results != reference))


@pytest.mark.parametrize(("alpha", "beta"), [(1.0, 0.5), (0.7, 1.0), (2.0, 0.3), (1.0, 1.0)])
def test_gemm_with_factors_equals_onnxruntime_after_calibration(alpha: float, beta: float) -> None:
    random = np.random.default_rng(2)
    node = helper.make_node("Gemm", ["x", "w", "b"], ["y"], alpha=alpha, beta=beta)
    weights, bias = random.normal(size=(12, 16)), random.normal(size=16)
    constants = {"w": weights.astype(np.float32), "b": bias.astype(np.float32)}
    assert differing([node], [1, 12], **constants) == 0


def test_average_over_the_whole_map_equals_onnxruntime_after_calibration() -> None:
    weights = np.random.default_rng(3).normal(size=(4, 2, 3, 3)).astype(np.float32)
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"]),
        helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("AveragePool", ["r"], ["y"], kernel_shape=[6, 4]),
    ]
    assert differing(nodes, [1, 2, 8, 6], w=weights) == 0
