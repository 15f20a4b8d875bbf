"""Means of quantised elements equal ONNX Runtime's for every reachable sum, wherever they are a function of the sum."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from support.mean_models import CLIPS, MeanModel

from hlsgen.lowering.lower import lower
from hlsgen.ops.requantise import RequantiseMean

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
