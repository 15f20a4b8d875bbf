"""What is declared of an output holds: equality where it is promised, and no difference beyond the bound elsewhere."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.quantised_models import QuantisedModel

from hlsgen.artefact.declared import Declared
from hlsgen.artefact.report import Head, Report
from hlsgen.errors import UnsupportedOp
from hlsgen.frontend.declared import declared_outputs
from hlsgen.frontend.onnx_reader import read_model
from hlsgen.frontend.reference import ort_reference
from hlsgen.graph.evaluate import evaluate
from hlsgen.numbers import REFERENCES, Numbers
from hlsgen.passes import to_integer
from hlsgen.progress import silent
from hlsgen.targets.network_source import read_network
from hlsgen.verify.agreement import beyond

DIGITS = Path(__file__).resolve().parents[2] / "examples" / "digits" / "digits.onnx"


def declared(model: QuantisedModel, output: str) -> tuple[Declared, int]:
    """What is declared of a model's output, and how many elements of dense samples differ; none beyond what is declared."""
    proto, samples = model.finish(output), model.samples(60)
    integer = to_integer(read_model(proto))
    (promise,) = declared_outputs(proto, integer)
    (results,) = evaluate(integer.hardware, evaluate(integer.host_before, samples)).values()
    (reference,) = ort_reference(proto, samples, integer, promise.session).values()
    assert beyond(results, reference, promise) == 0
    return promise, int(np.count_nonzero(results != reference))


def product(
    op: str,
    element: str,
    factor: float = 1.0,
    zero: int = 0,
    bias: np.ndarray | None = None,
    weight_scale: float | None = None,
    off: float = 0.0,
) -> tuple[QuantisedModel, str]:
    """A product whose bias has ``factor`` times the product of the scales, plus ``off`` times the tolerance, and a zero point."""
    model = QuantisedModel((1, 30) if op == "Gemm" else (1, 3, 6, 6), element, seed=3)
    x = model.dequantize("x", model.scale, model.zero, element)
    weights = model.weights((7, 30) if op == "Gemm" else (7, 3, 3, 3), 7, False)
    scale = model.weight_scale[0]
    if weight_scale is not None:
        scale = np.float32(weight_scale)
        integers = model.random.integers(-127, 128, (7, 3, 3, 3)).astype(np.int8)
        names = model.constant(integers), model.constant(scale), model.constant(np.int8(0))
        weights = model.node("DequantizeLinear", *names)
    integers = model.random.integers(-3000, 3000, 7) if bias is None else bias
    step = np.float32(np.float32(model.scale) * scale * np.float32(factor))
    step += np.float32(off * (1e-6 + 0.01 * step))
    names = model.constant(integers.astype(np.int32)), model.constant(step)
    real = model.node("DequantizeLinear", *names, model.constant(np.int32(zero)))
    value = model.node(op, x, weights, real, **({"transB": 1} if op == "Gemm" else {}))
    return model, model.quantize(value, 0.03 * scale / model.weight_scale[0], 5, element)


@pytest.mark.parametrize("element", ["u8", "s8"])
@pytest.mark.parametrize("factor", [1, 1.001])
def test_bias_of_a_gemm_is_taken_as_written(factor: float, element: str) -> None:
    promise, differing = declared(*product("Gemm", element, factor))
    assert promise.exact and differing == 0


@pytest.mark.parametrize(("factor", "zero"), [(1.5, 0), (0.37, 0), (1, 100)])
def test_bias_of_a_gemm_on_whose_meaning_onnxruntime_s_kernels_differ_is_refused(
    factor: float, zero: int
) -> None:
    model, output = product("Gemm", "u8", factor, zero)
    with pytest.raises(UnsupportedOp, match="kernels differ on what it means"):
        to_integer(read_model(model.finish(output)))


@pytest.mark.parametrize("element", ["u8", "s8"])
@pytest.mark.parametrize("weight_scale", [0.005, 1e-4])
@pytest.mark.parametrize(("off", "exact"), [(0.95, True), (1.05, False), (-0.95, True)])
def test_bias_of_a_convolution_is_taken_as_written_up_to_the_tolerance_of_onnxruntime(
    off: float, exact: bool, weight_scale: float, element: str
) -> None:
    promise, differing = declared(*product("Conv", element, weight_scale=weight_scale, off=off))
    assert promise.exact == exact and (differing == 0 or not exact)


@pytest.mark.parametrize(("factor", "zero"), [(1.5, 0), (0.37, 0), (1, 9000)])
def test_bias_of_another_scale_or_zero_point_is_declared_with_its_bound(
    factor: float, zero: int
) -> None:
    promise, _ = declared(*product("Conv", "u8", factor, zero))
    assert promise.bound == 1 and "Conv_3" in promise.differences[0].reason


def test_bias_at_the_ends_of_int32_is_compared_with_the_session_that_does_not_wrap() -> None:
    ends = np.array([2**31 - 1, -(2**31), 2**31 - 1, 0, 5, -(2**31), 7])
    promise, differing = declared(*product("Conv", "u8", bias=ends, weight_scale=1e-9))
    assert promise.session == "unoptimised" and promise.bound == 1
    assert differing < 100


@pytest.mark.parametrize("first", ["none", "Conv"])
def test_two_pairs_in_a_row_are_compared_with_the_session_that_keeps_both(first: str) -> None:
    model = QuantisedModel((1, 3, 8, 8), "u8", seed=3)
    value = model.dequantize("x", model.scale, model.zero, "u8")
    if first == "Conv":
        value = model.node("Conv", value, model.weights((3, 3, 3, 3), 3, False))
    for scale, zero in ((0.05, 10), (0.02, 30)):
        value = model.dequantize(model.quantize(value, scale, zero, "u8"), scale, zero, "u8")
    value = model.node("Conv", value, model.weights((4, 3, 3, 3), 4, False))
    promise, _ = declared(model, model.quantize(value, 0.04, 3, "u8"))
    assert promise.session == "unoptimised" and promise.bound is not None


@pytest.mark.parametrize("element", ["u8", "s8"])
@pytest.mark.parametrize("bounds", [(-0.3, 2.1), (0.0, 6.0), (0.5, 1.0), (-100.0, 100.0)])
def test_clip_that_does_not_meet_the_quantisation_is_declared(
    bounds: tuple[float, float], element: str
) -> None:
    model = QuantisedModel((1, 3, 6, 6), element, seed=3)
    x = model.dequantize("x", model.scale, model.zero, element)
    value = model.node("Conv", x, model.weights((4, 3, 3, 3), 4, False), model.bias(4, model.scale))
    value = model.node("Clip", value, *(model.constant(np.float32(b)) for b in bounds))
    promise, _ = declared(model, model.quantize(value, 0.021, 3, element))
    assert promise.exact == (bounds == (-100.0, 100.0))
    assert promise.bound in (0, 1)


@pytest.mark.parametrize("ratio", [1.0, 0.8437])
def test_sums_that_float_additions_decide_are_declared_with_their_number(ratio: float) -> None:
    model = QuantisedModel((1, 8, 8, 8), "u8", seed=16)
    x = model.dequantize("x", 0.0371, 77, "u8")
    value = model.node("AveragePool", x, kernel_shape=[2, 2], strides=[2, 2])
    promise, differing = declared(model, model.quantize(value, 0.0371 * ratio, 77, "u8"))
    assert promise.session == "default" and promise.exact == (ratio != 1.0)
    if not promise.exact:
        assert (promise.bound, promise.count) == (1, 8 * 4 * 4)
        assert "of 1021 sums" in promise.differences[0].reason and differing


def test_differences_before_a_product_are_bounded_by_its_weights() -> None:
    model = QuantisedModel((1, 2, 8, 8), "u8", seed=16)
    x = model.dequantize("x", 0.0371, 77, "u8")
    value = model.node("AveragePool", x, kernel_shape=[2, 2], strides=[2, 2])
    value = model.dequantize(model.quantize(value, 0.0371, 77, "u8"), 0.0371, 77, "u8")
    value = model.node("Conv", value, model.weights((3, 2, 3, 3), 3, False))
    promise, _ = declared(model, model.quantize(value, 0.05, 128, "u8"))
    assert promise.bound is not None and 1 < promise.bound < 20 and promise.count is None


@pytest.mark.parametrize("op", ["Flatten", "Squeeze"])
def test_output_that_is_moved_last_is_compared(op: str) -> None:
    model = QuantisedModel((1, 3, 8, 8), "u8", seed=1)
    value = model.node("GlobalAveragePool", model.dequantize("x", model.scale, model.zero, "u8"))
    value = model.dequantize(model.quantize(value, 0.02, 7, "u8"), 0.02, 7, "u8")
    axes = [model.constant(np.array([2, 3]))] if op == "Squeeze" else []
    value = model.quantize(model.node(op, value, *axes), 0.02, 7, "u8")
    promise, differing = declared(model, model.dequantize(value, 0.02, 7, "u8"))
    assert promise.exact and differing == 0


def test_the_session_that_the_user_names_is_the_one_that_is_matched_and_reported() -> None:
    report = Report("digits", Head(), {}, "a report\n")
    for name, session in REFERENCES.items():
        source = read_network(DIGITS, Numbers(reference=name), silent)
        assert {promise.session for promise in source.declared} == {session}
        told = source.reported(report)
        assert f"against {name}\n" in told.text and source.declared[0].value in told.text
        assert told.details["reference"] == [promise.as_json() for promise in source.declared]
    assert read_network(DIGITS, Numbers(), silent).reported(report) is report


@pytest.mark.parametrize("kernel", ["floats", "integers"])
def test_what_the_host_adds_before_the_circuit_is_not_promised_to_be_equal(kernel: str) -> None:
    """A Gemm whose bias means another thing to each kernel, and a product with real weights, stay on the host."""
    model = QuantisedModel((1, 12), "u8", seed=4)
    x = model.dequantize("x", 0.02, 9, "u8")
    if kernel == "integers":
        bias_step = model.constant(np.float32(0.001))
        bias = model.node("DequantizeLinear", model.constant(np.full(4, 70, np.int32)), bias_step)
        value = model.node("Gemm", x, model.weights((12, 4), 4, True, 1), bias)
    else:
        reals = model.constant(model.random.normal(size=(12, 4)).astype(np.float32))
        value = model.node("MatMul", x, reals)
    value = model.dequantize(model.quantize(value, 0.03, 90, "u8"), 0.03, 90, "u8")
    output = model.quantize(model.node("Sigmoid", value), 1 / 256, 0, "u8")
    proto = model.finish(output)
    integer = to_integer(read_model(proto))
    assert [node.op.name for node in integer.hardware.nodes] == ["Lookup"]
    (promise,) = declared_outputs(proto, integer, ("default",))
    (difference,) = promise.differences
    assert "the host" in difference.reason
    assert difference.bound == (None if kernel == "integers" else 2)  # of the table behind it
