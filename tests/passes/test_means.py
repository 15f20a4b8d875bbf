"""Means of quantised elements equal ONNX Runtime's for every reachable sum, wherever they are a function of the sum."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import onnx
import pytest
from support.quantised_models import ELEMENTS, QuantisedModel

from hlsgen.artefact.declared import Session
from hlsgen.frontend.onnx_reader import read_model
from hlsgen.frontend.reference import run_session
from hlsgen.graph.evaluate import evaluate
from hlsgen.lowering.lower import lower
from hlsgen.ops.requantise import Requantise, RequantiseMean
from hlsgen.passes import to_integer

SPLITS = 4
"""How often every sum appears, of different elements."""


def windows_of_every_sum(count: int, least: int, greatest: int, seed: int) -> np.ndarray:
    """(windows, count) integers within bounds; every sum that they can have occurs SPLITS times."""
    random = np.random.default_rng(seed)
    sums = np.repeat(np.arange(count * least, count * greatest + 1), SPLITS)
    rest, rows = sums.copy(), np.empty((sums.size, count), np.int64)
    for k in range(count):
        left = count - 1 - k
        low = np.maximum(least, rest - left * greatest)
        high = np.minimum(greatest, rest - left * least)
        rows[:, k] = random.integers(low, high + 1)
        rest -= rows[:, k]
    assert not rest.any()
    return rows


CLIPS = {"Clip": (20, 20), "Clip above": (0, 20), "Clip below": (20, 0)}
"""How far bounds of a Clip lie within those of the elements."""


class Case:
    """A pool over windows (1, width) of a row, each a sum."""

    def __init__(
        self,
        op: str,
        count: int,
        element: str,
        scales: tuple[float, float],
        zeros: tuple[int, int],
        between: str | None = None,
    ) -> None:
        kind, low, high = ELEMENTS[element]
        rows = windows_of_every_sum(count, low, high, seed=count)
        self.sums = rows.sum(axis=1) - count * zeros[0]
        one_each = op != "AveragePool"
        shape = (1, len(rows), 1, count) if one_each else (1, 1, 1, rows.size)
        self.x = {"x": rows.reshape(shape).astype(kind)}
        model = QuantisedModel(shape, element)
        value = model.dequantize("x", scales[0], zeros[0], element)
        attributes: dict[str, Any] = {
            "AveragePool": {"kernel_shape": [1, count], "strides": [1, count]},
            "ReduceMean": {"axes": [3]},
        }.get(op, {})
        value = model.node(op, value, **attributes)
        if between in CLIPS:
            down, up = CLIPS[between]
            bounds = (scales[1] * (bound - zeros[1]) for bound in (low + down, high - up))
            value = model.node("Clip", value, *(model.constant(np.float32(b)) for b in bounds))
        elif between is not None:
            value = model.node(between, value)
        self.proto: onnx.ModelProto = model.finish(
            model.quantize(value, scales[1], zeros[1], element)
        )
        self.hardware = to_integer(read_model(self.proto)).hardware
        self.range = low - zeros[0], high - zeros[0]

    def results(self) -> np.ndarray:
        (values,) = evaluate(self.hardware, self.x).values()
        return np.asarray(values).reshape(-1)

    def onnxruntime(self, kernels: Session) -> np.ndarray:
        (name,) = (value.name for value in self.proto.graph.output)
        return run_session(self.proto, self.x, [name], kernels)[name].reshape(-1).astype(int)

    def requantise(self) -> Requantise:
        (op,) = (n.op for n in self.hardware.nodes if isinstance(n.op, Requantise))
        return op

    def undecided(self) -> np.ndarray:
        op = self.requantise()
        if not isinstance(op, RequantiseMean):
            return np.array([], int)
        return op.mean.undecided(*self.range, op.low, op.high)


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
        case = Case(op, count, element, EXACT[scales], zeros)
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
    case = Case("AveragePool", 4, "u8", EXACT[scales], (17, 19), between)
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
    case = Case(op, count, "u8", (0.0371, 0.0371 * ratio), (16, zero))
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
        case = Case("AveragePool", count, "u8", EXACT[scales], (17, zero))
        flow = lower(case.hardware)
        values = interpret(flow, {flow.inputs[0]: case.x["x"].astype(int).reshape(1, 1, -1, 1)})
        assert np.array_equal(values[flow.outputs[0]].reshape(-1), case.results())
