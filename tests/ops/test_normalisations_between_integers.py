"""Softmax and normalisations between Dequantize and Quantize: their integer forms against ONNX Runtime, and where they stay on the host."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from support.quantised_models import ELEMENTS, QuantisedModel

from hlsgen.errors import HlsgenError
from hlsgen.frontend.onnx_reader import read_model
from hlsgen.frontend.sessions import open_session
from hlsgen.graph.evaluate import evaluate
from hlsgen.passes import to_integer


def between(
    op: str, shape: tuple[int, ...], element: str, *parameters: np.ndarray, **attributes: Any
) -> QuantisedModel:
    """The operator between integers, and a Relu behind it, which is not the host's."""
    model = QuantisedModel(shape, element, attributes.pop("opset", 17), seed=len(shape))
    scale, step = attributes.pop("scale", model.scale), attributes.pop("step", 0.04)
    zero = attributes.pop("zero", 0 if element == "u8" else -128)
    x = model.dequantize("x", scale, model.zero, element)
    y = model.node(op, x, *map(model.constant, parameters), **attributes)
    y = model.dequantize(model.quantize(y, step, zero, element), step, zero, element)
    model.quantize(model.node("Relu", y), step, zero, element)
    return model


def differences(model: QuantisedModel, count: int = 60) -> tuple[np.ndarray, list[str]]:
    """Of the hardware's integers and ONNX Runtime's; and the names of the integer operators."""
    proto = model.finish(model.nodes[-1].output[0])
    samples = model.samples(count)
    session = open_session(proto, [], "default")
    (expected,) = session.run(None, samples)
    hardware = to_integer(read_model(proto)).hardware
    (name,) = hardware.outputs
    got = np.asarray(evaluate(hardware, samples)[name]).reshape(expected.shape)
    names = [node.op.name for node in hardware.nodes]
    return np.abs(got.astype(np.int64) - expected), names


@pytest.mark.parametrize("element", ELEMENTS)
@pytest.mark.parametrize(("shape", "axis"), [((1, 5, 8), -1), ((1, 2, 7, 33), 3), ((1, 6, 4), 1)])
@pytest.mark.parametrize("scale", [0.011, 0.06, 0.31])
def test_softmax_is_onnxruntime_s_up_to_float_sums(
    shape: tuple[int, ...], axis: int, scale: float, element: str
) -> None:
    model = between("Softmax", shape, element, axis=axis, scale=scale, step=1 / 256)
    distances, names = differences(model)
    assert "QuantisedSoftmax" in names
    assert distances.max() <= 1
    assert np.mean(distances > 0) < 1e-3


def parameters(count: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(count)
    gain = random.uniform(0.5, 1.5, count).astype(np.float32)
    return gain, random.normal(0, 0.2, count).astype(np.float32)


NORMALISED: dict[str, Any] = {
    "layer": lambda e: between("LayerNormalization", (1, 5, 16), e, *parameters(16), zero=7),
    "layer, no offset": lambda e: between(
        "LayerNormalization", (1, 3, 7), e, parameters(7)[0], zero=7, epsilon=0.01
    ),
    "layer, two axes": lambda e: between(
        "LayerNormalization", (1, 2, 3, 5), e, np.ones((3, 5), np.float32), axis=2, zero=7
    ),
    "instance": lambda e: between("InstanceNormalization", (1, 3, 4, 5), e, *parameters(3), zero=7),
    "group": lambda e: between(
        "GroupNormalization", (1, 6, 4, 2), e, *parameters(6), zero=7, num_groups=2, opset=21
    ),
}


@pytest.mark.parametrize("element", ELEMENTS)
@pytest.mark.parametrize("case", NORMALISED)
def test_a_normalisation_in_fixed_point_is_at_most_one_off_and_rarely(
    case: str, element: str
) -> None:
    distances, names = differences(NORMALISED[case](element))
    assert "QuantisedNorm" in names
    assert distances.max() <= 1
    assert np.mean(distances > 0) < 0.06


def test_rms_normalisation_is_its_definition_in_fixed_point() -> None:
    model = between(
        "RMSNormalization", (1, 4, 16), "u8", parameters(16)[0], opset=23, zero=128, step=0.03
    )
    proto = model.finish(model.nodes[-1].output[0])
    samples = model.samples(40)
    hardware = to_integer(read_model(proto)).hardware
    got = np.asarray(evaluate(hardware, samples)[hardware.outputs[0]], np.int64)
    x = (samples["x"].astype(np.float64) - model.zero) * np.float64(model.scale)
    y = x / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-5) * parameters(16)[0]
    expected = np.clip(np.rint(y / np.float32(0.03)) + 128, 128, 255)
    distances = np.abs(got - expected)
    assert distances.max() <= 1 and np.mean(distances > 0) < 0.06


def test_the_last_softmax_of_a_network_stays_on_the_host() -> None:
    model = QuantisedModel((1, 8), "u8", seed=10)
    x = model.dequantize("x", model.scale, model.zero, "u8")
    value = model.quantize(model.node("Gemm", x, model.weights((8, 4), 4, True, 1)), 0.05, 90, "u8")
    value = model.node("Softmax", model.dequantize(value, 0.05, 90, "u8"), axis=1)
    value = model.dequantize(model.quantize(value, 1 / 256, 0, "u8"), 1 / 256, 0, "u8")
    integer = to_integer(read_model(model.finish(value)))
    assert "Softmax" in [node.op.name for node in integer.host_after.nodes]
    assert [node.op.name for node in integer.hardware.nodes] == ["Gemm", "Requantise"]


def inside(op: str, *parameters: np.ndarray, **attributes: Any) -> onnx.ModelProto:
    """The operator between two products with constant weights."""
    model = QuantisedModel((1, 3, 8), "u8", seed=30)
    value = model.dequantize("x", model.scale, model.zero, "u8")
    for last in (False, True):
        value = model.node("MatMul", value, model.weights((8, 8), 8, False, 1))
        value = model.quantize(value, 0.05, 100, "u8")
        if not last:
            value = model.dequantize(value, 0.05, 100, "u8")
            value = model.node(op, value, *map(model.constant, parameters), **attributes)
            value = model.dequantize(model.quantize(value, 0.04, 3, "u8"), 0.04, 3, "u8")
    return model.finish(value)


REFUSED: list[tuple[str, list[np.ndarray], dict[str, Any], str]] = [
    ("LogSoftmax", [], {"axis": -1}, "the logarithm of a sum of powers has no integer form"),
    ("Softmax", [], {"axis": 0}, "it works along the batch"),
    ("LayerNormalization", [parameters(8)[0]], {"epsilon": 0.0}, "epsilon is 0"),
]


@pytest.mark.parametrize(("op", "given", "attributes", "reason"), REFUSED)
def test_what_has_no_integer_form_is_refused_by_name(
    op: str, given: list[np.ndarray], attributes: dict[str, Any], reason: str
) -> None:
    with pytest.raises(HlsgenError, match=reason) as error:
        to_integer(read_model(inside(op, *given, **attributes)))
    assert f"({op})" in str(error.value)
