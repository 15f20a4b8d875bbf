"""Functions with constants by place, conditions, comparisons and slopes by channel: what they become equals ONNX Runtime's float operators."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from support.lowered_examples import assert_same_meaning
from support.quantised_models import ELEMENTS, QuantisedModel

from hlsgen.frontend.onnx_reader import read_model
from hlsgen.frontend.reference import ort_reference
from hlsgen.graph.evaluate import evaluate
from hlsgen.passes import to_integer

SCALES = ((0.031, 0.047), (2.0**-5, 2.0**-4), (0.05, 0.0625))
Function = Callable[[QuantisedModel, str], str]
SHAPE = (1, 3, 4, 5)


def operators(
    function: Function, scales: tuple[float, float], element: str = "u8", count: int = 60
) -> list[str]:
    """The operators of a function of x between two scales, all of whose results are ONNX Runtime's without optimisation."""
    model = QuantisedModel(SHAPE, element, seed=4)
    zero = 100 if element == "u8" else -7
    x = model.dequantize("x", scales[0], zero, element)
    proto = model.finish(model.quantize(function(model, x), scales[1], 33, element))
    samples, integer = model.samples(count), to_integer(read_model(proto))
    assert not integer.host_before.nodes and not integer.host_after.nodes
    (got,) = evaluate(integer.hardware, samples).values()
    (want,) = ort_reference(proto, samples, integer, "unoptimised").values()
    assert len(np.unique(got)) > 1, "a test that says nothing"
    assert np.array_equal(got, want), (scales, element)
    assert_same_meaning(integer.hardware, model.samples(2))
    return [node.op.name for node in integer.hardware.nodes]


def constant(model: QuantisedModel, *shape: int, scale: float = 2.0) -> str:
    return model.constant((scale * model.random.normal(size=shape)).astype(np.float32))


def mask(model: QuantisedModel) -> str:
    return model.constant(model.random.integers(0, 2, (1, 1, 4, 5)).astype(bool))


def masked(model: QuantisedModel, x: str) -> str:
    return model.node("Where", mask(model), x, model.constant(np.float32(-1e9)))


def threshold(model: QuantisedModel, x: str) -> str:
    positive = model.node("Greater", x, model.constant(np.float32(0.3)))
    return model.node("Where", positive, x, model.node("Mul", x, model.constant(np.float32(0.1))))


def truths(model: QuantisedModel, x: str) -> str:
    """1 where x lies between two bounds."""
    above = model.node("GreaterOrEqual", x, model.constant(np.float32(-0.7)))
    below = model.node("Not", model.node("Greater", x, model.constant(np.float32(0.9))))
    return model.node("Cast", model.node("And", above, below), to=1)


ONE_OPERAND: dict[str, Function] = {
    "embedding of places": lambda m, x: m.node("Add", x, constant(m, 1, 3, 4, 5)),
    "the operand taken from a constant": lambda m, x: m.node("Sub", constant(m, 4, 5), x),
    "then a function": lambda m, x: m.node(
        "Tanh", m.node("Add", m.node("Relu", x), constant(m, 1, 3, 4, 5))
    ),
    "factors by row": lambda m, x: m.node("Mul", x, constant(m, 1, 1, 4, 5, scale=0.3)),
    "mask": masked,
    "condition": threshold,
    "truth values": truths,
    "slopes by channel": lambda m, x: m.node(
        "PRelu", x, m.constant(np.float32([0.25, -0.3, 1.7]).reshape(3, 1, 1))
    ),
}
TABLES = ("condition", "truth values")


@pytest.mark.parametrize("element", ELEMENTS)
@pytest.mark.parametrize("case", ONE_OPERAND)
def test_a_function_of_one_operand_equals_the_float_session(case: str, element: str) -> None:
    for scales in SCALES:
        names = operators(ONE_OPERAND[case], scales, element)
        assert (names == ["Lookup"]) == (case in TABLES)


def other(model: QuantisedModel) -> str:
    """Another operand of the same integers, with a scale and a zero point of its own."""
    swapped = model.node("Slice", "x", *(model.constant(np.array([n])) for n in (-1, -9, 3, -1)))
    return model.dequantize(swapped, 0.043, 120 if model.element == "u8" else 9, model.element)


def greater(model: QuantisedModel, x: str) -> str:
    return model.node("Cast", model.node("Greater", x, other(model)), to=1)


def chosen(model: QuantisedModel, x: str) -> str:
    y = other(model)
    return model.node("Where", model.node("Less", x, y), y, x)


def gated(model: QuantisedModel, x: str) -> str:
    condition = model.node("Greater", other(model), model.constant(np.float32(0.1)))
    return model.node("Where", condition, x, model.constant(np.float32(0.5)))


def switched(model: QuantisedModel, x: str) -> str:
    y = other(model)
    condition = model.node("Less", y, model.constant(np.float32(0.2)))
    return model.node("Where", condition, model.node("Sigmoid", x), model.node("Neg", x))


@pytest.mark.parametrize("element", ELEMENTS)
@pytest.mark.parametrize("function", [greater, chosen, gated, switched])
def test_a_comparison_of_two_operands_equals_the_float_session(
    function: Function, element: str
) -> None:
    for scales in SCALES:
        assert operators(function, scales, element)[-1] == "StepFunction"


def test_slopes_of_more_channels_than_tables_fit_are_one_function() -> None:
    model = QuantisedModel((1, 40, 3, 3), "s8", seed=5)
    x = model.dequantize("x", 0.0371, 5, "s8")
    slopes = model.constant(model.random.uniform(0, 0.5, (40, 1, 1)).astype(np.float32))
    proto = model.finish(model.quantize(model.node("PRelu", x, slopes), 0.029, 3, "s8"))
    samples, integer = model.samples(30), to_integer(read_model(proto))
    (got,) = evaluate(integer.hardware, samples).values()
    (want,) = ort_reference(proto, samples, integer, "default").values()
    assert np.array_equal(got, want)
    assert [node.op.name for node in integer.hardware.nodes] == ["Lookup", "StepFunction"]
