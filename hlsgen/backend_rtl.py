"""A graph compiled, and its Verilog simulated on one set of inputs: the device ``RTL`` of ``hlsgen.backend``."""

from __future__ import annotations

from collections.abc import Mapping
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from hlsgen.artefact.folder import new_folder
from hlsgen.errors import Mismatch
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


def run_rtl(graph: Graph, samples: Mapping[str, np.ndarray], count: int) -> dict[str, Any]:
    """The outputs [count, ...] for ``count`` samples along axis 0 of every input: the host parts by their meaning, the hardware
    by simulation with random stalls. Raises HlsgenError where there is no circuit, Mismatch where it stops."""
    model = to_integer(graph)
    rows = [run_once(model.host_before, _row(samples, k)) for k in range(count)]
    hardware = model.hardware
    streamed = {
        name: np.concatenate([np.asarray(row[name]) for row in rows]) for name in hardware.inputs
    }
    results = _simulated(model, streamed, count)
    passed = set(model.host_after.inputs)
    outputs = [
        run_once(
            model.host_after,
            {name: value for name, value in (row | _row(results, k)).items() if name in passed},
        )
        for k, row in enumerate(rows)
    ]
    return {name: np.concatenate([one[name] for one in outputs]) for name in graph.outputs}


def _row(samples: Mapping[str, Any], k: int) -> dict[str, Any]:
    return {name: array[k : k + 1] for name, array in samples.items()}


def _simulated(
    model: IntegerModel, inputs: Mapping[str, np.ndarray], count: int
) -> dict[str, np.ndarray]:
    """What the circuit gives for its inputs, in the hardware graph's types."""
    graph = model.hardware
    source = NetworkSource(b"", model, (), graph.name)
    options = StreamNetworkOptions(board=BOARD, effort="small")
    with TemporaryDirectory(prefix="hlsgen_") as directory, new_folder(directory) as place:
        folder = place.commit(StreamNetwork().compile(source, options, silent))
        manifest = folder.manifest
        program = build_executable(folder.directory, manifest, find_simulator(), "fast")
        shaped = {
            port.value: inputs[port.value].astype(np.int64).reshape(count, *port.tensor_shape)
            for port in manifest.inputs
        }
        run = simulate(program, "fast", manifest, shaped, count, "random", 0)
    if run.stopped or run.violations:
        raise Mismatch(
            f"{graph.name}, simulated",
            f"expected {count} samples by the rules of streams, found "
            f"{'; '.join(run.violations) or 'a circuit that stops'}",
            "This is a fault of hlsgen: please report it.",
        )
    return {
        name: run.outputs[name]
        .reshape(count, *graph.types[name].shape[1:])
        .astype(storage(graph.types[name].element))
        for name in graph.outputs
    }
