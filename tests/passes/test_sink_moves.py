"""Moves between Dequantize and Quantize, and constants that have more elements than what they are added to."""

from __future__ import annotations

import numpy as np
import pytest
from support.integer_reading import assert_reads
from support.quantised_models import QuantisedModel

from hlsgen.frontend.onnx_reader import read_model
from hlsgen.passes import to_integer


def real(model: QuantisedModel, *shape: int) -> str:
    return model.constant(model.random.normal(size=shape).astype(np.float32))


@pytest.mark.parametrize("operator", ["Add", "Mul", "Sub"])
@pytest.mark.parametrize(
    ("shape", "constant"),
    [
        ((1, 4, 1), (5,)),
        ((1, 6), (1, 1, 6)),
        ((1, 3, 1, 1), (1, 3, 4, 5)),
        ((1, 3, 4, 1), (4, 3)),
        ((1, 3, 2, 2), (1, 1, 3, 2, 2)),
    ],
)
def test_a_constant_with_more_elements_makes_the_operand_larger(
    operator: str, shape: tuple[int, ...], constant: tuple[int, ...]
) -> None:
    model = QuantisedModel(shape, "u8", seed=8)
    x = model.node("Relu", model.dequantize("x", 0.02, 120, "u8"))
    value = model.node(operator, x, real(model, *constant))
    output = model.quantize(value, 0.03, 110, "u8")
    assert assert_reads(model.finish(output), model.samples(20)).different == 0


def test_a_bias_of_a_sequence_behind_its_removed_axis_goes_into_the_convolution() -> None:
    model = QuantisedModel((1, 4, 1, 9), "u8", seed=8)
    x = model.dequantize("x", model.scale, model.zero, "u8")
    value = model.node("Conv", x, model.weights((6, 4, 1, 3), 6, True), dilations=[1, 2])
    value = model.node("Squeeze", value, model.constant(np.array([2])))
    value = model.node("Transpose", value, perm=[0, 2, 1])
    value = model.node("Relu", model.node("Add", value, real(model, 6)))
    proto = model.finish(model.quantize(value, 0.03, 0, "u8"))
    assert assert_reads(proto, model.samples(20)).different == 0
    assert to_integer(read_model(proto)).hardware.nodes[0].op.name == "Conv"


def test_constants_that_are_quantised_again_are_constants() -> None:
    model = QuantisedModel((1, 4, 6), "u8", seed=8)
    integers = model.constant(model.random.integers(0, 256, (1, 1, 6)).astype(np.uint8))
    token = model.quantize(model.dequantize(integers, 0.017, 120, "u8"), 0.02, 120, "u8")
    token = model.dequantize(token, 0.02, 120, "u8")
    joined = model.node("Concat", token, model.dequantize("x", 0.02, 120, "u8"), axis=1)
    output = model.quantize(model.node("Tanh", joined), 0.01, 128, "u8")
    assert assert_reads(model.finish(output), model.samples(20)).different == 0
