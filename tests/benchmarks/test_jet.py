"""The jet-tagging network of the benchmarks: what it says of itself, and that it is read as that."""

from __future__ import annotations

import numpy as np

from benchmarks import jet
from hlsgen.dataflow.interpret import interpret
from hlsgen.numbers import Numbers
from hlsgen.progress import silent
from hlsgen.targets.network_source import read_network


def test_about_73_percent_of_the_weights_are_0_and_the_others_have_6_bits() -> None:
    weights = np.concatenate([layer.weights.ravel() for layer in jet.layers()])
    assert weights.size == 16 * 64 + 64 * 32 + 32 * 32 + 32 * 5
    assert abs(np.mean(weights == 0) - jet.ZEROS) < 0.02
    assert np.abs(weights).max() == 31


def test_the_model_is_read_as_the_integers_that_it_is_said_to_compute() -> None:
    lowered = read_network(jet.model(), Numbers(), silent).lowered(nudged=True, progress=silent)
    dataflow = lowered.dataflow
    vectors = np.rint(jet.samples()["x"] / jet.STEP).astype(np.int64)
    results = interpret(dataflow, {dataflow.inputs[0]: vectors[:, None, None]})[dataflow.outputs[0]]
    assert np.array_equal(results[:, 0, 0], jet.results(vectors))
    assert len(dataflow.processes) == 4, "quantisers that round down are part of the layers"
