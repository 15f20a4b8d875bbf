"""Functions of one quantised element, alone and in islands of float operators, equal ONNX Runtime on every integer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from support.quantised_models import ELEMENTS, QuantisedModel

from hlsgen.artefact.declared import Session
from hlsgen.frontend.onnx_reader import read_model
from hlsgen.frontend.reference import ort_reference
from hlsgen.graph.evaluate import evaluate
from hlsgen.passes import to_integer

FUNCTIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "abs": ("Abs", {}),
    "acos": ("Acos", {}),
    "acosh": ("Acosh", {}),
    "asin": ("Asin", {}),
    "asinh": ("Asinh", {}),
    "atan": ("Atan", {}),
    "atanh": ("Atanh", {}),
    "ceil": ("Ceil", {}),
    "celu": ("Celu", {"alpha": 0.7}),
    "cos": ("Cos", {}),
    "cosh": ("Cosh", {}),
    "elu": ("Elu", {"alpha": 1.3}),
    "erf": ("Erf", {}),
    "exp": ("Exp", {}),
    "floor": ("Floor", {}),
    "gelu": ("Gelu", {}),
    "gelu by tanh": ("Gelu", {"approximate": "tanh"}),
    "hard sigmoid": ("HardSigmoid", {"alpha": 1 / 6}),
    "hard swish": ("HardSwish", {}),
    "leaky relu": ("LeakyRelu", {"alpha": 0.1}),
    "log": ("Log", {}),
    "mish": ("Mish", {}),
    "neg": ("Neg", {}),
    "reciprocal": ("Reciprocal", {}),
    "round": ("Round", {}),
    "selu": ("Selu", {}),
    "shrink": ("Shrink", {"lambd": 0.3, "bias": 0.1}),
    "sigmoid": ("Sigmoid", {}),
    "sign": ("Sign", {}),
    "sin": ("Sin", {}),
    "sinh": ("Sinh", {}),
    "softplus": ("Softplus", {}),
    "softsign": ("Softsign", {}),
    "sqrt": ("Sqrt", {}),
    "tan": ("Tan", {}),
    "tanh": ("Tanh", {}),
    "thresholded relu": ("ThresholdedRelu", {"alpha": 0.4}),
    "gelu of com.microsoft": ("Gelu", {"domain": "com.microsoft"}),
    "fast gelu": ("FastGelu", {"domain": "com.microsoft"}),
    "quick gelu": ("QuickGelu", {"domain": "com.microsoft"}),
    "swish": ("QuickGelu", {"domain": "com.microsoft", "alpha": 1.0}),
}
# input scale, result scale: powers of two, where halves abound, and others
SCALES = ((2.0**-5, 2.0**-5), (2.0**-4, 2.0**-7), (0.0372, 0.0372), (0.0519, 0.0113), (0.3, 0.004))


def on_every_integer(
    model: QuantisedModel, output: str, session: Session = "default"
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Results of the integer model and of ONNX Runtime for every integer, and the operators of the former."""
    kind, low, high = ELEMENTS[model.element]
    every = np.arange(low, high + 1).reshape(-1, *(1,) * (len(model.shape) - 1))
    samples = {"x": np.ascontiguousarray(np.broadcast_to(every, (256, *model.shape[1:])), kind)}
    proto = model.finish(output)
    integer = to_integer(read_model(proto))
    (results,) = evaluate(integer.hardware, evaluate(integer.host_before, samples)).values()
    (reference,) = ort_reference(proto, samples, integer, session).values()
    return results, reference, [node.op.name for node in integer.hardware.nodes]


@pytest.mark.parametrize("element", ["u8", "s8"])
@pytest.mark.parametrize("function", FUNCTIONS)
def test_function_equals_onnxruntime_on_every_integer(function: str, element: str) -> None:
    op, attributes = FUNCTIONS[function]
    for scale, result_scale in SCALES:
        model = QuantisedModel((1, 3), element, opset=20, seed=5)
        x = model.dequantize("x", scale, model.zero, element)
        value = model.node(op, x, **attributes)
        result_zero = -model.zero if element == "s8" else 90
        output = model.quantize(value, result_scale, max(result_zero, -128), element)
        results, reference, operators = on_every_integer(model, output)
        assert np.array_equal(results, reference), (scale, result_scale)
        assert len(operators) == 1


@pytest.mark.parametrize("op", ["QLinearSigmoid", "QLinearLeakyRelu"])
@pytest.mark.parametrize("element", ["u8", "s8"])
def test_function_on_integers_equals_onnxruntime(op: str, element: str) -> None:
    for scale, result_scale in SCALES:
        model = QuantisedModel((1, 3), element, seed=5)
        own = model.parameters(scale, model.zero, element)
        result = model.parameters(result_scale, 3, element)
        attributes = {"alpha": 0.2} if op == "QLinearLeakyRelu" else {}
        output = model.node(op, "x", *own, *result, domain="com.microsoft", **attributes)
        results, reference, operators = on_every_integer(model, output)
        assert np.array_equal(results, reference) and operators == ["Lookup"]


def number(model: QuantisedModel, value: float) -> str:
    return model.constant(np.array(value, np.float32))


def silu(model: QuantisedModel, x: str) -> str:
    return model.node("Mul", x, model.node("Sigmoid", x))


def hard_swish(model: QuantisedModel, x: str) -> str:
    """As PyTorch exports it before opset 14."""
    raised = model.node("Add", x, number(model, 3.0))
    bounded = model.node("Clip", raised, number(model, 0.0), number(model, 6.0))
    return model.node("Div", model.node("Mul", x, bounded), number(model, 6.0))


def gelu(model: QuantisedModel, x: str) -> str:
    """As PyTorch exports it before opset 20."""
    error = model.node("Erf", model.node("Div", x, number(model, 2**0.5)))
    product = model.node("Mul", x, model.node("Add", error, number(model, 1.0)))
    return model.node("Mul", product, number(model, 0.5))


def prelu_of_keras(model: QuantisedModel, x: str) -> str:
    below = model.node("Neg", model.node("Relu", model.node("Neg", x)))
    return model.node("Add", model.node("Relu", x), model.node("Mul", number(model, 0.3), below))


def mish(model: QuantisedModel, x: str) -> str:
    return model.node("Mul", x, model.node("Tanh", model.node("Softplus", x)))


def square(model: QuantisedModel, x: str) -> str:
    return model.node("Pow", model.node("Abs", x), number(model, 2.0))


def power(model: QuantisedModel, x: str) -> str:
    return model.node("Pow", model.node("Abs", x), number(model, 1.5))


def of_constants(model: QuantisedModel, x: str) -> str:
    real = model.dequantize(model.constant(np.array([[7]], np.uint8)), 0.04, 3, "u8")
    least = model.node("Min", x, real)
    most = model.node("Max", least, number(model, -1.0))
    mean = model.node("Mean", most, x, number(model, 0.25))
    return model.node("Sub", number(model, 0.6), model.node("Sum", mean, least, x))


def quotient(model: QuantisedModel, x: str) -> str:
    return model.node("Div", number(model, 1.0), model.node("Add", x, number(model, 5.5)))


def prelu(model: QuantisedModel, x: str) -> str:
    return model.node("PRelu", x, model.constant(np.array([0.17], np.float32)))


def doubled(model: QuantisedModel, x: str) -> str:
    return model.node("Add", x, x)


ISLANDS: tuple[Callable[[QuantisedModel, str], str], ...] = (
    silu,
    hard_swish,
    gelu,
    prelu_of_keras,
    mish,
    square,
    power,
    of_constants,
    quotient,
    prelu,
    doubled,
)


@pytest.mark.parametrize("element", ["u8", "s8"])
@pytest.mark.parametrize("island", ISLANDS, ids=lambda island: island.__name__)
def test_island_of_one_operand_is_one_table_that_equals_onnxruntime(
    island: Callable[[QuantisedModel, str], str], element: str
) -> None:
    for scale, result_scale in SCALES:
        model = QuantisedModel((1, 3, 2, 2), element, seed=6)
        x = model.dequantize("x", scale, model.zero, element)
        output = model.quantize(island(model, x), result_scale, 5, element)
        results, reference, operators = on_every_integer(model, output)
        assert np.array_equal(results, reference), (scale, result_scale)
        assert operators == ["Lookup"]


def test_island_whose_operand_is_dequantised_twice_is_one_table() -> None:
    model = QuantisedModel((1, 3), "u8", seed=7)
    gate = model.node("Sigmoid", model.dequantize("x", 0.05, 100, "u8"))
    value = model.node("Mul", model.dequantize("x", 0.05, 100, "u8"), gate)
    results, reference, operators = on_every_integer(model, model.quantize(value, 0.03, 9, "u8"))
    assert np.array_equal(results, reference) and operators == ["Lookup"]


def test_island_that_two_quantize_read_is_a_table_for_each() -> None:
    model = QuantisedModel((1, 3), "u8", seed=7)
    value = silu(model, model.dequantize("x", 0.05, 100, "u8"))
    first = model.dequantize(model.quantize(value, 0.03, 9, "u8"), 0.03, 9, "u8")
    second = model.dequantize(model.quantize(value, 0.02, 9, "u8"), 0.02, 9, "u8")
    output = model.quantize(model.node("Add", first, second), 0.06, 4, "u8")
    results, reference, operators = on_every_integer(model, output, "integer")
    assert np.array_equal(results, reference)
    assert sorted(operators) == ["Lookup", "Lookup", "QuantisedAdd"]


def test_table_of_the_operand_itself_is_nothing_and_of_bounds_a_clamp() -> None:
    for function, expected in (("Relu", ["Clamp"]), ("Abs", ["Lookup"])):
        model = QuantisedModel((1, 3), "s8", seed=7)
        value = model.node("Neg", model.node("Neg", model.dequantize("x", 0.05, 3, "s8")))
        output = model.quantize(model.node(function, value), 0.05, 3, "s8")
        assert on_every_integer(model, output)[2] == expected


def test_what_is_not_a_number_becomes_the_least_integer_as_in_onnxruntime() -> None:
    model = QuantisedModel((1, 77), "s8", seed=7)
    value = model.node("Sqrt", model.dequantize("x", 0.05, 100, "s8"))
    results, reference, _ = on_every_integer(model, model.quantize(value, 0.02, 17, "s8"))
    assert np.array_equal(results, reference) and np.count_nonzero(results == -128) == 228 * 77
