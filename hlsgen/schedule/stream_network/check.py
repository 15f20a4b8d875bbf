"""Checks that a schedule is legal: what emission and the hardware rely on."""

from __future__ import annotations

from typing import NoReturn

from hlsgen.dataflow.constant_layer import constant_layer
from hlsgen.dataflow.ir import Process
from hlsgen.errors import IllegalGraph
from hlsgen.ops.reason import Reason
from hlsgen.schedule.stream_network.cost import factors
from hlsgen.schedule.stream_network.geometry import guard_shape, liveness_depth
from hlsgen.schedule.stream_network.ir import BufferPlan, StreamSchedule
from hlsgen.schedule.stream_network.legality import broken_rule, word_lanes, words_meet


def check(plan: StreamSchedule) -> None:
    """Raise IllegalGraph where the schedule breaks a rule: arrays, buffers, words and depths of every process."""
    dataflow = plan.dataflow
    names = [process.name for process in dataflow.processes]
    if set(plan.arrays) != set(names):
        _fail(dataflow.name, f"expected an array for each of {names}, found {list(plan.arrays)}")
    if set(plan.input_lanes) != set(dataflow.inputs):
        _fail(dataflow.name, f"expected lanes of the inputs, found {dict(plan.input_lanes)}")
    if set(plan.output_lanes) != set(dataflow.outputs):
        _fail(dataflow.name, f"expected lanes of the outputs, found {dict(plan.output_lanes)}")
    for name, lanes in plan.output_lanes.items():
        if lanes != write_lanes(plan, name):
            _fail(name, f"expected {write_lanes(plan, name)} lanes as written, found {lanes}")
    for process in dataflow.processes:
        _check_array(plan, process)
        expected = {k for k, r in enumerate(process.reads) if r.source in dataflow.channels}
        if plan.arrays[process.name].is_constant:
            expected = set()
        buffered = [b.read for b in plan.buffers if b.process == process.name]
        if sorted(buffered) != sorted(expected):
            _fail(process.name, f"expected buffers of reads {sorted(expected)}, found {buffered}")
    for buffer in plan.buffers:
        _check_buffer(plan, buffer)
    if plan.interval < 1 or plan.latency < 1:
        _fail(dataflow.name, f"expected cycles, found {plan.interval} and {plan.latency}")


def write_lanes(plan: StreamSchedule, channel: str) -> int:
    """Channels per word of a channel's stream, as its producer or the design's input writes it."""
    producer = plan.dataflow.maker(channel)
    if producer is None:
        return plan.input_lanes[channel]
    return plan.arrays[producer.name].finish_lanes


def _check_array(plan: StreamSchedule, process: Process) -> None:
    array = plan.arrays[process.name]
    broken = broken_rule(plan.dataflow, process, factors(array))
    if broken is not None:
        _fail(process.name, f"expected {broken}; found {array}")
    if array.is_constant:
        _check_constant(plan, process)
    if array.finish_interval < 1:
        _fail(process.name, f"expected a finish interval, found {array.finish_interval}")


def _check_constant(plan: StreamSchedule, process: Process) -> None:
    """Whole vectors come, and leave."""
    array = plan.arrays[process.name]
    layer = constant_layer(plan.dataflow, process)
    if isinstance(layer, Reason):
        _fail(process.name, f"expected a constant layer; {layer.text}")
    outputs, inputs = process.extent("o"), process.extent("i")
    written = write_lanes(plan, process.reads[0].source)
    words = array.unroll.o, array.unroll.i, array.finish_lanes, written
    if words != (outputs, inputs, outputs, inputs) or array.adders_in_a_row < 1:
        _fail(process.name, f"expected whole vectors, found {array} of words of {written}")


def _check_buffer(plan: StreamSchedule, buffer: BufferPlan) -> None:
    process = next((p for p in plan.dataflow.processes if p.name == buffer.process), None)
    if process is None or process.reads[buffer.read].source != buffer.channel:
        _fail(buffer.channel, f"expected a read of this channel, found {buffer}")
    unroll, read = plan.arrays[process.name].unroll, process.reads[buffer.read]
    written = write_lanes(plan, buffer.channel)
    lanes = int(word_lanes(process, buffer.read, factors(plan.arrays[process.name])))
    if buffer.lanes != lanes:
        _fail(
            f"{buffer.process}, read {buffer.read}", f"expected {lanes} lanes, found {buffer.lanes}"
        )
    if not words_meet(written, lanes):
        _fail(
            f"{buffer.process}, read {buffer.read}",
            f"expected words of {buffer.channel} that divide {lanes} lanes, "
            f"or are a power of two of them; found {written}",
        )
    word = max(buffer.lanes, written)
    channel = plan.dataflow.channels[buffer.channel]
    least = liveness_depth(guard_shape(read, process, unroll, channel, word)) * (
        word // buffer.lanes
    )
    if buffer.depth < least:
        _fail(
            f"{buffer.process}, read {buffer.read}",
            f"expected a depth of at least {least} words, found {buffer.depth}: it would stall for ever",
        )


def _fail(where: str, problem: str) -> NoReturn:
    raise IllegalGraph(
        f"schedule, {where}",
        problem,
        "Make the schedule with hlsgen.schedule.stream_network.solver.",
    )
