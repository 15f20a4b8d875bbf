"""Linear interpolation between Dequantize and Quantize: ONNX Runtime's results, but next to halves where its floats decide."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from support.lowered_examples import assert_same_meaning
from support.quantised_models import QuantisedModel

from hlsgen.errors import HlsgenError, UnsupportedOp
from hlsgen.frontend.declared import declared_outputs
from hlsgen.frontend.onnx_reader import read_model
from hlsgen.frontend.reference import ort_reference, run_session
from hlsgen.graph.evaluate import evaluate
from hlsgen.ops.interleave import Interleave
from hlsgen.ops.resize_linear import Line
from hlsgen.passes import to_integer

DYADIC = (2.0**-5, 2.0**-5)
"""Scales with which float32 rounds nothing where weights are halves, quarters and so on."""
MODES = ("half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric")


def resized(
    scales: list[float] | list[int],
    steps: tuple[float, float] = DYADIC,
    space: tuple[int, int] = (5, 6),
    **attributes: Any,
) -> tuple[onnx.ModelProto, dict[str, np.ndarray]]:
    """A Resize of (1, 3, *space) by ``scales``, or to sizes if they are integers, and samples."""
    model = QuantisedModel((1, 3, *space), "u8", opset=19)
    sizes = isinstance(scales[0], int)
    last = np.array([1, 3, *scales], np.int64) if sizes else np.float32([1, 1, *scales])
    inputs = ["", "", model.constant(last)] if sizes else ["", model.constant(last)]
    x = model.dequantize("x", steps[0], 100, "u8")
    value = model.node("Resize", x, *inputs, **{"mode": "linear", **attributes})
    return model.finish(model.quantize(value, steps[1], 91, "u8")), model.samples(20)


def compared(proto: onnx.ModelProto, samples: dict[str, np.ndarray]) -> tuple[float, int]:
    """The share of elements that differ from ONNX Runtime, and the greatest difference, which is no more than is declared."""
    integer = to_integer(read_model(proto))
    assert not integer.host_before.nodes and not integer.host_after.nodes
    (got,) = evaluate(integer.hardware, samples).values()
    (promise,) = declared_outputs(proto, integer)
    (want,) = ort_reference(proto, samples, integer, promise.session).values()
    distance = np.abs(np.asarray(got).astype(int) - want.astype(int))
    assert got.shape == want.shape and distance.max() <= 1
    assert len(np.unique(got)) > 100, "a test that says nothing"
    assert [d.bound for d in promise.differences] == [1]
    assert_same_meaning(integer.hardware, {name: x[:1] for name, x in samples.items()})
    return np.count_nonzero(distance) / distance.size, int(distance.max())


@pytest.mark.parametrize("scales", [[2.0, 2.0], [4.0, 2.0], [1.0, 2.0], [2.0, 1.0], [0.5, 0.5]])
@pytest.mark.parametrize("mode", [mode for mode in MODES if mode != "align_corners"])
def test_scales_that_are_powers_of_two_are_exact(mode: str, scales: list[float]) -> None:
    space = (4, 6) if scales[0] < 1 else (5, 6)
    model = resized(scales, space=space, coordinate_transformation_mode=mode)
    assert compared(*model) == (0, 0)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("scales", [[3.0, 2.0], [1.5, 2.5], [8, 9], [13, 4], [3, 11]])
def test_other_scales_differ_next_to_halves_only(mode: str, scales: list[float]) -> None:
    model = resized(scales, (0.0371, 0.0413), (4, 6), coordinate_transformation_mode=mode)
    assert compared(*model)[0] < 0.002


def test_corners_of_a_part_of_a_result_are_refused_where_onnx_and_onnxruntime_differ() -> None:
    proto, _ = resized([1.5, 2.0], coordinate_transformation_mode="align_corners")
    with pytest.raises(HlsgenError, match="whole number of results"):
        read_model(proto)


def test_upsample_of_old_models_is_the_same() -> None:
    model = QuantisedModel((1, 2, 4, 5), "u8", opset=9)
    scales = model.constant(np.float32([1, 1, 2, 3]))
    model.node("Upsample", "x", scales, mode="linear")
    kind = onnx.TensorProto.FLOAT
    graph = onnx.helper.make_graph(
        model.nodes,
        "old",
        [onnx.helper.make_tensor_value_info("x", kind, [1, 2, 4, 5])],
        [onnx.helper.make_tensor_value_info("v0", kind, [1, 2, 8, 15])],
        model.constants,
    )
    proto = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 9)])
    proto.ir_version = 4
    x = {"x": np.random.default_rng(3).normal(size=(1, 2, 4, 5)).astype(np.float32)}
    (got,) = evaluate(read_model(proto), x).values()
    want = run_session(proto, x, ["v0"], "default")["v0"]
    assert np.allclose(got, want, atol=1e-5)


@pytest.mark.parametrize(
    ("attributes", "named"),
    [
        ({"mode": "cubic"}, "cubic"),
        ({"antialias": 1}, "antialias"),
        ({"coordinate_transformation_mode": "tf_crop_and_resize"}, "tf_crop_and_resize"),
    ],
)
def test_other_interpolations_are_refused_by_name(attributes: dict[str, Any], named: str) -> None:
    with pytest.raises(UnsupportedOp, match=named):
        read_model(resized([2.0, 2.0], **attributes)[0])


def test_small_windows_are_one_convolution_and_others_one_for_each_axis() -> None:
    for scales, count in (([2.0, 2.0], 1), ([1.5, 2.0], 2), ([1.0, 2.5], 1)):
        hardware = to_integer(read_model(resized(scales)[0])).hardware
        assert sum(isinstance(node.op, Interleave) for node in hardware.nodes) == count


def test_a_line_says_where_its_places_are() -> None:
    line = Line(3, 6, -1, 2, 4)  # (i + 1/2) / 2 - 1/2
    assert (line.phases, line.stride) == (2, 1)
    assert line.taps(0) == [(-1, 1), (0, 3)] and line.taps(1) == [(0, 3), (1, 1)]
    assert line.weights().tolist() == [3, 4, 4, 4, 4, 3]
    kernels, before, after = line.kernels()
    assert kernels.tolist() == [[1, 3, 0], [0, 3, 1]] and (before, after) == (1, 1)
