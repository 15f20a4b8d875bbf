"""States kept in the circuit: every sample equals the model's meaning and ONNX Runtime, which is given its own outputs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from support.stateful_models import (
    Samples,
    gru_cell,
    state_and_output,
    streaming_convolution,
    two_states,
)

from hlsgen.artefact.folder import open_folder
from hlsgen.dataflow.interpret import interpret
from hlsgen.flow import Compiled, compile
from hlsgen.verify.stored import stored_reference

MODELS: dict[str, tuple[Callable[[], tuple[onnx.ModelProto, Samples]], dict[str, str]]] = {
    "GRU cell": (gru_cell, {"hn": "h0"}),
    "streaming convolution": (streaming_convolution, {"next": "past"}),
    "state that is an output too": (state_and_output, {"hn": "h0"}),
    "two delays": (two_states, {"b1": "a1", "b2": "a2"}),
}


def compiled(name: str, folder: Path, effort: str = "balanced") -> tuple[Compiled, Samples]:
    make, states = MODELS[name]
    model, samples = make()
    path = folder / "samples.npz"
    np.savez(path, **samples)  # type: ignore[arg-type]
    output = folder / "design"
    return compile(model, calibrate=path, state=states, effort=effort, output=output), samples


def kept(measured: int | None, predicted: int | None) -> bool:
    """As predicted, within 5 % and the three cycles at the ends that a latency does not count."""
    assert measured is not None and predicted is not None
    return abs(measured - predicted) <= max(3, 0.05 * predicted)


@pytest.mark.parametrize(
    ("name", "effort"),
    [
        ("streaming convolution", "small"),
        ("two delays", "small"),
        ("state that is an output too", "balanced"),
        pytest.param("GRU cell", "balanced", marks=pytest.mark.slow),
        pytest.param("streaming convolution", "max", marks=pytest.mark.slow),
    ],
)
def test_a_circuit_keeps_its_states(name: str, effort: str, tmp_path: Path) -> None:
    design, samples = compiled(name, tmp_path, effort)
    assert len(design.manifest.inputs) == len(design.manifest.outputs) == 1
    result = design.verify(samples, stall="random", seed=5)
    assert result.good and result.mismatches == 0, result.text()
    assert result.samples == len(samples["x"])
    assert "0 different" in result.text().split("ONNX Runtime")[1], "compared with nothing"
    assert kept(result.timing.interval_cycles, design.manifest.interval_cycles)
    assert kept(result.timing.latency_cycles, design.manifest.latency_cycles)


def test_few_samples_are_repeated_as_one_sequence(tmp_path: Path) -> None:
    design, samples = compiled("two delays", tmp_path)
    result = design.verify({"x": samples["x"][:2]}, stall="random")
    assert result.good and result.mismatches == 0, result.text()


@pytest.mark.parametrize("name", list(MODELS)[1:])
def test_processes_compute_the_meaning_of_the_sequence(name: str, tmp_path: Path) -> None:
    design, given = compiled(name, tmp_path)
    reference = stored_reference(open_folder(design.directory), "numpy")
    samples = reference.samples(given, None, 0)
    dataflow = reference.dataflow(nudged=True)
    (source,), (sink,) = dataflow.inputs, dataflow.outputs
    (want,) = reference.integers(samples).values()
    (array,) = samples.hardware.values()
    shape = dataflow.channels[source].shape
    outputs = interpret(dataflow, {source: array.reshape(-1, *shape)})
    np.testing.assert_array_equal(outputs[sink].reshape(len(want), -1), want.reshape(len(want), -1))
    again = reference.integers(reference.samples({"x": given["x"][3:]}, None, 0))
    assert not np.array_equal(want[3:], *again.values()), "the state has no effect"
