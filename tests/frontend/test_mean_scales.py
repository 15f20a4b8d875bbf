"""Means whose scales have no ties equal every session of ONNX Runtime, and models that hlsgen quantises have such scales."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from support.mean_models import MeanModel

from hlsgen.frontend.calibrate import calibrate
from hlsgen.frontend.declared import SESSIONS, declared_outputs
from hlsgen.frontend.onnx_reader import read_model
from hlsgen.frontend.reference import ort_reference
from hlsgen.graph.evaluate import evaluate
from hlsgen.ops.requantise import Requantise
from hlsgen.passes import to_integer
from hlsgen.requantise.tie_free import Means

STEP = 0.0371


def nearest_halves(count: int, zero: int, scale: float, often: int) -> np.ndarray:
    """The 250 sums whose means in steps of ``scale`` are closest to a half, each ``often`` times."""
    sums = np.arange(-zero * count, (255 - zero) * count + 1)
    mean = sums * (STEP / (count * scale))
    order = np.argsort(np.abs(mean - np.floor(mean) - 0.5))
    return np.repeat(sums[order[:250]], often)


@pytest.mark.parametrize("op", ["AveragePool", "ReduceMean"])
@pytest.mark.parametrize("count", [2, 3, 4, 6, 9, 16, 30])
@pytest.mark.parametrize("ratio", [1.0, 0.77, 1.31])
def test_means_without_ties_equal_every_session_for_every_sum(
    op: str, count: int, ratio: float
) -> None:
    for zero in (0, 121):
        means = Means(STEP, (count,), -zero, 255 - zero, 0, 255)
        chosen = means.tie_free(STEP * ratio, zero)
        assert chosen is not None
        scale, after = chosen
        oftener = nearest_halves(count, zero, scale, 40)
        case = MeanModel(op, count, "u8", (STEP, scale), (zero, after), oftener=oftener)
        (promise,) = declared_outputs(case.proto, to_integer(read_model(case.proto)))
        assert promise.exact and promise.differences == ()
        for session in SESSIONS:
            assert np.array_equal(case.results(), case.onnxruntime(session)), session


def node(op: str, *names: str, **attributes: Any) -> onnx.NodeProto:
    """``op`` on all names but the last, which is its result."""
    return helper.make_node(op, list(names[:-1]), [names[-1]], name=names[-1], **attributes)


CONV = node("Conv", "x", "w", "c", pads=[1, 1, 1, 1])
POOL: dict[str, Any] = {"kernel_shape": [2, 2], "strides": [2, 2]}
NETWORKS: dict[str, list[onnx.NodeProto]] = {
    "average": [CONV, node("AveragePool", "c", "y", **POOL)],
    "average of a relu": [CONV, node("Relu", "c", "r"), node("AveragePool", "r", "y", **POOL)],
    "relu of an average": [CONV, node("AveragePool", "c", "a", **POOL), node("Relu", "a", "y")],
    "padding counted": [
        CONV,
        node("AveragePool", "c", "y", **POOL, pads=[1, 1, 1, 1], count_include_pad=1),
    ],
    "six wide": [CONV, node("AveragePool", "c", "y", kernel_shape=[2, 3], strides=[1, 1])],
    "before a convolution": [
        CONV,
        node("AveragePool", "c", "a", **POOL),
        node("Conv", "a", "v", "b", "y"),
    ],
    "two in a row": [
        CONV,
        node("AveragePool", "c", "a", **POOL),
        node("MaxPool", "a", "m", kernel_shape=[1, 1]),
        node("AveragePool", "m", "y", **POOL),
    ],
    "before a classifier": [
        CONV,
        node("AveragePool", "c", "a", **POOL),
        node("Flatten", "a", "f"),
        node("Gemm", "f", "g", "y"),
    ],
    "mean of rows": [CONV, node("ReduceMean", "c", "y", axes=[3], keepdims=0)],
    "mean of columns": [CONV, node("Relu", "c", "r"), node("ReduceMean", "r", "y", axes=[-2])],
    "mean of space": [CONV, node("ReduceMean", "c", "y", axes=[2, 3], keepdims=0)],
    "mean of space with its axes": [CONV, node("ReduceMean", "c", "y", axes=[-1, -2])],
}


def calibrated(nodes: list[onnx.NodeProto]) -> tuple[onnx.ModelProto, dict[str, np.ndarray]]:
    """The float network of ``nodes`` after calibration, and samples of the whole range."""
    random = np.random.default_rng(7)
    shapes = {"w": (4, 2, 3, 3), "v": (3, 4, 2, 2), "b": (3,), "g": (64, 5)}
    used = {name for each in nodes for name in each.input}
    graph = helper.make_graph(
        nodes,
        "means",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 2, 8, 8])],
        [helper.make_empty_tensor_value_info("y")],
        [
            numpy_helper.from_array(random.normal(size=shape).astype(np.float32), name)
            for name, shape in shapes.items()
            if name in used
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    samples = random.normal(size=(60, 2, 8, 8)).astype(np.float32)
    return calibrate(model, {"x": samples[:20]}), {"x": samples}


@pytest.mark.parametrize("network", NETWORKS)
def test_calibrated_means_equal_onnxruntime_and_nothing_is_declared(network: str) -> None:
    model, samples = calibrated(NETWORKS[network])
    integer = to_integer(read_model(model))
    (promise,) = declared_outputs(model, integer)
    assert promise.session == "default" and promise.differences == ()
    (ours,) = evaluate(integer.hardware, evaluate(integer.host_before, samples)).values()
    (theirs,) = ort_reference(model, samples, integer, "default").values()
    assert np.array_equal(ours, theirs)
    assert any(isinstance(n.op, Requantise) for n in integer.hardware.nodes)


def test_calibrated_average_has_the_range_of_its_own_results() -> None:
    model, _ = calibrated(NETWORKS["average"])
    graph = read_model(model)
    steps = [n.op.quantisation.scale[0] for n in graph.nodes if n.op.name == "QuantizeLinear"]
    assert steps[-1] < 0.8 * steps[-2], "means of normal noise have half its range"


def test_average_that_the_quantiser_leaves_on_floats_stays_as_it_was() -> None:
    model, _ = calibrated([node("AveragePool", "x", "y", **POOL)])
    assert [n.op_type for n in model.graph.node] == ["AveragePool"]
    assert [value.name for value in model.graph.output] == ["y"]
