"""Real biases of quantised products: rounded as ONNX Runtime's default session rounds them, whose integer kernels are then equal."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from support.integer_reading import assert_reads
from support.quantised_models import QuantisedModel

from hlsgen.errors import UnsupportedOp
from hlsgen.frontend.declared import declared_outputs
from hlsgen.frontend.onnx_reader import read_model
from hlsgen.frontend.reference import ort_reference
from hlsgen.graph.evaluate import evaluate
from hlsgen.passes import to_integer


def operators(model: onnx.ModelProto) -> list[str]:
    return [node.op.name for node in to_integer(read_model(model)).hardware.nodes]


def convolution(
    per_channel: bool, after: str | None, element: str = "u8"
) -> tuple[onnx.ModelProto, dict[str, np.ndarray]]:
    model = QuantisedModel((1, 3, 8, 8), element, seed=5)
    x = model.dequantize("x", 0.02, 0, element)
    bias = model.constant(model.random.normal(size=4).astype(np.float32) * np.float32(0.3))
    value = model.node("Conv", x, model.weights((4, 3, 3, 3), 4, per_channel), bias)
    if after:
        value = model.node(after, value)
    zero = -128 if element == "s8" else 0
    return model.finish(model.quantize(value, 0.05, zero, element)), model.samples(200)


@pytest.mark.parametrize("after", [None, "Relu"])
@pytest.mark.parametrize("per_channel", [False, True])
def test_a_real_bias_is_rounded_and_equal_to_the_default_session(
    per_channel: bool, after: str | None
) -> None:
    model, samples = convolution(per_channel, after)
    assert operators(model) == ["Conv", "Requantise"]
    reading = assert_reads(model, samples)
    assert reading.bound == 0 and reading.different == 0


def test_a_real_bias_of_signed_activations_is_equal_to_the_integer_kernels() -> None:
    model, samples = convolution(True, "Relu", "s8")
    integer = to_integer(read_model(model))
    (got,) = evaluate(integer.hardware, samples).values()
    (want,) = ort_reference(model, samples, integer, "integer").values()
    assert np.array_equal(got, want)


def test_the_real_bias_of_a_gemm_behind_a_reshape_is_rounded() -> None:
    model = QuantisedModel((1, 4, 4, 5), "u8", seed=6)
    x = model.dequantize("x", 0.02, 90, "u8")
    pooled = model.node("Conv", x, model.weights((4, 4, 3, 3), 4, False))
    value = model.dequantize(model.quantize(pooled, 0.02, 90, "u8"), 0.02, 90, "u8")
    x = model.node("Reshape", value, model.constant(np.array([1, -1])))
    bias = model.constant(model.random.normal(size=5).astype(np.float32))
    value = model.node("Gemm", x, model.weights((5, 24), 5, True), bias, transB=1)
    proto = model.finish(model.quantize(value, 0.05, 100, "u8"))
    assert operators(proto)[-2:] == ["Gemm", "Requantise"]
    reading = assert_reads(proto, model.samples(300))
    assert reading.bound == 0 and reading.different == 0


@pytest.mark.parametrize("attributes", [{"alpha": 0.5}, {"beta": 2.0}])
def test_a_scaled_gemm_keeps_its_real_bias(attributes: dict[str, Any]) -> None:
    model = QuantisedModel((1, 12), "u8", seed=7)
    x = model.dequantize("x", 0.02, 90, "u8")
    bias = model.constant(model.random.normal(size=5).astype(np.float32))
    value = model.node("Gemm", x, model.weights((12, 5), 5, False, 1), bias, **attributes)
    proto = model.finish(model.quantize(value, 0.05, 100, "u8"))
    assert operators(proto) == ["Gemm", "RequantiseSteps"]
    assert_reads(proto, model.samples(300))


def test_a_bias_of_an_own_node_may_differ_from_integer_kernels_by_one_at_most() -> None:
    """ONNX Runtime makes a Gemm of MatMul and Add, and rounds its bias; the circuit adds the real one."""
    model = QuantisedModel((1, 12), "u8", seed=8)
    x = model.dequantize("x", 0.02, 90, "u8")
    bias = model.constant(model.random.normal(size=5).astype(np.float32))
    value = model.node("Add", model.node("MatMul", x, model.weights((12, 5), 5, False, 1)), bias)
    proto = model.finish(model.quantize(value, 0.05, 100, "u8"))
    integer = to_integer(read_model(proto))
    for session in ("default", "integer", "unoptimised"):
        (promise,) = declared_outputs(proto, integer, (session,))
        assert [difference.bound for difference in promise.differences] == [1]
    assert_reads(proto, model.samples(300))


def test_a_bias_too_large_for_32_bits_stays_real() -> None:
    model = QuantisedModel((1, 12), "u8", seed=8)
    x = model.dequantize("x", 1e-6, 90, "u8")
    weights = model.weights((12, 2), 2, False, 1)
    value = model.node("Gemm", x, weights, model.constant(np.float32([100.0, 0.0])))
    proto = model.finish(model.quantize(value, 0.5, 100, "u8"))
    graph = read_model(proto)
    with pytest.raises(UnsupportedOp, match=r"more than 32 bits hold"):
        to_integer(graph)
