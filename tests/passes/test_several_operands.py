"""Functions of several quantised operands, of sums and of operands of 16 bits, with one Quantize behind them: weighted sums and choices."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from support.random_outcome import outcome
from support.random_values import answers
from support.written_models import Written

from hlsgen.flow import compile
from hlsgen.flow_check import check
from hlsgen.frontend.onnx_reader import read_model
from hlsgen.graph.evaluate import evaluate
from hlsgen.ops.formula import ElementFormula
from hlsgen.ops.requantise import RequantiseSteps
from hlsgen.ops.shift import ShiftRequantise
from hlsgen.passes import to_integer

SHAPE = (3, 4, 5)


def sum_of_three(w: Written) -> str:
    x, y, z = (w.between(w.input(SHAPE), 0.01 + 0.003 * k, k) for k in range(3))
    return w.quantised(w.node("Sum", x, y, z), 0.05)


def mean_of_broadcast_operands(w: Written) -> str:
    shapes = (SHAPE, (3, 1, 1), (1, 4, 5))
    operands = [w.between(w.input(shape), 0.015) for shape in shapes]
    return w.quantised(w.node("Mean", *operands), 0.0213, 100, np.uint8)


def function_of_a_weighted_sum(w: Written) -> str:
    x, y, z = (w.between(w.input(SHAPE)) for _ in range(3))
    half = w.node("Mul", w.node("Sigmoid", x), w.constant(np.float32(0.5)))
    rest = w.node("Sub", w.node("Neg", y), w.node("Div", z, w.constant(np.float32(3))))
    return w.quantised(w.node("Tanh", w.node("Add", half, rest)), 1 / 128)


def product_and_two_branches(w: Written) -> str:
    x, y = (w.between(w.input(SHAPE)) for _ in range(2))
    product = w.node("Conv", x, w.weights(3, 3, 3, 3), pads=[1] * 4)
    whole = w.node("Add", w.node("Add", product, x), y)
    return w.quantised(w.node("Relu", whole), 0.05, -128)


def three_products(w: Written) -> str:
    x = w.between(w.input(SHAPE))
    products = [w.node("Conv", x, w.weights(4, 3, 1, 1, scale=0.01 * k)) for k in (1, 2, 3)]
    return w.quantised(w.node("Sum", *products), 0.1)


def slopes_by_channel_behind_a_product(w: Written) -> str:
    x = w.between(w.input(SHAPE))
    product = w.node("Conv", x, w.weights(3, 3, 3, 3), pads=[1] * 4)
    slopes = w.constant(np.array([0.25, -0.5, 0.1]).reshape(3, 1, 1))
    return w.quantised(w.node("PRelu", product, slopes), 0.04)


def slopes_and_a_branch(w: Written) -> str:
    x = w.between(w.input(SHAPE))
    product = w.node("Conv", x, w.weights(3, 3, 3, 3), pads=[1] * 4)
    slopes = w.constant(np.array([0.25, -0.5, 0.1]).reshape(3, 1, 1))
    return w.quantised(w.node("Add", w.node("PRelu", product, slopes), x), 0.04)


def sum_of_operands_of_sixteen_bits(w: Written) -> str:
    x, y = (w.between(w.input(SHAPE), 1e-4, 5, np.int16) for _ in range(2))
    return w.quantised(w.node("Add", x, y), 1.7e-4, 9, np.int16)


def table_of_sixteen_bits(w: Written) -> str:
    x = w.between(w.input(SHAPE), 1e-4, 5, np.int16)
    return w.quantised(w.node("Sigmoid", x), 1 / 256, -128)


SUMS = (
    sum_of_three,
    mean_of_broadcast_operands,
    function_of_a_weighted_sum,
    product_and_two_branches,
    three_products,
    slopes_by_channel_behind_a_product,
    slopes_and_a_branch,
    sum_of_operands_of_sixteen_bits,
    table_of_sixteen_bits,
)


def choice_by_a_third_operand(w: Written) -> str:
    x, y, z = (w.between(w.input(SHAPE)) for _ in range(3))
    above = w.node("Greater", z, w.constant(np.float32(0.1)))
    return w.quantised(w.node("Relu", w.node("Where", above, x, y)), 0.02, -128)


def choice_by_a_comparison_of_two(w: Written) -> str:
    x, y, z = (w.between(w.input(SHAPE), 0.02 + 0.001 * k) for k in range(3))
    return w.quantised(w.node("Where", w.node("Less", x, y), z, w.constant(np.float32(0.3))))


def choice_by_an_input(w: Written) -> str:
    x, y = (w.between(w.input(SHAPE)) for _ in range(2))
    return w.quantised(w.node("Where", w.input(SHAPE, np.bool_), x, y), 0.03, 4)


def greatest_of_three(w: Written) -> str:
    x, y, z = (w.between(w.input(SHAPE), 0.015 + 0.001 * k) for k in range(3))
    return w.quantised(w.node("Clip", w.node("Max", x, y, z)), 0.02, 3)


CHOICES = (
    choice_by_a_third_operand,
    choice_by_a_comparison_of_two,
    choice_by_an_input,
    greatest_of_three,
)


def value_of(model: onnx.ModelProto) -> str:
    """The name of a model's only output."""
    return str(model.graph.output[0].name)


def stored(samples: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Truth values as the graph keeps them."""
    return {k: v.astype(np.uint8) if v.dtype == np.bool_ else v for k, v in samples.items()}


@pytest.mark.parametrize("write", [*SUMS, *CHOICES[:2], CHOICES[3]])
def test_meaning_and_dataflow_are_what_is_promised(write: Callable[[Written], str]) -> None:
    written = Written()
    model = written.model(write(written))
    assert outcome(model, written.samples) in ("equal", "declared")


@pytest.mark.parametrize("write", CHOICES)
def test_a_choice_is_that_of_onnx_runtime(write: Callable[[Written], str]) -> None:
    import onnxruntime

    written = Written()
    model = written.model(write(written))
    integer = to_integer(read_model(model))
    assert any(isinstance(node.op, ElementFormula) for node in integer.hardware.nodes)
    given = evaluate(integer.host_before, stored(written.samples))
    (got,) = evaluate(
        integer.hardware, {name: given[name] for name in integer.hardware.inputs}
    ).values()
    session = onnxruntime.InferenceSession(model.SerializeToString())
    for k in range(8):
        feed = {name: array[k : k + 1] for name, array in written.samples.items()}
        np.testing.assert_array_equal(np.asarray(got)[k], session.run(None, feed)[0][0])


@pytest.mark.parametrize("write", SUMS)
def test_a_weighted_sum_is_within_a_step_of_the_float_model(
    write: Callable[[Written], str],
) -> None:
    import onnxruntime

    written = Written()
    model = written.model(write(written))
    integer = to_integer(read_model(model))
    given = evaluate(integer.host_before, written.samples)
    (got,) = evaluate(
        integer.hardware, {name: given[name] for name in integer.hardware.inputs}
    ).values()
    plain = onnxruntime.SessionOptions()
    plain.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), plain)
    feeds = [{n: a[k : k + 1] for n, a in written.samples.items()} for k in range(8)]
    want = np.concatenate([session.run(None, feed)[0] for feed in feeds]).astype(int)
    differ = np.abs(np.asarray(got).astype(int) - want)
    assert differ.max() <= 1 and np.mean(differ > 0) < 0.02


def test_a_requantisation_between_types_of_sixteen_bits_is_exact() -> None:
    written = Written()
    value = written.between(written.input((40,)), 1e-4, 5, np.int16)
    model = written.model(written.quantised(written.node("Relu", value), 3.3e-5, 0, np.uint16))
    integer = to_integer(read_model(model))
    (node,) = integer.hardware.nodes
    assert isinstance(node.op, RequantiseSteps)
    assert outcome(model, written.samples) == "equal"


@pytest.mark.parametrize("scale", [2.0**-12, 2.0**-13])
@pytest.mark.parametrize("operator", ["Add", "Sub"])
def test_halves_of_sixteen_bits_go_to_the_even_one(operator: str, scale: float) -> None:
    """Steps of powers of two, whose sums float32 holds: every second result lies at a half."""
    written = Written()
    x, y = (written.between(written.input((40, 50)), scale, 0, np.int16) for _ in range(2))
    value = written.node(operator, x, y)
    model = written.model(written.quantised(value, 2.0**-11, 7, np.int16))
    integer = to_integer(read_model(model))
    given = evaluate(integer.host_before, written.samples)
    hardware = {name: given[name] for name in integer.hardware.inputs}
    (got,) = evaluate(integer.hardware, hardware).values()
    expected = answers(model, written.samples)[value_of(model)]
    np.testing.assert_array_equal(got, np.reshape(expected, np.shape(got)))


@pytest.mark.parametrize("operands", ["x-x", "x+y-x"])
def test_an_operand_that_cancels_is_refused_or_right(operands: str) -> None:
    written = Written()
    x, y = (written.between(written.input((5, 7))) for _ in range(2))
    first = x if operands == "x-x" else written.node("Add", x, y)
    model = written.model(written.quantised(written.node("Sub", first, x), 0.03))
    assert outcome(model, written.samples) in ("equal", "declared", "refused")


def test_sums_of_sixteen_bits_are_shifted() -> None:
    written = Written()
    integer = to_integer(read_model(written.model(sum_of_operands_of_sixteen_bits(written))))
    assert isinstance(integer.hardware.nodes[-1].op, ShiftRequantise)


@pytest.mark.parametrize("kind", [np.uint16, np.int16, np.bool_])
def test_inputs_of_other_integers_are_read(kind: type, tmp_path: Path) -> None:
    written = Written()
    given = written.input((6,), kind)
    if kind is np.bool_:
        real = written.node("Cast", given, to=onnx.TensorProto.FLOAT)
    else:
        real = written.dequantised(given, 0.01, 7, kind)
    product = written.node("MatMul", written.between(real), written.weights(6, 4))
    design = compile(written.model(written.quantised(product, 0.05)), output=tmp_path / "d")
    result = design.verify(written.samples, samples=3, engine="fast")
    assert result.good, result.text()


def test_what_has_no_form_is_refused_by_name() -> None:
    written = Written()
    x, y, z = (written.between(written.input((4,))) for _ in range(3))
    quotient = written.node("Div", x, written.node("Add", y, z))
    model = written.model(written.quantised(quotient))
    (row,) = (row for row in check(model) if row.operator == "Div")
    assert row.where == "unsupported" and "weighted sum of its 3 operands" in row.reason


@pytest.mark.parametrize("write", [product_and_two_branches, choice_by_an_input])
def test_the_circuit_gives_them(write: Callable[[Written], str], tmp_path: Path) -> None:
    written = Written()
    design = compile(written.model(write(written)), effort="small", output=tmp_path / "design")
    result = design.verify(written.samples, samples=3, engine="fast")
    assert result.good, result.text()


@pytest.mark.slow
@pytest.mark.parametrize("write", [*SUMS, *CHOICES])
def test_every_circuit_gives_them(write: Callable[[Written], str], tmp_path: Path) -> None:
    written = Written()
    design = compile(written.model(write(written)), effort="small", output=tmp_path / "design")
    result = design.verify(written.samples, samples=3, engine="fast")
    assert result.good, result.text()


def test_another_scale_of_sixteen_bits_is_within_a_step_of_float32() -> None:
    """No multiplication and shift has all 65,535 thresholds of float32: the nearest fixed point, declared, found in a second."""
    written = Written()
    value = written.between(written.input((40, 50)), 1.23457e-4, 5, np.int16)
    model = written.model(written.quantised(value, 1.10781e-4, -3, np.int16))
    assert isinstance(to_integer(read_model(model)).hardware.nodes[-1].op, ShiftRequantise)
    assert outcome(model, written.samples) == "declared"


def test_the_parts_of_a_choice_declare_their_differences() -> None:
    """What is chosen has no name in the model, and its rounding may be other than that of float32."""
    written = Written()
    wide = written.between(written.input((40, 50)), 1.23457e-4, -1, np.int16)
    narrow = written.between(written.input((40, 50)), 0.04, 9)
    least = written.node("Min", written.node("Sigmoid", narrow), wide)
    model = written.model(written.quantised(least, 1.10781e-4, 0, np.int16))
    assert outcome(model, written.samples) == "declared"


@pytest.mark.parametrize("operator", ["Tanh", "Sigmoid"])
def test_functions_from_16_bits_to_16_are_refused_by_name(operator: str) -> None:
    """A search for their tens of thousands of changes would take minutes."""
    written = Written()
    value = written.between(written.input((40,)), 1e-4, 0, np.int16)
    model = written.model(written.quantised(written.node(operator, value), 2.0**-15, 0, np.int16))
    (row,) = (row for row in check(model) if row.operator == operator)
    assert row.where == "unsupported" and "a function of 16 bits to 16 bits" in row.reason
