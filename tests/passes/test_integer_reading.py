"""The integer model computes what ONNX Runtime's integer kernels compute, bit for bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from support.quantised_models import QuantisedModel, conv_model

from hlsgen.algebra.types import U8, ElementType
from hlsgen.artefact.declared import Session
from hlsgen.frontend.onnx_reader import read_model
from hlsgen.frontend.reference import ort_reference
from hlsgen.graph.builder import GraphBuilder
from hlsgen.graph.check import check
from hlsgen.graph.evaluate import evaluate
from hlsgen.ops.activation import Relu
from hlsgen.ops.add import QuantisedAdd
from hlsgen.ops.quantise import DequantizeLinear, QuantizeLinear
from hlsgen.ops.reason import ELSEWHERE, Reason
from hlsgen.ops.tensor_type import Quantisation, TensorType
from hlsgen.passes import IntegerModel, to_integer
from hlsgen.passes.qdq_to_integer import QdqToInteger


def differing(
    model: onnx.ModelProto, samples: dict[str, np.ndarray], kernels: Session = "integer"
) -> int:
    integer = to_integer(read_model(model))
    check(integer.hardware)
    results = evaluate(integer.hardware, evaluate(integer.host_before, samples))
    reference = ort_reference(model, samples, integer, kernels)
    assert sorted(results) == sorted(reference)
    assert all(len(np.unique(values)) > 1 for values in results.values()), (
        "a test that says nothing"
    )
    return sum(int(np.count_nonzero(results[k] != reference[k].astype(int))) for k in results)


def operators(integer: IntegerModel) -> list[str]:
    return [node.op.name for node in integer.hardware.nodes]


CONVOLUTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "padded": {"pads": [1, 1, 1, 1]},
    "strided": {"strides": [2, 2], "pads": [0, 0, 1, 1]},
    "same upper": {"strides": [2, 2], "auto_pad": "SAME_UPPER"},
    "same lower": {"strides": [2, 1], "auto_pad": "SAME_LOWER"},
    "valid": {"auto_pad": "VALID"},
    "dilated": {"dilations": [2, 2], "pads": [1, 2, 1, 2]},
    "depthwise": {"weights": (3, 1, 3, 3), "group": 3},
    "depthwise, two each": {"weights": (6, 1, 3, 3), "group": 3, "pads": [1, 1, 1, 1]},
    "grouped": {"shape": (1, 4, 6, 6), "weights": (6, 2, 3, 3), "group": 2},
    "pointwise": {"weights": (5, 3, 1, 1)},
    "no bias": {"bias": False},
    "clip": {"activation": "Clip"},
    "no activation": {"activation": None},
    "one dimension": {"shape": (1, 3, 20), "weights": (4, 3, 5), "strides": [2], "pads": [2, 1]},
    "opset 11": {"opset": 11, "per_channel": False},
    "opset 21": {"opset": 21},
}


@pytest.mark.parametrize("element", ["u8", "s8"])
@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize("case", CONVOLUTIONS)
def test_convolution_equals_onnxruntime(case: str, per_channel: bool, element: str) -> None:
    options: dict[str, Any] = {"per_channel": per_channel, "element": element, **CONVOLUTIONS[case]}
    assert differing(*conv_model(**options)) == 0


@pytest.mark.parametrize("element", ["u8", "s8"])
@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize("transposed", [False, True])
def test_gemm_equals_onnxruntime(element: str, per_channel: bool, transposed: bool) -> None:
    model = QuantisedModel((1, 30), element, seed=3)
    x = model.dequantize("x", model.scale, model.zero, element)
    shape = (7, 30) if transposed else (30, 7)
    weights = model.weights(shape, 7, per_channel, axis=0 if transposed else 1)
    bias = model.bias(7, model.scale)
    value = model.node("Gemm", x, weights, bias, transB=int(transposed))
    output = model.quantize(value, 0.03, 5, element)
    assert differing(model.finish(output), model.samples(100)) == 0


def test_matmul_then_float_bias_becomes_gemm() -> None:
    model = QuantisedModel((1, 12), "u8", seed=4)
    x = model.dequantize("x", model.scale, model.zero, "u8")
    value = model.node("MatMul", x, model.weights((12, 5), 5, False, 1))
    value = model.node("Add", value, model.constant(np.zeros(5, np.float32)))
    proto = model.finish(model.quantize(value, 0.02, 100, "u8"))
    assert operators(to_integer(read_model(proto))) == ["Gemm", "Requantise"]
    assert differing(proto, model.samples(100)) == 0


@pytest.mark.parametrize("element", ["u8", "s8"])
@pytest.mark.parametrize("relu", [False, True])
def test_residual_sum_equals_onnxruntime_for_many_scales(element: str, relu: bool) -> None:
    for seed in range(4):
        model = QuantisedModel((1, 2, 16, 16), element, seed=seed)
        first, second, third = (float(s) for s in model.random.uniform(0.01, 0.1, 3))
        a = model.dequantize("x", model.scale, model.zero, element)
        left = model.quantize(a, first, 9, element)
        right = model.quantize(a, second, 3, element)
        left = model.dequantize(left, first, 9, element)
        right = model.dequantize(right, second, 3, element)
        value = model.node("Add", left, right)
        value = model.node("Relu", value) if relu else value
        output = model.quantize(value, third, 3, element)
        proto = model.finish(output)
        assert differing(proto, model.samples(20)) == 0
        last = to_integer(read_model(proto)).hardware.nodes[-1].op
        assert isinstance(last, QuantisedAdd) and last.formula == "chain"


POOLS: dict[str, tuple[str, dict[str, Any]]] = {
    "max": ("MaxPool", {"kernel_shape": [2, 2], "strides": [2, 2]}),
    "max, padded": ("MaxPool", {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]}),
    "max, ceil": ("MaxPool", {"kernel_shape": [2, 2], "strides": [2, 2], "ceil_mode": 1}),
    "average": ("AveragePool", {"kernel_shape": [2, 2], "strides": [2, 2]}),
    "average, odd": ("AveragePool", {"kernel_shape": [3, 3], "strides": [2, 2]}),
    "average, pads count": (
        "AveragePool",
        {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "count_include_pad": 1},
    ),
    "global average": ("GlobalAveragePool", {}),
    "mean over space": ("ReduceMean", {"axes": [2, 3], "keepdims": 0}),
}


@pytest.mark.parametrize("element", ["u8", "s8"])
@pytest.mark.parametrize("case", POOLS)
def test_pool_equals_onnxruntime(case: str, element: str) -> None:
    op, attributes = POOLS[case]
    model = QuantisedModel((1, 5, 7, 7), element, seed=6)
    # a ratio without ties, which ONNX Runtime decides by the noise of its float sums
    scale = model.scale if op == "MaxPool" else model.scale * 0.8437
    x = model.dequantize("x", model.scale, model.zero, element)
    value = model.node(op, x, **attributes)
    output = model.quantize(value, scale, model.zero, element)
    assert differing(model.finish(output), model.samples(40)) == 0


def test_moves_between_dequantize_and_quantize_become_integer_moves() -> None:
    model = QuantisedModel((1, 3, 4, 4), "u8", seed=7)
    value = model.dequantize("x", model.scale, model.zero, "u8")
    value = model.node("Transpose", value, perm=[0, 2, 3, 1])
    value = model.node("Flatten", value)
    value = model.node("Gemm", value, model.weights((48, 6), 6, True, 1))
    value = model.node("Relu", value)
    value = model.node("Unsqueeze", value, model.constant(np.array([1])))
    value = model.node("Squeeze", value, model.constant(np.array([1])))
    proto = model.finish(model.quantize(value, 0.05, 0, "u8"))
    integer = to_integer(read_model(proto))
    assert operators(integer)[:4] == ["Transpose", "Reshape", "Gemm", "Requantise"]
    assert differing(proto, model.samples(30)) == 0


def test_function_of_one_quantised_value_becomes_a_table() -> None:
    model = QuantisedModel((1, 300), "u8", seed=8)
    value = model.node("Relu", model.dequantize("x", 0.1, 100, "u8"))
    proto = model.finish(model.quantize(value, 0.07, 20, "u8"))
    assert operators(to_integer(read_model(proto))) == ["Lookup"]
    assert differing(proto, model.samples(10)) == 0


@pytest.mark.parametrize(("bits", "tables"), [(8, True), (9, False)])
def test_functions_of_more_than_8_bits_are_no_tables(bits: int, tables: bool) -> None:
    build = GraphBuilder("wide")
    quantisation = Quantisation((0.1,), (100,))
    x = build.input("x", TensorType((1, 3), ElementType(bits, False), quantisation))
    real = build.node(Relu(), [build.node(DequantizeLinear(quantisation), [x])])
    graph = build.finish([build.node(QuantizeLinear(quantisation, U8), [real])])
    refused: list[Reason] = []
    result = QdqToInteger().run(graph, lambda node, reason: refused.append(reason))
    assert result.nodes[-1].op.name == ("Clamp" if tables else "RequantiseSteps")
    assert all(reason is ELSEWHERE for reason in refused)


@pytest.mark.parametrize(
    ("after", "operator"),
    [
        ((0.1, 100), "Clamp"),
        ((0.1, 20), "Lookup"),
        ((0.1, 130), "Lookup"),
        ((0.2, 100), "Lookup"),
    ],
)
def test_a_relu_between_equal_quantisations_only_is_a_clamp(
    after: tuple[float, int], operator: str
) -> None:
    model = QuantisedModel((1, 300), "u8", seed=8)
    value = model.node("Relu", model.dequantize("x", 0.1, 100, "u8"))
    proto = model.finish(model.quantize(value, *after, "u8"))
    assert operators(to_integer(read_model(proto))) == [operator]
    assert differing(proto, model.samples(10)) == 0


def test_batch_normalisation_after_quantised_convolution_is_folded() -> None:
    model = QuantisedModel((1, 2, 6, 6), "u8", seed=9)
    x = model.dequantize("x", model.scale, model.zero, "u8")
    value = model.node("Conv", x, model.weights((3, 2, 3, 3), 3, True))
    numbers = model.random.uniform(0.5, 1.5, (4, 3)).astype(np.float32)
    numbers[0, 1] *= -1
    value = model.node("BatchNormalization", value, *(model.constant(row) for row in numbers))
    proto = model.finish(model.quantize(value, 0.05, 90, "u8"))
    integer = to_integer(read_model(proto))
    assert operators(integer) == ["Conv", "RequantiseSteps"]
    samples = model.samples(20)
    results = evaluate(integer.hardware, samples)
    reference = ort_reference(proto, samples, integer, "default")
    name = integer.hardware.outputs[0]
    # ONNX Runtime computes this one in floats: equal but for ties
    error = np.abs(results[name].astype(int) - reference[name].astype(int))
    assert error.max() <= 1 and np.count_nonzero(error) < error.size // 100


def qlinear_operands(model: QuantisedModel, shape: tuple[int, ...], per_channel: bool) -> list[str]:
    scale, zero = model.parameters(model.scale, model.zero, model.element)
    count = shape[0] if per_channel else 1
    scales = model.random.uniform(0.002, 0.01, count).astype(np.float32)
    zeros = np.zeros(count, np.int8)
    if not per_channel:
        scales, zeros = scales.reshape(()), zeros.reshape(())
    weights = model.random.integers(-127, 128, shape).astype(np.int8)
    return ["x", scale, zero, *(model.constant(array) for array in (weights, scales, zeros))]


@pytest.mark.parametrize("per_channel", [False, True])
def test_qlinear_conv_equals_onnxruntime(per_channel: bool) -> None:
    model = QuantisedModel((1, 3, 6, 6), "u8", seed=10)
    operands = qlinear_operands(model, (4, 3, 3, 3), per_channel)
    result = model.parameters(0.05, 120, "u8")
    bias = model.constant(model.random.integers(-2000, 2000, 4).astype(np.int32))
    proto = model.finish(model.node("QLinearConv", *operands, *result, bias, pads=[1, 1, 1, 1]))
    assert differing(proto, model.samples(40), "default") == 0


def test_weights_with_zero_points_equal_onnxruntime() -> None:
    model = QuantisedModel((1, 3, 6, 6), "u8", seed=15)
    operands = qlinear_operands(model, (4, 3, 3, 3), False)
    operands[3] = model.constant(model.random.integers(0, 256, (4, 3, 3, 3)).astype(np.uint8))
    operands[5] = model.constant(np.uint8(117))
    result = model.parameters(0.05, 120, "u8")
    proto = model.finish(model.node("QLinearConv", *operands, *result))
    assert differing(proto, model.samples(40), "default") == 0


def test_qlinear_matmul_and_qgemm_equal_onnxruntime() -> None:
    model = QuantisedModel((1, 20), "u8", seed=11)
    operands = qlinear_operands(model, (20, 6), False)
    middle = model.parameters(0.04, 110, "u8")
    value = model.node("QLinearMatMul", *operands, *middle)
    rest = qlinear_operands(model, (5, 6), True)[3:]
    bias = model.constant(model.random.integers(-900, 900, 5).astype(np.int32))
    result = model.parameters(0.05, 130, "u8")
    output = model.node(
        "QGemm", value, *middle, *rest, bias, *result, domain="com.microsoft", transB=1
    )
    assert differing(model.finish(output), model.samples(200), "default") == 0


@pytest.mark.parametrize("element", ["u8", "s8"])
def test_qlinear_add_and_pools_equal_onnxruntime(element: str) -> None:
    model = QuantisedModel((1, 4, 6, 6), element, seed=12)
    model.zero = 40
    own = model.parameters(model.scale, model.zero, element)
    half = model.parameters(model.scale * 0.8437, 5, element)
    pooled = model.node(
        "QLinearAveragePool",
        "x",
        *own,
        *half,
        domain="com.microsoft",
        kernel_shape=[3, 3],
        strides=[1, 1],
    )
    other = model.node("MaxPool", "x", kernel_shape=[3, 3], strides=[1, 1])
    total = model.parameters(1.3 * model.scale, 30, element)
    summed = model.node("QLinearAdd", pooled, *half, other, *own, *total, domain="com.microsoft")
    result = model.parameters(1.5 * model.scale, 0, element)
    output = model.node("QLinearGlobalAveragePool", summed, *total, *result, domain="com.microsoft")
    assert differing(model.finish(output), model.samples(60), "default") == 0


def test_conv_integer_gives_its_accumulators() -> None:
    model = QuantisedModel((1, 2, 5, 5), "u8", seed=13)
    weights = model.constant(model.random.integers(-127, 128, (3, 2, 3, 3)).astype(np.int8))
    zeros = model.constant(np.uint8(7)), model.constant(np.int8(2))
    proto = model.finish(model.node("ConvInteger", "x", weights, *zeros))
    assert operators(to_integer(read_model(proto))) == ["Conv"]
    assert differing(proto, model.samples(20), "default") == 0


def test_matmul_integer_then_scaled_becomes_a_quantised_gemm() -> None:
    model = QuantisedModel((1, 9), "u8", seed=14)
    weights = model.constant(model.random.integers(-127, 128, (9, 4)).astype(np.int8))
    value = model.node("MatMulInteger", "x", weights, model.constant(np.uint8(130)))
    value = model.node("Cast", value, to=1)
    value = model.node("Mul", value, model.constant(np.float32(0.001)))
    value = model.node("Add", value, model.constant(np.float32([0.5, -0.25, 0.125, 0])))
    proto = model.finish(model.quantize(model.node("Relu", value), 0.05, 0, "u8"))
    integer = to_integer(read_model(proto))
    assert operators(integer) == ["Gemm", "StepFunction"], "a bias between the steps of its sums"
    assert differing(proto, model.samples(300), "default") == 0
