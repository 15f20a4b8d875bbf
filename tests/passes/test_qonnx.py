"""QONNX models are read as integers: equal to ONNX Runtime on the same model in ONNX's own operators."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import onnx
import pytest
from support.qonnx_models import QonnxModel

from hlsgen.errors import HlsgenError, TypeMismatch, UnsupportedOp
from hlsgen.frontend.declared import declared_outputs
from hlsgen.frontend.onnx_reader import read_model
from hlsgen.frontend.qonnx import in_standard_operators
from hlsgen.frontend.reference import ort_reference
from hlsgen.frontend.sessions import open_session
from hlsgen.graph.evaluate import evaluate
from hlsgen.graph.ir import Graph
from hlsgen.ops.qonnx import DOMAINS, ROUNDING_MODES, limits
from hlsgen.ops.quantise import QuantizeLinear
from hlsgen.passes import to_integer
from hlsgen.passes.fold_constants import FoldConstants
from hlsgen.passes.host_cut import IntegerModel
from hlsgen.passes.split_quant import SplitQuant


def computed(integer: IntegerModel, samples: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    values = evaluate(integer.host_before, samples)
    return evaluate(integer.hardware, values)


def differing(model: onnx.ModelProto, samples: dict[str, np.ndarray]) -> tuple[int, int]:
    """How many outputs of the hardware differ from ONNX Runtime's, and of how many."""
    integer = to_integer(read_model(model))
    outputs = computed(integer, samples)
    answers = ort_reference(in_standard_operators(model), samples, integer, "default")
    assert answers.keys() == set(integer.hardware.outputs), "an output that nothing checks"
    wrong = [np.count_nonzero(outputs[k] != answers[k].reshape(outputs[k].shape)) for k in answers]
    return sum(wrong), sum(array.size for array in answers.values())


@pytest.mark.parametrize("bits", range(1, 9))
@pytest.mark.parametrize("domain", DOMAINS)
def test_a_layer_of_any_number_of_bits_equals_onnxruntime(bits: int, domain: str) -> None:
    model = QonnxModel((1, 12), domain=domain)
    x = model.quant("x", 0.25, bits)
    w = model.quant(model.reals(12, 7), np.full((1, 7), 0.125), bits, narrow=int(bits > 1))
    y = model.node("Relu", model.batch_norm(model.node("MatMul", x, w), 7))
    proto = model.finish(model.quant(y, 0.5, bits, signed=0))
    wrong, of = differing(proto, model.samples(300))
    assert wrong <= of // 1000, "more than noise of float32 sums next to halves"


def test_ranges_are_those_that_qonnx_documents() -> None:
    """The model for ONNX Runtime is written with the same function, so it is held to the documented ones here."""
    assert limits(8, signed=True, narrow=False) == (-128, 127)
    assert limits(8, signed=True, narrow=True) == (-127, 127)
    assert limits(8, signed=False, narrow=False) == (0, 255)
    assert limits(8, signed=False, narrow=True) == (0, 254)


@pytest.mark.parametrize("mode", ROUNDING_MODES)
@pytest.mark.parametrize(("signed", "narrow", "zero"), [*product((0, 1), (0, 1), (0.0, 1.0))])
def test_every_rounding_mode_and_range_equals_onnxruntime(
    mode: str, signed: int, narrow: int, zero: float
) -> None:
    model = QonnxModel((1, 40))
    attributes = {"signed": signed, "narrow": narrow, "rounding_mode": mode}
    x = model.quant("x", 0.5, 5, zero, **attributes)
    # a function of one quantised operand, then quantised: halves occur
    proto = model.finish(model.quant(x, 1.0, 3, zero, **attributes))
    samples = model.samples(200)
    samples["x"] = np.round(samples["x"] * 8) / 8
    assert differing(proto, samples)[0] == 0


def test_a_bipolar_network_equals_onnxruntime_with_its_sums_as_outputs() -> None:
    model = QonnxModel((1, 24))
    x = model.bipolar(model.node("Sub", "x", model.constant(np.float32([0.1]))))
    for rows, columns in ((24, 16), (16, 16)):
        w = model.bipolar(model.reals(rows, columns))
        x = model.bipolar(model.batch_norm(model.node("MatMul", x, w), columns), 0.5)
    w = model.bipolar(model.reals(16, 5), 0.25)
    proto = model.finish(model.node("MatMul", x, w))
    assert differing(proto, model.samples(300)) == (0, 1500)


def test_a_convolution_with_batch_normalisation_and_its_bias_equals_onnxruntime() -> None:
    model = QonnxModel((1, 3, 6, 6), opset=11)
    x = model.quant("x", 0.25, 4)
    scale = model.random.uniform(0.05, 0.2, (4, 1, 1, 1))
    w = model.quant(model.reals(4, 3, 3, 3), scale, 3, narrow=1)
    y = model.node("Conv", x, w, model.reals(4), pads=[1, 1, 1, 1])
    y = model.node("Relu", model.batch_norm(y, 4))
    wrong, of = differing(model.finish(model.quant(y, 0.3, 4, signed=0)), model.samples(40))
    assert wrong <= of // 1000, "more than noise of float32 sums next to halves"


@pytest.mark.parametrize("whole", [True, False])
def test_the_last_product_leaves_as_sums(whole: bool) -> None:
    model = QonnxModel((1, 8))
    x, w = model.quant("x", 0.25, 4), model.quant(model.reals(8, 3), 0.125, 4)
    bias = model.quant(model.reals(3), 0.0625 if whole else 0.3, 8)
    proto = model.finish(model.node("Add", model.node("MatMul", x, w), bias))
    integer = to_integer(read_model(proto))
    assert [node.op.name for node in integer.hardware.nodes] == ["Gemm"]
    behind = [
        node.op.name
        for node in integer.host_after.nodes
        if node.output in proto.graph.output[0].name
    ]
    assert behind == (["DequantizeLinear"] if whole else ["Add"])
    assert differing(proto, model.samples(100)) == (0, 300)


def _coarse_sums(model: QonnxModel, x: str, inputs: int = 12, outputs: int = 5) -> str:
    """A product of few bits plus biases between its steps, which are many steps of what is behind it."""
    w = model.quant(model.reals(inputs, outputs), 1.0, 3)
    bias = model.random.integers(-40, 41, outputs) / 16
    return model.node("Add", model.node("MatMul", x, w), model.constant(bias.astype(np.float32)))


@pytest.mark.parametrize(
    "behind",
    [
        {"rounding_mode": "HALF_UP"},
        {"rounding_mode": "CEIL", "narrow": 1},
        {"zero": 14.0, "signed": 0},
        {"bits": 9},
        {"scales": (1.0, 0.5, 2.0, -1.0, 0.25), "rounding_mode": "FLOOR"},
        {"function": "LeakyRelu", "alpha": 0.125},
    ],
    ids=str,
)
def test_a_bias_between_the_steps_of_its_sums_is_not_rounded_to_them(
    behind: dict[str, Any],
) -> None:
    model = QonnxModel((1, 12), opset=13)
    y = _coarse_sums(model, model.quant("x", 0.5, 4))
    options = dict(behind)
    if scales := options.pop("scales", None):
        y = model.node("Mul", y, model.constant(np.array(scales, np.float32)))
    if function := options.pop("function", None):
        y = model.node(function, y, alpha=options.pop("alpha"))
    zero, bits = options.pop("zero", 0.0), options.pop("bits", 6)
    proto = model.finish(model.quant(y, 0.125, bits, zero, **options))
    assert "Gemm" in {node.op.name for node in to_integer(read_model(proto)).hardware.nodes}
    assert differing(proto, model.samples(200)) == (0, 1000)


@pytest.mark.parametrize("op_type", ["Add", "Sub"])
def test_biases_of_sums_that_meet_are_not_rounded(op_type: str) -> None:
    model = QonnxModel((1, 5), opset=13)
    x = model.quant("x", 0.5, 4)
    one, other = _coarse_sums(model, x, 5), _coarse_sums(model, x, 5)
    y = model.quant(model.node(op_type, one, other), 0.125, 7, rounding_mode="HALF_UP")
    z = model.quant(
        model.node(op_type, y, _coarse_sums(model, x, 5)), 0.25, 6, rounding_mode="FLOOR"
    )
    assert differing(model.finish(z), model.samples(200)) == (0, 1000)


def test_biases_of_rows_that_are_moved_are_not_rounded() -> None:
    model = QonnxModel((1, 3, 12), opset=13)
    y = _coarse_sums(model, model.quant("x", 0.5, 4))
    proto = model.finish(model.quant(y, 0.125, 6, rounding_mode="HALF_UP"))
    assert differing(proto, model.samples(100)) == (0, 1500)


def test_a_product_with_sums_whose_bias_is_between_their_steps_is_refused_by_name() -> None:
    model = QonnxModel((1, 5), opset=13)
    x = model.node("MatMul", model.quant("x", 0.5, 4), model.quant(model.reals(5, 5), 0.5, 3))
    x = model.quant(x, 0.5, 4)
    y = model.node("Mul", _coarse_sums(model, x, 5), x)
    w = model.quant(model.reals(5, 3), 0.125, 3)
    proto = model.finish(model.node("MatMul", model.quant(y, 0.125, 6), w))
    with pytest.raises(UnsupportedOp, match="whose bias is not a whole number of their steps"):
        to_integer(read_model(proto))


def test_a_product_of_what_is_quantised_by_channel_is_left_to_the_host() -> None:
    model = QonnxModel((1, 4), opset=13)
    x = model.quant("x", 0.25, 4)
    y = model.node("MatMul", x, model.quant(model.reals(4, 3), 0.25, 3))
    y = model.quant(y, np.array([[0.5, 0.25, 0.125]]), 4)
    w = model.quant(model.reals(3, 2), np.array([[0.5, 0.25]]), 3)
    with pytest.raises(UnsupportedOp, match="quantised per channel"):
        to_integer(read_model(model.finish(model.node("MatMul", y, w))))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"bits": 2.5}, "number of bits"),
        ({"bits": 40}, "number of bits"),
        ({"scale": -0.5}, "positive"),
        ({"scale": np.array([[0.5], [0.25]])}, "fit"),
        ({"zero": 0.5}, "whole number"),
        ({"zero": 9.0}, "zero point"),
        ({"rounding_mode": "SOMEHOW"}, "SOMEHOW"),
    ],
)
def test_a_quantiser_that_means_nothing_is_refused_by_name(
    change: dict[str, object], message: str
) -> None:
    model = QonnxModel((1, 4))
    x = model.quant("x", **({"scale": 0.25, "bits": 3} | change))  # type: ignore[arg-type]
    w = model.quant(model.reals(4, 3), 0.125, 3)
    proto = model.finish(model.quant(model.node("MatMul", x, w), 0.5, 3))
    with pytest.raises(HlsgenError) as caught:
        to_integer(read_model(proto))
    assert isinstance(caught.value, UnsupportedOp | TypeMismatch)
    assert message in str(caught.value) and "nv0" in caught.value.where


def test_a_scale_that_is_computed_is_refused_by_name() -> None:
    model = QonnxModel((1, 4))
    zero, bits = model.constant(np.float32(0)), model.constant(np.float32(3))
    scale = model.node("Abs", "x")
    x = model.node("Quant", "x", scale, zero, bits, domain=model.domain, signed=1, narrow=0)
    w = model.quant(model.reals(4, 3), 0.125, 3)
    proto = model.finish(model.quant(model.node("MatMul", x, w), 0.5, 3))
    with pytest.raises(UnsupportedOp, match="computed, not constant"):
        to_integer(read_model(proto))


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("is_float", [False, True])
def test_weights_that_are_not_finite_are_refused(wrong: float, is_float: bool) -> None:
    model = QonnxModel((1, 4))
    weights = np.linspace(-1, 1, 12, dtype=np.float32).reshape(4, 3)
    weights[1, 2] = wrong
    given = model.constant(weights)
    if is_float:
        numbers = [model.constant(np.float32(number)) for number in (0.01, 4, 3, 7, 448)]
        w = model.node("FloatQuant", given, *numbers, domain=model.domain)
    else:
        w = model.quant(given, 0.125, 3)
    proto = model.finish(model.quant(model.node("MatMul", model.quant("x", 0.25, 3), w), 0.5, 3))
    with pytest.raises(UnsupportedOp, match="1 of the constants that it quantises"):
        to_integer(read_model(proto))


@pytest.mark.parametrize(
    ("exponent", "mantissa", "bias", "greatest"), [(4, 3, 7, 448), (5, 2, 15, 57344)]
)
def test_eight_bit_floats_are_integers_equal_to_onnxruntime_s_casts(
    exponent: int, mantissa: int, bias: int, greatest: float
) -> None:
    model = QonnxModel((1, 500), opset=17)
    numbers = (0.37, exponent, mantissa, bias, greatest)
    constants = [model.constant(np.float32(number)) for number in numbers]
    x = model.node("FloatQuant", "x", *constants, domain=model.domain)
    proto = model.finish(x)
    integers = to_integer_before(proto)
    sizes = np.exp2(model.random.uniform(-20, 20, (20, 500)))
    samples = {"x": (sizes * model.random.choice([-1, 1], sizes.shape)).astype(np.float32)}
    samples["x"][0, :2] = 0, 1e9
    got = evaluate(integers, samples)
    session = open_session(in_standard_operators(proto), ["v0_integers"], "default")
    for k in range(20):
        (want,) = session.run(["v0_integers"], {"x": samples["x"][k : k + 1]})
        assert np.array_equal(got["v0_integers"][k], want[0])


def to_integer_before(proto: onnx.ModelProto) -> Graph:
    """The graph whose output is the integers of its quantiser."""
    graph = SplitQuant().run(FoldConstants().run(read_model(proto)))
    (node,) = [node for node in graph.nodes if isinstance(node.op, QuantizeLinear)]
    return Graph("q", graph.inputs, (node.output,), (node,), {}, graph.types)


def test_a_product_of_eight_bit_floats_is_exact_and_its_difference_declared() -> None:
    model = QonnxModel((1, 6), opset=17)
    numbers = (0.01, 4, 3, 7, 448)
    constants = [model.constant(np.float32(number)) for number in numbers]
    x = model.node("FloatQuant", "x", *constants, domain=model.domain)
    w = model.node("FloatQuant", model.reals(6, 4), *constants, domain=model.domain)
    proto = model.finish(model.node("MatMul", x, w))
    integer = to_integer(read_model(proto))
    samples = model.samples(50)
    outputs = computed(integer, samples)
    standard = in_standard_operators(proto)
    (promise,) = declared_outputs(standard, integer)
    assert promise.bound is not None and promise.bound > 1, "float32 does not hold these sums"
    answers = ort_reference(standard, samples, integer, promise.session)
    for name, answer in answers.items():
        error = np.abs(outputs[name].astype(float) - answer.reshape(outputs[name].shape))
        assert 0 < error.max() <= promise.bound


@pytest.mark.parametrize(
    ("numbers", "message"),
    [((0, 3, 7, 448), "not a float format"), ((8, 7, 127, 3e38), "more than 34")],
)
def test_a_float_format_without_integers_is_refused_by_name(
    numbers: tuple[float, ...], message: str
) -> None:
    model = QonnxModel((1, 4))
    constants = [model.constant(np.float32(number)) for number in (0.5, *numbers)]
    x = model.node("FloatQuant", "x", *constants, domain=model.domain)
    w = model.quant(model.reals(4, 3), 0.125, 3)
    proto = model.finish(model.quant(model.node("MatMul", x, w), 0.5, 3))
    with pytest.raises(UnsupportedOp, match=message):
        to_integer(read_model(proto))


@pytest.mark.parametrize("mode", ["FLOOR", "ROUND", "CEIL", "UP", "DOWN", "HALF_UP", "HALF_DOWN"])
@pytest.mark.parametrize("signed", [0, 1])
def test_truncated_integers_equal_onnxruntime(mode: str, signed: int) -> None:
    model = QonnxModel((1, 12), opset=13)
    x = model.quant("x", 0.0625, 7, signed=signed)
    numbers = [model.constant(np.float32(number)) for number in (0.0625, 0.0, 7.0, 4.0)]
    y = model.node("Trunc", x, *numbers, domain=model.domain, rounding_mode=mode)
    w = model.quant(model.reals(12, 7), 0.125, 4)
    proto = model.finish(model.node("MatMul", y, w))
    assert differing(proto, model.samples(200)) == (0, 1400)
    integer = to_integer(read_model(proto))
    assert {node.op.name for node in integer.hardware.nodes} > {"Gemm"}, "truncated on the host"


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ((0.25, 0.0, 4.0, 6.0), "the second at most the first"),
        ((0.25, 0.0, 4.5, 3.0), "not whole"),
        ((0.25, 1.0, 6.0, 4.0), "zero point"),
        ((-0.25, 0.0, 6.0, 4.0), "positive"),
    ],
)
def test_a_truncation_that_means_nothing_is_refused_by_name(
    numbers: tuple[float, ...], message: str
) -> None:
    model = QonnxModel((1, 4))
    x = model.quant("x", 0.25, 6)
    given = [model.constant(np.float32(number)) for number in numbers]
    y = model.node("Trunc", x, *given, domain=model.domain)
    w = model.quant(model.reals(4, 3), 0.125, 3)
    proto = model.finish(model.quant(model.node("MatMul", y, w), 0.5, 3))
    with pytest.raises(UnsupportedOp, match=message):
        to_integer(read_model(proto))
