"""A run in which the output stream of every process is recorded."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from hlsgen.artefact.folder import Folder
from hlsgen.artefact.manifest import DESIGN
from hlsgen.artefact.parameter_port import parameters_to_load
from hlsgen.artefact.port import ProcessPoint
from hlsgen.dataflow.ir import Channel, Dataflow
from hlsgen.progress import Progress
from hlsgen.sim.job import Probe
from hlsgen.verify.executables import build_executable
from hlsgen.verify.probes import OutputSignals, output_signals
from hlsgen.verify.simulation import Simulation, simulate
from hlsgen.verify.simulators import find_simulator


def probed_run(
    folder: Folder,
    dataflow: Dataflow,
    inputs: Mapping[str, np.ndarray],
    count: int,
    stalls: str,
    seed: int,
    progress: Progress,
) -> Simulation:
    """Simulate ``count`` samples (value name -> (count, *tensor_shape)); ``recordings`` has every process. Raises BadFile, ToolFailed."""
    manifest = folder.manifest
    progress("building a simulator that shows every process", None)
    instances = [point.instance for point in manifest.processes]
    signals = output_signals(folder.read_text(DESIGN), manifest.top, instances)
    executable = build_executable(folder.directory, manifest, find_simulator(), "cocotb", signals)
    probes = [
        (point, _probe(point, output, dataflow))
        for point, output in zip(manifest.processes, signals, strict=True)
    ]
    image = parameters_to_load(folder)
    return simulate(
        executable, "cocotb", manifest, inputs, count, stalls, seed, probes, progress, image
    )


def words_of(point: ProcessPoint, channel: Channel) -> int:
    """Words of a sample that a process gives."""
    height, width, channels = channel.shape
    return height * width * -(-channels // point.lanes)


def word_bytes(point: ProcessPoint, channel: Channel) -> int:
    """Internal streams pack elements bit by bit, without the bytes' padding of the ports."""
    return -(-point.lanes * channel.element.bits // 8)


def _probe(point: ProcessPoint, signals: OutputSignals, dataflow: Dataflow) -> Probe:
    size = word_bytes(point, dataflow.channels[point.channel])
    return Probe(point.instance, signals.payload, signals.valid, signals.ready, size)
