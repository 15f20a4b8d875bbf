"""Islands of two quantised operands, of one per channel, and of sums: what they become equals ONNX Runtime, or is refused with the count."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support.quantised_models import ELEMENTS, QuantisedModel

from hlsgen.artefact.declared import Session
from hlsgen.errors import UnsupportedOp
from hlsgen.frontend.onnx_reader import read_model
from hlsgen.frontend.reference import ort_reference
from hlsgen.graph.evaluate import evaluate
from hlsgen.passes import to_integer

SCALES = ((0.031, 0.052, 0.047), (2.0**-5, 2.0**-4, 2.0**-4), (0.05, 0.0625, 0.1), (0.02, 0.3, 0.9))


def two_operands(element: str, scales: tuple[float, ...], gate: bool = False) -> Any:
    """A model whose input holds all pairs of integers as two operands, (1, 2, 256, 256), or the second as a row a channel."""
    model = QuantisedModel((1, 2, 16, 16), element, seed=11)
    x = model.dequantize("x", scales[0], 9, element)
    other = model.node("MaxPool", "x", kernel_shape=[1, 1], strides=[16, 16]) if gate else "x"
    if not gate:  # another order of the same integers, so that all kinds of pairs meet
        other = model.node("Transpose", "x", perm=[0, 1, 3, 2])
    return model, x, model.dequantize(other, scales[1], 17, element)


def compared(
    model: QuantisedModel, output: str, session: Session = "unoptimised", count: int = 120
) -> tuple[int, int, list[str]]:
    """How many elements differ from ONNX Runtime, the greatest difference, and the operators."""
    proto, samples = model.finish(output), model.samples(count)
    integer = to_integer(read_model(proto))
    (results,) = evaluate(integer.hardware, evaluate(integer.host_before, samples)).values()
    (reference,) = ort_reference(proto, samples, integer, session).values()
    assert len(np.unique(results)) > 2, "a test that says nothing"
    distance = np.abs(results.astype(int) - reference)
    names = [node.op.name for node in integer.hardware.nodes]
    return int(np.count_nonzero(distance)), int(distance.max()), names


@pytest.mark.parametrize("gate", [False, True])
@pytest.mark.parametrize("element", ["u8", "s8"])
@pytest.mark.parametrize("op", ["Sub", "Min", "Max", "Add", "Sum"])
def test_pair_equals_the_float_session(op: str, element: str, gate: bool) -> None:
    for scales in SCALES:
        model, a, b = two_operands(element, scales, gate)
        output = model.quantize(model.node(op, a, b), scales[2], 3, element)
        if op == "Add" and not gate:  # ONNX Runtime's integer kernel is followed there
            assert compared(model, output, "integer", 60)[0] == 0
        else:
            wrong, _, names = compared(model, output)
            assert wrong == 0 and "StepFunction" in names


@pytest.mark.parametrize("gate", [False, True])
@pytest.mark.parametrize("element", ["u8", "s8"])
def test_product_equals_the_integer_kernel(element: str, gate: bool) -> None:
    for scales in SCALES:
        model, a, b = two_operands(element, scales, gate)
        output = model.quantize(model.node("Mul", a, b), scales[2], 3, element)
        wrong, _, names = compared(model, output, "integer")
        assert wrong == 0 and "StepFunction" in names


@pytest.mark.parametrize("element", ["u8", "s8"])
def test_qlinear_mul_equals_onnxruntime(element: str) -> None:
    for scales in SCALES:
        model = QuantisedModel((1, 2, 16, 16), element, seed=12)
        other = model.node("Transpose", "x", perm=[0, 1, 3, 2])
        own, its, result = (
            model.parameters(s, z, element) for s, z in zip(scales, (9, 17, 3), strict=True)
        )
        output = model.node("QLinearMul", "x", *own, other, *its, *result, domain="com.microsoft")
        assert compared(model, output, "default")[0] == 0


def test_gate_of_a_sigmoid_is_a_product_of_two_tables() -> None:
    for scales in SCALES:
        model, a, b = two_operands("u8", scales, gate=True)
        value = model.node("Mul", a, model.node("Sigmoid", b))
        output = model.quantize(model.node("Relu", value), scales[2] / 4, 3, "u8")
        wrong, _, names = compared(model, output)
        assert wrong == 0 and names[-1] == "StepFunction"


def test_quotient_of_what_is_never_zero_equals_the_float_session() -> None:
    model, a, b = two_operands("u8", SCALES[0])
    below = model.node("Add", model.node("Abs", b), model.constant(np.array(0.7321, np.float32)))
    output = model.quantize(model.node("Div", a, below), 0.0413, 3, "u8")
    wrong, _, names = compared(model, output)
    assert wrong == 0 and names[-1] == "StepFunction"


@pytest.mark.parametrize(
    ("element", "scales"), [("u8", SCALES[0]), ("s8", (0.02, 0.03, 0.05)), ("u8", SCALES[1])]
)
def test_every_quotient_equals_the_float_session_also_by_zero(
    element: str, scales: tuple[float, ...]
) -> None:
    model, a, b = two_operands(element, scales)
    output = model.quantize(model.node("Div", a, b), scales[2], 3, element)
    wrong, _, names = compared(model, output, count=300)
    assert wrong == 0 and names[-1] == "StepFunction"


def test_pairs_that_have_no_form_are_counted() -> None:
    model, a, b = two_operands("u8", SCALES[0])
    value = model.node("Sin", model.node("Mul", a, b))
    proto = model.finish(model.quantize(value, 0.001, 3, "u8"))
    with pytest.raises(UnsupportedOp, match="expected an operator with an integer form"):
        to_integer(read_model(proto))


def test_pair_that_meets_twice_is_refused() -> None:
    model, a, b = two_operands("u8", SCALES[0])
    value = model.node("Add", model.node("Mul", a, b), a)
    proto = model.finish(model.quantize(value, 0.1, 3, "u8"))
    with pytest.raises(UnsupportedOp, match="expected an operator with an integer form"):
        to_integer(read_model(proto))


CHANNELS: dict[str, Any] = {
    "BatchNormalization": (4, (3,)),
    "PRelu": (1, (3, 1, 1)),
    "Mul": (1, (3, 1, 1)),
    "Add": (1, (1, 3, 1, 1)),
}


@pytest.mark.parametrize("element", ["u8", "s8"])
@pytest.mark.parametrize("op", CHANNELS)
def test_function_with_constants_per_channel_equals_onnxruntime(op: str, element: str) -> None:
    for scale in (0.031, 2.0**-5):
        model = QuantisedModel((1, 3, 16, 16), element, seed=13)
        number, shape = CHANNELS[op]
        constants = [
            model.constant(model.random.uniform(0.3, 1.9, shape).astype(np.float32))
            for _ in range(number)
        ]
        value = model.node(op, model.dequantize("x", scale, 30, element), *constants)
        output = model.quantize(value, 0.04, 3, element)
        wrong, _, names = compared(model, output)
        assert wrong == 0 and len(names) == 1


ACTIVATIONS: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "leaky": [("LeakyRelu", {"alpha": 0.1})],
    "sigmoid": [("Sigmoid", {})],
    "swish": [("Swish", {})],
    "hard swish": [("HardSwish", {})],
    "tanh": [("Tanh", {})],
    "shrink": [("Shrink", {"lambd": 1.0})],
}


def convolution(element: str, per_channel: bool) -> tuple[QuantisedModel, str]:
    model = QuantisedModel((1, 3, 6, 6), element, opset=20, seed=14)
    x = model.dequantize("x", model.scale, model.zero, element)
    weights = model.weights((4, 3, 3, 3), 4, per_channel)
    bias = model.bias(4, model.scale)
    return model, model.node("Conv", x, weights, bias, pads=[1, 1, 1, 1])


@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_activation_of_sums_differs_from_floats_next_to_halves_only(
    activation: str, per_channel: bool
) -> None:
    for element, scale in (("u8", 0.03), ("s8", 0.011)):
        model, value = convolution(element, per_channel)
        if activation == "swish":
            value = model.node("Mul", value, model.node("Sigmoid", value))
        else:
            ((op, attributes),) = ACTIVATIONS[activation]
            value = model.node(op, value, **attributes)
        output = model.quantize(value, scale, 60, element)
        wrong, most, names = compared(model, output)
        assert names == ["Conv", "StepFunction"]
        assert wrong <= 120 * 144 // 500 and most <= 1


@pytest.mark.parametrize("op", ["Add", "Sub", "Mul"])
@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("per_channel", [False, True])
def test_sums_meet_a_quantised_operand(op: str, first: bool, per_channel: bool) -> None:
    model, value = convolution("s8", per_channel)
    x = model.node(
        "Conv",
        model.dequantize("x", model.scale, model.zero, "s8"),
        model.weights((4, 3, 1, 1), 4, False),
    )
    x = model.dequantize(model.quantize(x, 0.02, 5, "s8"), 0.02, 5, "s8")
    value = model.node(op, *((value, x) if first else (x, value)))
    output = model.quantize(model.node("Relu", value), 0.05, -90, "s8")
    wrong, most, names = compared(model, output)
    assert names[-1] == "StepFunction" and names.count("Conv") == 2
    assert most <= 1 and wrong <= (120 * 144 // (50 if op == "Mul" else 1000))


def test_all_pairs_are_among_the_samples() -> None:
    model, _, _ = two_operands("u8", SCALES[0])
    samples = model.samples(120)["x"].astype(int)
    pairs = samples * 256 + samples.transpose(0, 1, 3, 2)
    assert len(np.unique(pairs)) > 20_000 and ELEMENTS["u8"][2] == samples.max()


@pytest.mark.parametrize("op", ["Add", "Sub"])
@pytest.mark.parametrize("activation", ["", "Relu", "Tanh"])
@pytest.mark.parametrize("per_channel", [False, True])
def test_sums_of_two_products_meet(op: str, activation: str, per_channel: bool) -> None:
    """As quantisers leave residual branches, and cells write W x + U h."""
    model, value = convolution("u8", per_channel)
    x = model.dequantize("x", model.scale, model.zero, "u8")
    other = model.node("Conv", x, model.weights((4, 3, 1, 1), 4, per_channel))
    value = model.node(op, value, other)
    if activation:
        value = model.node(activation, value)
    output = model.quantize(value, 0.008 if activation == "Tanh" else 0.03, 120, "u8")
    wrong, most, names = compared(model, output)
    assert names == ["Conv", "Conv", "StepFunction"]
    assert wrong <= 120 * 144 // 500 and most <= 1


def test_functions_of_two_products_are_refused() -> None:
    model, value = convolution("u8", False)
    x = model.dequantize("x", model.scale, model.zero, "u8")
    other = model.node("Sigmoid", model.node("Conv", x, model.weights((4, 3, 1, 1), 4, False)))
    proto = model.finish(model.quantize(model.node("Mul", value, other), 0.03, 120, "u8"))
    with pytest.raises(UnsupportedOp, match="Mul of functions of two products"):
        to_integer(read_model(proto))
