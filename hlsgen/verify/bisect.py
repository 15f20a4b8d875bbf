"""Which process is the first whose output differs from its meaning."""

from __future__ import annotations

import numpy as np

from hlsgen.artefact.folder import Folder
from hlsgen.artefact.manifest import DESIGN
from hlsgen.artefact.port import ProcessPoint
from hlsgen.dataflow.interpret import interpret
from hlsgen.dataflow.ir import Channel, Dataflow
from hlsgen.progress import Progress
from hlsgen.sim.job import Probe
from hlsgen.verify.executables import build_executable
from hlsgen.verify.probes import OutputSignals, output_signals
from hlsgen.verify.run import Failure
from hlsgen.verify.simulation import Recording, simulate
from hlsgen.verify.simulators import find_simulator
from hlsgen.verify.words import unpack_stream

MOST_SAMPLES = 16
"""Samples simulated in front of the first wrong one, in the order of the failing run."""


def first_wrong_process(
    folder: Folder, dataflow: Dataflow, failure: Failure, progress: Progress
) -> str:
    """Simulate up to the first wrong sample with every process's output recorded, and compare channel by channel. The sentence that names
    the first process that differs."""
    manifest = folder.manifest
    begin = 0 if dataflow.states else failure.first_sample + 1 - MOST_SAMPLES
    start = max(0, begin)
    end = failure.first_sample + 1
    part = {name: array[start:end] for name, array in failure.inputs.items()}
    progress("building a simulator that shows every process", None)
    instances = [point.instance for point in manifest.processes]
    signals = output_signals(folder.read_text(DESIGN), manifest.top, instances)
    executable = build_executable(folder.directory, manifest, find_simulator(), "cocotb", signals)
    probes = [
        (point, _probe(point, output, dataflow))
        for point, output in zip(manifest.processes, signals, strict=True)
    ]
    stalls, seed = failure.stalls, failure.seed
    run = simulate(
        executable, "cocotb", manifest, part, end - start, stalls, seed, probes, progress
    )
    progress("interpreting every process", None)
    streams = {port.channel: port.to_stream(part[port.value]) for port in manifest.inputs}
    want = interpret(dataflow, streams)
    order = {process.name: k for k, process in enumerate(dataflow.processes)}
    for point in sorted(manifest.processes, key=lambda point: order[point.name]):
        channel = dataflow.channels[point.channel]
        finding = _compare(point, channel, run.recordings[point.name], want[point.channel], start)
        if finding is not None:
            return finding
    return (
        "every process gives what its meaning says: the fault lies in the ports, or before the processes "
        "(lowering of the integer graph)"
    )


def _compare(
    point: ProcessPoint, channel: Channel, recording: Recording, want: np.ndarray, start: int
) -> str | None:
    height, width, channels = channel.shape
    per_sample = height * width * -(-channels // point.lanes)
    count, samples = len(recording.cycles), len(want)
    # What never came reads as 0; the count of words tells it from a wrong 0.
    size = per_sample * samples * _word_bytes(point, channel)
    raw = recording.words[:size].ljust(size, b"\0")
    got = unpack_stream(
        raw, samples, channel.shape, channel.element, point.lanes, pitch=channel.element.bits
    )
    wrong = np.argwhere(got != want)
    if len(wrong):
        sample, *index = (int(k) for k in wrong[0])
        at = (sample, *index)
        word = (index[0] * width + index[1]) * -(-channels // point.lanes)
        word += index[2] // point.lanes + sample * per_sample
        if word < count:
            return (
                f"first wrong process: {point.name}; {len(wrong)} elements of channel {channel.name} differ, first "
                f"sample {start + sample} {index}: got {got[at]}, want {want[at]} (cycle {recording.cycles[word]})"
            )
    if count < per_sample * samples:
        return f"first wrong process: {point.name}; it gave {count} of {per_sample * samples} words of channel {channel.name}"
    return None


def _probe(point: ProcessPoint, signals: OutputSignals, dataflow: Dataflow) -> Probe:
    size = _word_bytes(point, dataflow.channels[point.channel])
    return Probe(point.instance, signals.payload, signals.valid, signals.ready, size)


def _word_bytes(point: ProcessPoint, channel: Channel) -> int:
    """Internal streams pack elements bit by bit, without the bytes' padding of the ports."""
    return -(-point.lanes * channel.element.bits // 8)
