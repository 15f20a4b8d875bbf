"""QONNX models by others, as published and cleaned: the integer model equals the format's own float semantics."""

from __future__ import annotations

import numpy as np
import pytest
from support.made_by_others import model_folder, requires_models

from hlsgen.frontend.onnx_reader import read_model
from hlsgen.graph.evaluate import evaluate
from hlsgen.graph.ir import Graph
from hlsgen.passes import to_integer

pytestmark = requires_models

# name, and elements of 20 samples that noise of float32 sums decides otherwise
QUANTISED = {
    "kws_mlp_w3a3_qonnx": 0,
    "tfc_1w1a_qonnx": 0,
    "tfc_2w2a_qonnx": 0,
    "jet_qkeras_6b_qonnx": 0,
    "espcn_subpixel_qonnx": 1,
    "qonnx_fp8_gemm": 0,
}
LESS_THAN_A_STEP = 1e-4


def through(graph: Graph, values: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return values | evaluate(graph, {name: values[name] for name in graph.inputs})


@pytest.mark.parametrize("name", QUANTISED)
def test_integers_give_what_qonnx_gives(name: str) -> None:
    folder = model_folder(name)
    integer = to_integer(read_model(folder / "model.onnx"))
    with np.load(folder / "inputs.npz") as archive:
        values = {key: archive[key][:20] for key in archive.files}
    for part in (integer.host_before, integer.hardware, integer.host_after):
        values = through(part, values)
    with np.load(folder / "expected.npz") as archive:
        for output in integer.host_after.outputs:
            want = archive[output][:20]
            error = np.abs(values[output].reshape(want.shape) - want)
            differing = np.count_nonzero(error > LESS_THAN_A_STEP * np.abs(want).max())
            assert differing <= QUANTISED[name]


@pytest.mark.parametrize("name", [name for name in QUANTISED if name != "qonnx_fp8_gemm"])
def test_the_published_file_has_the_operators_of_the_cleaned_one(name: str) -> None:
    folder = model_folder(name)
    raw, cleaned = (
        [node.op.name for node in to_integer(read_model(folder / file)).hardware.nodes]
        for file in ("model_raw.onnx", "model.onnx")
    )
    assert raw == cleaned and {"Gemm", "Conv"} & set(raw)
