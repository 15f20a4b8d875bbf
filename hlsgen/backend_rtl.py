"""A graph compiled, and its Verilog simulated on one set of inputs: the device ``RTL`` of ``hlsgen.backend``."""

from __future__ import annotations

from collections.abc import Mapping
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from hlsgen.artefact.folder import new_folder
from hlsgen.errors import Mismatch, UnsupportedOp
from hlsgen.fixed_point.convert import prepared, to_fixed_point
from hlsgen.fixed_point.ranges import of_one
from hlsgen.graph.evaluate import run_once
from hlsgen.graph.ir import Graph
from hlsgen.ops.tensor_type import storage
from hlsgen.passes import IntegerModel, to_integer
from hlsgen.progress import silent
from hlsgen.targets.network_source import NetworkSource
from hlsgen.targets.stream_network import StreamNetwork, StreamNetworkOptions
from hlsgen.verify.executables import build_executable
from hlsgen.verify.simulation import simulate
from hlsgen.verify.simulators import find_simulator

BOARD = "ulx3s_85f"
"""The largest of the boards; only the simulator runs here."""
PRECISION = 24
"""Bits of the fixed-point numbers that stand for reals."""


def run_rtl(graph: Graph, inputs: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """The outputs for one set of inputs of exactly the graph's types: the host parts by their meaning, the hardware by simulation with random
    stalls. Quantised models as they are, others in fixed point of ``PRECISION`` bits with the ranges of these inputs.

    Raises HlsgenError where there is no circuit, Mismatch where it stops or differs from its meaning.
    """
    model = _hardware_of(graph, inputs)
    given = run_once(model.host_before, inputs)
    results = _simulated(model, {name: np.asarray(given[name]) for name in model.hardware.inputs})
    for name, meant in run_once(model.hardware, given).items():
        if not np.array_equal(results[name], meant):
            raise Mismatch(
                f"{graph.name}, simulated",
                f"expected the meaning of {name}, found {np.count_nonzero(results[name] != meant)} other elements",
                "This is a fault of hlsgen: please report it.",
            )
    passed = {**inputs, **given, **results}
    return run_once(model.host_after, {n: passed[n] for n in model.host_after.inputs})


def _hardware_of(graph: Graph, inputs: Mapping[str, np.ndarray]) -> IntegerModel:
    """The integer model of a graph: of its own integers where some node is quantised, else of fixed-point numbers."""
    if any(node.op.place == "border" for node in graph.nodes):
        return to_integer(graph)
    try:
        return to_integer(graph)
    except UnsupportedOp:
        float_graph = prepared(graph)
        return to_fixed_point(float_graph, of_one(float_graph, inputs), PRECISION)


def _simulated(model: IntegerModel, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What the circuit gives for its inputs, in the hardware graph's types."""
    graph = model.hardware
    source = NetworkSource(b"", model, (), graph.name)
    options = StreamNetworkOptions(board=BOARD, effort="small")
    with TemporaryDirectory(prefix="hlsgen_") as directory, new_folder(directory) as place:
        folder = place.commit(StreamNetwork().compile(source, options, silent))
        manifest = folder.manifest
        program = build_executable(folder.directory, manifest, find_simulator(), "fast")
        shaped = {
            port.value: inputs[port.value].astype(np.int64).reshape(1, *port.tensor_shape)
            for port in manifest.inputs
        }
        run = simulate(program, "fast", manifest, shaped, 1, "random", 0)
    if run.stopped or run.violations:
        raise Mismatch(
            f"{graph.name}, simulated",
            f"expected a sample by the rules of streams, found "
            f"{'; '.join(run.violations) or 'a circuit that stops'}",
            "This is a fault of hlsgen: please report it.",
        )
    return {
        name: run.outputs[name]
        .reshape(graph.types[name].shape)
        .astype(storage(graph.types[name].element))
        for name in graph.outputs
    }
