"""Numbers at which a slightly wrong rule would still pass samples: scales in float32 steps, biases at the tolerance, windows at the edge."""

from __future__ import annotations

from itertools import product

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from hlsgen.algebra.types import S8, U8, ElementType
from hlsgen.errors import TypeMismatch
from hlsgen.graph.builder import GraphBuilder
from hlsgen.ops.accumulate import Bias, integer_bias, requantised
from hlsgen.ops.op import QuantisedOutput, QuantisedValue
from hlsgen.ops.requantise import Requantise
from hlsgen.ops.tensor_type import Quantisation, TensorType
from hlsgen.ops.window import Window


def value(element: ElementType, scale: float, zero: int, constant: np.ndarray) -> QuantisedValue:
    type = TensorType(constant.shape, element)
    return QuantisedValue("v", type, Quantisation((scale,), (zero,)), constant)


def test_scale_of_a_requantisation_is_computed_in_float32_steps() -> None:
    random = np.random.default_rng(0)
    differs = 0
    for scales in random.uniform(0.001, 0.1, (200, 3)).astype(np.float32):
        x, w = (value(S8, float(s), 0, np.zeros(1, int)) for s in scales[:2])
        build = GraphBuilder("g")
        build.input("acc", TensorType((1, 1), ElementType(20, True)))
        output = QuantisedOutput(float(scales[2]), 0, 0, 255, U8)
        node = build.producer(requantised(build, "acc", x, w, output))
        assert node is not None and isinstance(node.op, Requantise)
        assert node.op.scale == (float(scales[0] * scales[1] / scales[2]),)
        wide = scales.astype(np.float64)
        differs += node.op.scale[0] != float(np.float32(wide[0] * wide[1] / wide[2]))
    assert differs > 20, "scales that a computation in float64 would pass say nothing"


@pytest.mark.parametrize(("beyond", "kept"), [(0.97, True), (-0.97, True), (1.03, False)])
@pytest.mark.parametrize("step", [1e-3, 1e-5])
def test_bias_keeps_its_integers_up_to_the_tolerance(
    step: float, beyond: float, kept: bool
) -> None:
    x, w = value(U8, 1.0, 0, np.zeros(1, int)), value(S8, step, 0, np.zeros((1, 1), int))
    scale = step + beyond * (1e-6 + 0.01 * step)
    bias = value(ElementType(32, True), scale, 0, np.array([100_000]))
    read = integer_bias(x, w, bias, 1)
    assert isinstance(read, Bias) and (read.integers[0] == 100_000) == kept
    assert abs(read.integers[0] - (100_000 if kept else 100_000 * scale / step)) <= 1


def test_extents_equal_onnxruntime_for_all_small_windows() -> None:
    import onnxruntime

    for shape, kernel, stride, before, after, ceil in product(
        range(1, 6), range(1, 4), range(1, 4), range(3), range(3), (False, True)
    ):
        if max(before, after) >= kernel or shape + before + after < kernel:
            continue
        attributes = {"kernel_shape": [kernel], "strides": [stride], "pads": [before, after]}
        node = helper.make_node("MaxPool", ["x"], ["y"], ceil_mode=int(ceil), **attributes)
        graph = helper.make_graph(
            [node],
            "pool",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, shape])],
            [helper.make_empty_tensor_value_info("y")],
        )
        opsets = [helper.make_opsetid("", 17)]
        model: onnx.ModelProto = helper.make_model(graph, opset_imports=opsets, ir_version=8)
        session = onnxruntime.InferenceSession(model.SerializeToString())
        (expected,) = session.run(None, {"x": np.zeros((1, 1, shape), np.float32)})
        window = Window((kernel,), (stride,), (before, after), (1,))
        try:
            extents = window.extents((shape,), ceil)
        except TypeMismatch:
            extents = (0,)
        assert extents == expected.shape[2:], (shape, kernel, stride, before, after, ceil)
