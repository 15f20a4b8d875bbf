"""The event model of a stream schedule."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hlsgen.schedule.geometry import guard_shape, liveness_depth, sample_cycles
from hlsgen.schedule.ir import StreamSchedule


@dataclass(frozen=True)
class Timing:
    """Cycles between samples at full speed, cycles from the first input word to the last output word."""

    interval: int
    latency: int


def buffer_depths(plan: StreamSchedule, exact: bool = False) -> StreamSchedule:
    """The plan with depths that let it run."""
    dataflow = plan.dataflow
    processes = {p.name: p for p in dataflow.processes}
    buffers = []
    for item in plan.buffers:
        process, channel = processes[item.process], dataflow.channels[item.channel]
        unroll = plan.arrays[item.process].unroll
        guard = guard_shape(process.reads[item.read], process, unroll, channel, item.lanes)
        reads = sum(r.source in dataflow.channels for r in process.reads)
        joined = reads > 1 or len(dataflow.consumers(item.channel)) > 1
        buffers.append(replace(item, depth=guard.words if joined else liveness_depth(guard)))
    return replace(plan, buffers=tuple(buffers))


def simulate(plan: StreamSchedule) -> Timing:
    """Interval and latency."""
    slowest = max(sample_cycles(p, plan.arrays[p.name]) for p in plan.dataflow.processes)
    return Timing(slowest, slowest)
