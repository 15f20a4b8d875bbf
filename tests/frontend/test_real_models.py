"""Models by others: the integer model equals ONNX Runtime's integer kernels; where its default session differs is written down."""

from __future__ import annotations

import numpy as np
import pytest
from support.made_by_others import MODELS, requires_models

from hlsgen.frontend.calibrate import calibrate
from hlsgen.frontend.onnx_reader import read_model
from hlsgen.frontend.reference import ort_reference
from hlsgen.frontend.support import support
from hlsgen.graph.check import check
from hlsgen.graph.evaluate import evaluate
from hlsgen.graph.text import constants_of, parse, to_text
from hlsgen.passes import to_integer

pytestmark = requires_models

# name, and elements that ONNX Runtime's default session (float kernels where values are s8) gives otherwise in 40 samples
QUANTISED = {
    "tflm_sine_int8": 0,
    "tm_mnist_arduino_int8": 0,
    "tm_mnist_valid_int8": 0,
    "tm_cifar10_int8": 0,
    "lenet300_mnist_int8": 0,
    "ad_fcae_int8": 0,
    "kws_dscnn_int8": 0,
    "ic_resnet8_int8": 60,
    "vww_mbv1_int8": 0,
    "tm_vww96_int8": 0,
    "tm_mbnet96_int8": 600,
    "tflm_micro_speech_int8": 0,
}


def samples_of(name: str, shapes: dict[str, tuple[int, ...]], count: int) -> dict[str, np.ndarray]:
    with np.load(MODELS / name / "inputs.npz") as archive:
        return {k: archive[k].reshape(-1, *shapes[k][1:])[:count] for k in archive.files}


@pytest.mark.parametrize("name", QUANTISED)
def test_quantised_model_equals_onnxruntime(name: str) -> None:
    path = MODELS / name / "model.onnx"
    graph = read_model(path)
    check(graph)
    integer = to_integer(graph)
    samples = samples_of(name, {k: graph.types[k].shape for k in graph.inputs}, 40)
    results = evaluate(integer.hardware, evaluate(integer.host_before, samples))
    reference = ort_reference(path, samples, integer)
    assert all(np.array_equal(results[k], reference[k]) for k in reference)
    default = ort_reference(path, samples, integer, "default")
    differing = sum(int(np.count_nonzero(results[k] != default[k])) for k in default)
    assert differing <= QUANTISED[name]
    parts = (integer.host_before, integer.hardware, integer.host_after)
    text = to_text(*parts)
    back = parse(text, constants_of(*parts))
    assert to_text(*back) == text
    again = evaluate(back[1], evaluate(back[0], samples))
    assert all(np.array_equal(again[k], results[k]) for k in results)


@pytest.mark.parametrize(
    "name",
    [
        "tflm_sine_fp32",
        "tm_mnist_valid_fp32",
        "mnist8_cntk_fp32",
        "hls4ml_conv1d_small_keras",
        "ic_resnet8_fp32",
    ],
)
def test_calibrated_float_model_equals_onnxruntime_even_its_default_session(name: str) -> None:
    path = MODELS / name / "model.onnx"
    graph = read_model(path)
    samples = samples_of(name, {k: graph.types[k].shape for k in graph.inputs}, 10)
    quantised = calibrate(path, samples)
    integer = to_integer(read_model(quantised))
    results = evaluate(integer.hardware, evaluate(integer.host_before, samples))
    for kernels in ("integer", "default"):
        reference = ort_reference(quantised, samples, integer, kernels)  # type: ignore[arg-type]
        assert all(np.array_equal(results[k], reference[k]) for k in reference)


def test_every_node_of_a_real_model_is_accounted_for() -> None:
    rows = support(MODELS / "lenet300_mnist_int8" / "model.onnx")
    places = {row.operator: row.where for row in rows}
    assert places["Gemm"] == "hardware" and places["LogSoftmax"] == "host"
    rows = support(MODELS / "mcunet_vww_int8" / "model.onnx")
    unsupported = {row.operator for row in rows if row.where == "unsupported"}
    assert not unsupported
    rows = support(MODELS / "mnist8_cntk_fp32" / "model.onnx")
    assert {row.where for row in rows} == {"hardware after quantisation"}
