"""Layers whose neurons have few input bits become tables where that is smaller, and mean the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from benchmarks.format_layers import NumberFormat, model, samples
from hlsgen.dataflow.check import check
from hlsgen.dataflow.interpret import interpret
from hlsgen.dataflow.ir import AccumulateTables, Dataflow
from hlsgen.flow import compile
from hlsgen.numbers import Numbers
from hlsgen.progress import silent
from hlsgen.schedule.stream_network.truth_tables import with_truth_tables
from hlsgen.targets.network_source import read_network

SIZES = (12, 10, 6)


def sparse(fan_in: int, bits: int = 2) -> onnx.ModelProto:
    """A QONNX network whose neurons have ``fan_in`` weights that are not 0."""
    random = np.random.default_rng(fan_in)
    network = model(NumberFormat(bits), NumberFormat(6), SIZES)
    for tensor in network.graph.initializer:
        weights = numpy_helper.to_array(tensor)
        if weights.ndim == 2:
            kept = np.argsort(random.random(weights.shape), axis=0) < fan_in
            tensor.CopyFrom(numpy_helper.from_array(weights * kept, tensor.name))
    return network


def lowered(network: onnx.ModelProto) -> Dataflow:
    return read_network(network, Numbers(), silent).lowered(nudged=True, progress=silent).dataflow


def tables_in(dataflow: Dataflow) -> int:
    return sum(isinstance(p.step, AccumulateTables) for p in dataflow.processes)


@pytest.mark.parametrize("fan_in", [1, 2])
def test_sparse_neurons_of_few_bits_become_tables_of_the_same_results(fan_in: int) -> None:
    before = lowered(sparse(fan_in))
    after = with_truth_tables(before, "ecp5")
    check(after)
    assert tables_in(after) > tables_in(before) == 0
    vectors = np.random.default_rng(0).integers(-2, 2, (300, 1, 1, SIZES[0]))
    (name,) = before.inputs
    results = [interpret(dataflow, {name: vectors}) for dataflow in (before, after)]
    for channel in before.outputs:
        assert np.array_equal(results[0][channel], results[1][channel])


def test_dense_neurons_keep_their_adders() -> None:
    before = lowered(sparse(SIZES[0], bits=4))
    assert with_truth_tables(before, "ecp5") is before


def test_a_sparse_network_of_tables_is_a_circuit_with_a_result_every_cycle(tmp_path: Path) -> None:
    design = compile(sparse(2), board="ulx3s_85f", interval=1, output=tmp_path / "d")
    result = design.verify(samples(NumberFormat(2), SIZES[0], 40), engine="fast", stall="random")
    assert result.good and result.mismatches == 0, result.text()
    assert design.report["interval_cycles"] == 1
