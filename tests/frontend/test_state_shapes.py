"""States of several layers in one tensor, as recurrent networks are exported, are kept like those of one sample."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from support.stateful_models import gru_cell, two_layers

from hlsgen.flow import compile
from hlsgen.flow_check import check
from hlsgen.frontend.state_shapes import with_states_of_one_sample


def test_a_state_of_layers_gets_an_axis_of_samples_and_the_model_computes_the_same() -> None:
    model, samples, states = two_layers("GRU", "Slice")
    changed = with_states_of_one_sample(model, states)
    assert isinstance(changed, onnx.ModelProto)
    onnx.checker.check_model(changed, full_check=True)
    x, old = samples["x"][:1], np.random.default_rng(1).normal(size=(2, 1, 4)).astype(np.float32)
    results = [
        onnxruntime.InferenceSession(proto.SerializeToString()).run(None, {"x": x, "h0": state})
        for proto, state in ((model, old), (changed, old.reshape(1, 2, 4)))
    ]
    np.testing.assert_array_equal(results[0][0], results[1][0])
    np.testing.assert_array_equal(results[0][1].reshape(1, 2, 4), results[1][1])


def test_other_models_stay_as_they_are() -> None:
    model, _ = gru_cell()
    assert with_states_of_one_sample(model, {"hn": "h0"}) is model
    assert with_states_of_one_sample(model, {"no such output": "h0"}) is model
    layers, _, _ = two_layers("GRU", "Split")
    assert with_states_of_one_sample(layers, {}) is layers
    assert with_states_of_one_sample(layers, {"y": "h0"}) is layers  # of another shape: refused


@pytest.mark.parametrize(
    ("kind", "parts"),
    [
        ("GRU", "Slice"),
        pytest.param("GRU", "Split", marks=pytest.mark.slow),
        pytest.param("LSTM", "Slice", marks=pytest.mark.slow),
        pytest.param("LSTM", "Split", marks=pytest.mark.slow),
    ],
)
def test_layers_whose_states_are_one_tensor_are_a_circuit(
    kind: str, parts: str, tmp_path: Path
) -> None:
    model, samples, states = two_layers(kind, parts)
    path = tmp_path / "samples.npz"
    np.savez(path, **samples)  # type: ignore[arg-type]
    rows = check(model, calibrate=path, state=states)
    assert {row.where for row in rows} == {"hardware after quantisation"}
    output = tmp_path / "design"
    design = compile(model, calibrate=path, state=states, effort="small", output=output)
    result = design.verify(samples, engine="fast")
    assert result.good and result.mismatches == 0, result.text()
    assert "0 different" in result.text().split("ONNX Runtime")[1], "compared with nothing"
    measured, predicted = result.timing.interval_cycles, design.manifest.interval_cycles
    assert measured is not None and abs(measured - predicted) <= 0.05 * predicted
