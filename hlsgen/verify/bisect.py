"""Which process is the first whose output differs from its meaning."""

from __future__ import annotations

import numpy as np

from hlsgen.artefact.folder import Folder
from hlsgen.artefact.port import ProcessPoint
from hlsgen.dataflow.interpret import interpret
from hlsgen.dataflow.ir import Channel, Dataflow
from hlsgen.progress import Progress
from hlsgen.verify.probed_run import probed_run, word_bytes, words_of
from hlsgen.verify.run import Failure
from hlsgen.verify.simulation import Recording
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
    run = probed_run(folder, dataflow, part, end - start, failure.stalls, failure.seed, progress)
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
    _, width, channels = channel.shape
    per_sample = words_of(point, channel)
    count, samples = len(recording.cycles), len(want)
    # What never came reads as 0; the count of words tells it from a wrong 0.
    size = per_sample * samples * word_bytes(point, channel)
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
