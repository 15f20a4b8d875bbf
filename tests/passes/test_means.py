"""Means of quantised elements equal ONNX Runtime's for every reachable sum, wherever they are a function of the sum."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from support.lowered_examples import assert_same_meaning
from support.mean_models import CLIPS, MeanModel
from support.quantised_models import QuantisedModel

from hlsgen.errors import UnsupportedOp
from hlsgen.frontend.declared import declared_outputs
from hlsgen.frontend.onnx_reader import read_model
from hlsgen.frontend.reference import ort_reference
from hlsgen.graph.evaluate import evaluate
from hlsgen.lowering.lower import lower
from hlsgen.ops.requantise import RequantiseMean
from hlsgen.ops.step_function import StepFunction
from hlsgen.passes import to_integer

EXACT = {
    "equal scales": (2.0**-5, 2.0**-5),
    "half": (2.0**-5, 2.0**-6),
    "double": (2.0**-6, 2.0**-5),
    "four thirds": (3 * 2.0**-7, 2.0**-5),
    "five to three": (5 * 2.0**-9, 3 * 2.0**-9),
    "not a binary fraction": (5 * 2.0**-8, float(np.float32(5 * 2.0**-8) / np.float32(3))),
}
"""Scales before whose multiples float32 adds without rounding: every result is a function of the sum."""


@pytest.mark.parametrize("scales", EXACT)
@pytest.mark.parametrize("zeros", [(17, 18), (17, 19), (0, 7)])
@pytest.mark.parametrize("count", [2, 3, 4, 6, 9])
@pytest.mark.parametrize("op", ["AveragePool", "ReduceMean", "GlobalAveragePool"])
def test_mean_equals_onnxruntime_for_every_sum(
    op: str, count: int, zeros: tuple[int, int], scales: str
) -> None:
    for element in ("u8", "s8"):
        case = MeanModel(op, count, element, EXACT[scales], zeros)
        means = case.results()
        decided = ~np.isin(case.sums, case.undecided())
        assert decided.all() or scales == "not a binary fraction" or count == 6
        for kernels in ("default", "integer") if op != "ReduceMean" else ("default", "unoptimised"):
            assert np.array_equal(means[decided], case.onnxruntime(kernels)[decided]), element


@pytest.mark.parametrize("between", ["Relu", *CLIPS, "Identity"])
@pytest.mark.parametrize("scales", ["equal scales", "five to three"])
def test_what_lies_between_pool_and_quantize_decides_when_the_zero_point_is_added(
    between: str, scales: str
) -> None:
    case = MeanModel("AveragePool", 4, "u8", EXACT[scales], (17, 19), between)
    op = case.requantise()
    assert isinstance(op, RequantiseMean) and op.zero_first == (between == "Identity")
    assert np.array_equal(case.results(), case.onnxruntime("default"))


@pytest.mark.parametrize("zero", [76, 77])
@pytest.mark.parametrize("ratio", [1.0, 0.5, 1.25, 0.8437])
@pytest.mark.parametrize("count", [2, 4, 9])
@pytest.mark.parametrize("op", ["AveragePool", "ReduceMean"])
def test_float_sums_differ_at_the_undecided_sums_only(
    op: str, count: int, ratio: float, zero: int
) -> None:
    case = MeanModel(op, count, "u8", (0.0371, 0.0371 * ratio), (16, zero))
    means, undecided = case.results(), np.isin(case.sums, case.undecided())
    for kernels in ("default", "unoptimised") if op == "ReduceMean" else ("default",):
        different = means != case.onnxruntime(kernels)
        assert not np.any(different & ~undecided)
        assert np.abs(means - case.onnxruntime(kernels)).max() <= 1
    halves = 2 * case.undecided() / (count * ratio)
    assert np.allclose(halves, np.rint(halves), atol=1e-3), "only sums next to a half are undecided"
    halves_exist = Fraction(count * ratio).limit_denominator(8).numerator % 2 == 0
    assert bool(undecided.any()) == (halves_exist and ratio != 0.8437)


@pytest.mark.parametrize("scales", EXACT)
@pytest.mark.parametrize("count", [3, 4, 6])
def test_the_circuit_rounds_every_sum_as_the_operator_does(count: int, scales: str) -> None:
    from hlsgen.dataflow.interpret import interpret

    for zero in (18, 19):
        case = MeanModel("AveragePool", count, "u8", EXACT[scales], (17, zero))
        flow = lower(case.hardware).dataflow
        values = interpret(flow, {flow.inputs[0]: case.x["x"].astype(int).reshape(1, 1, -1, 1)})
        assert np.array_equal(values[flow.outputs[0]].reshape(-1), case.results())


BORDERS: dict[str, dict[str, Any]] = {
    "pads": {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]},
    "pads on two sides": {"kernel_shape": [2, 3], "pads": [1, 0, 0, 2], "strides": [2, 1]},
    "ceil": {"kernel_shape": [3, 2], "strides": [2, 2], "ceil_mode": 1},
    "ceil and pads": {
        "kernel_shape": [2, 2],
        "strides": [2, 2],
        "pads": [1, 1, 0, 0],
        "ceil_mode": 1,
    },
}
"""Pools whose windows at the border average fewer elements."""


def border_model(name: str, scales: tuple[float, float], quantised: bool) -> QuantisedModel:
    """A pool of ``BORDERS`` between two scales, as AveragePool or as QLinearAveragePool."""
    model = QuantisedModel((1, 2, 6, 7), "u8", opset=19)
    before, after = (scales[0], 17, "u8"), (scales[1], 19, "u8")
    if quantised:
        operands = ("x", *model.parameters(*before), *model.parameters(*after))
        model.node("QLinearAveragePool", *operands, domain="com.microsoft", **BORDERS[name])
    else:
        pooled = model.node("AveragePool", model.dequantize("x", *before), **BORDERS[name])
        model.quantize(pooled, *after)
    return model


@pytest.mark.parametrize("quantised", [False, True])
@pytest.mark.parametrize("scales", [name for name in EXACT if name != "not a binary fraction"])
@pytest.mark.parametrize("border", BORDERS)
def test_means_of_different_counts_equal_onnxruntime(
    border: str, scales: str, quantised: bool
) -> None:
    model = border_model(border, EXACT[scales], quantised)
    proto = model.finish(model.nodes[-1].output[0])
    samples, integer = model.samples(40), to_integer(read_model(proto))
    ((name, got),) = evaluate(integer.hardware, samples).items()
    (promise,) = declared_outputs(proto, integer)
    for session in ("default", "integer"):
        want = ort_reference(proto, samples, integer, session)[name]
        different = np.asarray(got).astype(int) != want.astype(int)
        assert different.sum() <= (0 if promise.exact else different.size // 200), session
    assert promise.exact or scales == "five to three"
    (step,) = (n.op for n in integer.hardware.nodes if isinstance(n.op, StepFunction))
    assert step.mean is not None
    assert_same_meaning(integer.hardware, model.samples(2))


def test_float_sums_of_different_counts_differ_where_it_is_declared_only() -> None:
    model = border_model("pads", (0.0371, 0.0371), False)
    proto = model.finish(model.nodes[-1].output[0])
    samples, integer = model.samples(40), to_integer(read_model(proto))
    (promise,) = declared_outputs(proto, integer)
    (difference,) = promise.differences
    assert "decides" in difference.reason and difference.bound == 1
    (got,) = evaluate(integer.hardware, samples).values()
    (want,) = ort_reference(proto, samples, integer, promise.session).values()
    distance = np.abs(np.asarray(got).astype(int) - want.astype(int))
    assert distance.max() == 1 and np.count_nonzero(distance) < distance.size / 20


def test_windows_beyond_padding_that_counts_are_refused() -> None:
    model = QuantisedModel((1, 2, 6, 7), "u8")
    operands = ("x", *model.parameters(0.1, 17, "u8"), *model.parameters(0.1, 17, "u8"))
    options = {**BORDERS["ceil and pads"], "count_include_pad": 1}
    value = model.node("QLinearAveragePool", *operands, domain="com.microsoft", **options)
    with pytest.raises(UnsupportedOp, match="beyond padding that counts"):
        to_integer(read_model(model.finish(value)))


def test_dilated_average_pools_are_those_of_the_float_operator() -> None:
    model = QuantisedModel((1, 2, 8, 8), "u8", opset=19)
    x = model.dequantize("x", 2.0**-5, 17, "u8")
    pads = {"kernel_shape": [2, 2], "dilations": [2, 2], "pads": [1, 1, 1, 1]}
    proto = model.finish(model.quantize(model.node("AveragePool", x, **pads), 2.0**-6, 19, "u8"))
    samples, integer = model.samples(20), to_integer(read_model(proto))
    (promise,) = declared_outputs(proto, integer)
    assert promise.exact
    (got,) = evaluate(integer.hardware, samples).values()
    (want,) = ort_reference(proto, samples, integer, promise.session).values()
    assert np.array_equal(got, want)
