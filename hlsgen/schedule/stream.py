"""The stream scheduler: one PE array per process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hlsgen.arch.board import Board
from hlsgen.dataflow.ir import Dataflow
from hlsgen.schedule.ir import ArrayPlan, BufferPlan, StreamSchedule, Unroll
from hlsgen.schedule.words import word_ramps


@dataclass(frozen=True)
class StreamOptions:
    """What the user may ask of the scheduler.

    ``multipliers``: at most so many multipliers in DSP blocks; ``target_interval``: the smallest design with at most so many
    cycles per sample; ``overrides``: unrolling fixed by process name; ``max_pixel_lanes``: the largest ``Unroll.x``.
    """

    multipliers: int | None = None
    target_interval: int | None = None
    overrides: Mapping[str, Unroll] = field(default_factory=dict)
    max_pixel_lanes: int = 1


def schedule(
    dataflow: Dataflow, board: Board, options: StreamOptions | None = None
) -> StreamSchedule:
    """Unroll factors, finishing lanes and buffer depths of every process."""
    options = options or StreamOptions()
    arrays, buffers, interval = {}, [], 1
    for process in dataflow.processes:
        unroll = options.overrides.get(process.name, Unroll())
        arrays[process.name] = ArrayPlan(process.name, unroll, 1, 1, "dsp", "dsp")
        cycles = 1
        for loop in process.loops:
            cycles *= -(-loop.extent // getattr(unroll, loop.name, 1))
        interval = max(interval, cycles)
        channels = [r.source for r in process.reads if r.source in dataflow.channels]
        for k, read in enumerate(process.reads):
            if read.source not in dataflow.channels:
                continue
            lanes = max(unroll.i, unroll.g)
            ramps = word_ramps(process, read, dataflow.channels[read.source], unroll, lanes)
            joined = len(channels) > 1 or len(dataflow.consumers(read.source)) > 1
            depth = ramps.total if joined else ramps.live
            buffers.append(BufferPlan(read.source, process.name, k, lanes, depth))
    return StreamSchedule(
        dataflow,
        arrays,
        tuple(buffers),
        {name: 1 for name in dataflow.inputs},
        {name: 1 for name in dataflow.outputs},
        interval,
        interval,
    )
