"""Sums and products of a quantised operand with itself or a quantised constant are those of ONNX Runtime's integer kernels."""

from __future__ import annotations

import numpy as np
import pytest
from support.integer_reading import assert_reads
from support.quantised_models import ELEMENTS, QuantisedModel

from hlsgen.frontend.onnx_reader import read_model
from hlsgen.ops.step_function import StepFunction
from hlsgen.passes import to_integer

SCALES = ((0.05, 0.04, 0.08), (2.0**-5, 2.0**-4, 2.0**-5), (0.0231, 0.3, 0.9))
SHAPE = (1, 3, 4, 5)


def every_integer(model: QuantisedModel) -> dict[str, np.ndarray]:
    """One sample for each integer, the same in all positions."""
    kind, low, high = ELEMENTS[model.element]
    every = np.arange(low, high + 1).reshape(-1, *(1,) * (len(model.shape) - 1))
    return {"x": np.broadcast_to(every, (256, *model.shape[1:])).astype(kind)}


def integers(model: QuantisedModel, shape: tuple[int, ...]) -> str:
    """A constant of the model's own type."""
    kind, low, high = ELEMENTS[model.element]
    return model.constant(model.random.integers(low, high + 1, shape).astype(kind))


@pytest.mark.parametrize("scales", SCALES)
@pytest.mark.parametrize("element", ["u8", "s8"])
@pytest.mark.parametrize("op", ["Add", "Mul"])
def test_an_operand_with_itself(op: str, element: str, scales: tuple[float, ...]) -> None:
    model = QuantisedModel((1, 3), element, seed=3)
    x = model.dequantize("x", scales[0], 9, element)
    output = model.quantize(model.node(op, x, x), scales[2], 3, element)
    reading = assert_reads(model.finish(output), every_integer(model))
    assert reading.bound == 0 and reading.different == 0


@pytest.mark.parametrize("shape", [(), (3, 1, 1), (5,), (1, 3, 4, 5), (4, 1)])
@pytest.mark.parametrize("element", ["u8", "s8"])
@pytest.mark.parametrize("op", ["QLinearAdd", "QLinearMul"])
def test_an_operand_with_a_constant(op: str, element: str, shape: tuple[int, ...]) -> None:
    for number, scales in enumerate(SCALES):
        model = QuantisedModel(SHAPE, element, seed=number)
        own, its, result = (
            model.parameters(s, z, element) for s, z in zip(scales, (9, 17, 3), strict=True)
        )
        operands = [("x", *own), (integers(model, shape), *its)]
        first, second = operands if number != 1 else operands[::-1]
        output = model.node(op, *first, *second, *result, domain="com.microsoft")
        reading = assert_reads(model.finish(output), every_integer(model))
        assert reading.bound == 0 and reading.different == 0, scales


@pytest.mark.parametrize("constant", ["u8", "s8"])
@pytest.mark.parametrize("op", ["Add", "Mul"])
def test_a_dequantised_constant_of_another_type_stays_on_floats(op: str, constant: str) -> None:
    model = QuantisedModel(SHAPE, "u8", seed=8)
    x = model.dequantize("x", 0.05, 9, "u8")
    kind, low, high = ELEMENTS[constant]
    given = model.constant(model.random.integers(low, high + 1, (3, 1, 5)).astype(kind))
    value = model.node(op, x, model.dequantize(given, 0.03, 5, constant))
    proto = model.finish(model.quantize(value, 0.07, 3, "u8"))
    reading = assert_reads(proto, every_integer(model))
    assert reading.bound == 0 and reading.different == 0
    kernels = {
        node.op.kernel
        for node in to_integer(read_model(proto)).hardware.nodes
        if isinstance(node.op, StepFunction)
    }
    assert kernels <= {"integers" if constant == "u8" else "floats"}


def test_a_relu_that_changes_values_keeps_the_product_on_floats() -> None:
    model = QuantisedModel((1, 3), "u8", seed=3)
    x = model.dequantize("x", 2.0**-4, 9, "u8")
    value = model.node("Relu", model.node("Add", x, x))
    reading = assert_reads(
        model.finish(model.quantize(value, 2.0**-4, 3, "u8")), every_integer(model)
    )
    assert reading.bound == 0 and reading.different == 0
