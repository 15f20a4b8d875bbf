"""The event model: executes a schedule at the granularity of pixel groups, with bounded buffers, forks and joins.

Every time is the largest of sums of others (a max-plus recurrence), so that the order of evaluation does not matter:
each process is carried on as far as what is known of its neighbours allows. No progress means deadlock: then the
smallest full buffer whose reader waits for another one is made deeper, by just the words of the blocked group. That
is a demand-driven execution with bounded buffers (Parks, Bounded Scheduling of Process Networks, 1995): it ends with
depths that are live, and grows none that need not.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from hlsgen.dataflow.ir import Process
from hlsgen.rtl_templates import contract
from hlsgen.rtl_templates.contract import (
    CHANNEL_FREED_AFTER,
    CHANNEL_READY_AFTER,
    CREDIT_LATENCY,
)
from hlsgen.schedule.stream_network import constant
from hlsgen.schedule.stream_network.cost import words_taken, written_lanes
from hlsgen.schedule.stream_network.event_nodes import (
    EventEdge,
    EventNode,
    last_nodes,
    state_edge,
    state_node,
)
from hlsgen.schedule.stream_network.geometry import (
    REDUCE_LEVEL,
    group_cycles,
    guard_shape,
    last_word_after,
    liveness_depth,
    need_low,
    output_channels,
    sample_cycles,
    trips,
)
from hlsgen.schedule.stream_network.ir import BufferPlan, StreamSchedule
from hlsgen.schedule.stream_network.latency import operand_latency, pipeline_latency, result_credits

SAMPLES = 4
"""Samples of a run: the pipeline fills during the first ones."""
MAX_DOUBLINGS = 12
TOLERANCE = 1.004
READY_AFTER_END = CHANNEL_READY_AFTER - 1
"""Cycles from a word's end to the begin of a group that needs it, which counts from the cycle in which it is accepted, the last before
its end. Where no state goes round, the cycle more for each process stands for words that come together, which are not counted."""


@dataclass(frozen=True)
class PredictedTiming:
    """``interval``: cycles between samples at full speed; ``latency``: from the first input word accepted to the last output
    word of the first sample; ``busy``: share of its cycles that each process issues steps, in the steady state."""

    interval: int
    latency: int
    busy: Mapping[str, float]


def simulate(plan: StreamSchedule) -> PredictedTiming:
    """The timing of a schedule whose depths are live."""
    return _timing(plan, executed(plan))


def array_cycles(plan: StreamSchedule, process: Process) -> int:
    """Cycles of a sample in which the array of a process works, or is held up by what is written into a single-port buffer: at most, for
    what comes while the array waits costs nothing."""
    return sample_cycles(process, plan.arrays[process.name]) + words_taken(plan, process)


def executed(plan: StreamSchedule, samples: int = SAMPLES) -> list[EventNode]:
    """Inputs and processes after so many samples; a deadlock is a bug of hlsgen."""
    nodes = _network(plan)
    _run(nodes, samples, grow=False)
    return nodes


def _timing(plan: StreamSchedule, nodes: list[EventNode]) -> PredictedTiming:
    ends = _sample_ends(nodes)
    cycles = {p.name: array_cycles(plan, p) for p in plan.dataflow.processes}
    # the first samples may follow one another faster than the slowest process takes them, out of buffers that hold several
    interval = max(ends[-1] - ends[-2], *cycles.values())
    return PredictedTiming(interval, ends[0], {name: n / interval for name, n in cycles.items()})


def _sample_ends(nodes: list[EventNode]) -> list[int]:
    """When the last word of each sample leaves."""
    outputs = last_nodes(nodes)
    samples = len(outputs[0].ended) // len(outputs[0].cycles)
    return [max(n.ended[s * len(n.cycles) - 1] for n in outputs) for s in range(1, samples + 1)]


def _network(plan: StreamSchedule) -> list[EventNode]:
    dataflow = plan.dataflow
    writers: dict[str, EventNode] = {}
    nodes: list[EventNode] = []
    for name in dataflow.inputs:
        height, width, channels = dataflow.channels[name].shape
        words = -(-channels // plan.input_lanes[name])
        counts = list(range(words, height * width * words + 1, words))
        writers[name] = EventNode(name, [words] * (height * width), counts, 1, 1, 1)
        nodes.append(writers[name])
    for state in dataflow.states:
        writers[state.read] = state_node(plan, state)
        nodes.append(writers[state.read])
    for process in dataflow.processes:
        node = _process_node(plan, process)
        for buffer in (*plan.buffers, *constant.direct_reads(plan, process)):
            if buffer.process == process.name:
                edge = _edge(plan, process, buffer, writers[buffer.channel], node)
                node.reads.append(edge)
                writers[buffer.channel].writes.append(edge)
        node.leaves = process.write.channel in dataflow.outputs
        writers[process.write.channel] = node
        nodes.append(node)
    for state in dataflow.states:
        edge = state_edge(writers[state.written], writers[state.read])
        writers[state.read].reads.append(edge)
        writers[state.written].writes.append(edge)
    return nodes


def _process_node(plan: StreamSchedule, process: Process) -> EventNode:
    array = plan.arrays[process.name]
    delay = pipeline_latency(plan.dataflow, process, array)
    if array.is_constant:
        delay = constant.delay_of(plan, process)
        return EventNode(process.name, [1], [1], delay, constant.PLACES, 1)
    rows, columns = trips(process, array.unroll)[:2]
    ragged = process.extent("x") - (columns - 1) * array.unroll.x
    pixels = [array.unroll.x] * (columns - 1) + [ragged]
    per_pixel = -(-output_channels(process) // array.finish_lanes)
    written = np.cumsum([n * per_pixel for n in pixels * rows]).tolist()
    reduce = int(np.prod(trips(process, array.unroll)[REDUCE_LEVEL:]))
    drain = -(-array.unroll.rows // array.finish_lanes) * array.finish_interval
    if plan.dataflow.states:
        delay += last_word_after(process, array)
    cycles, first = group_cycles(process, array), reduce
    words = array.unroll.x * per_pixel
    if array.unroll.x > 1 and per_pixel > 1:
        # pixels side by side are put in order when the group is complete
        delay += contract.reorder(pixels=array.unroll.x, words=per_pixel, word_bits=1).latency
        delay += words
        first = max(0, cycles - words)
    # while the drain's words cannot leave, the array still works on results that it has credits for
    ahead = result_credits(plan.dataflow, process, array) * max(reduce, drain)
    slack = max(reduce, drain) + ahead - operand_latency(plan.dataflow, process, array)
    slack -= CREDIT_LATENCY - 1
    groups, taken = rows * columns, words_taken(plan, process)
    each = [cycles + taken * (n + 1) // groups - taken * n // groups for n in range(groups)]
    return EventNode(process.name, each, written, delay, slack, first)


def _edge(
    plan: StreamSchedule,
    process: Process,
    buffer: BufferPlan,
    producer: EventNode,
    consumer: EventNode,
) -> EventEdge:
    """The buffer with its needs and frees. A memory word is the wider of the producer's and the reader's."""
    channel = plan.dataflow.channels[buffer.channel]
    maker = plan.dataflow.producer(buffer.channel)
    write_lanes = written_lanes(plan, buffer.channel)
    word = max(buffer.lanes, write_lanes)
    unroll = plan.arrays[process.name].unroll
    guard = guard_shape(process.reads[buffer.read], process, unroll, channel, word)
    need, low = (array.ravel() for array in need_low(guard))
    per_pixel, parts = -(-channel.shape[2] // write_lanes), word // write_lanes
    memory_pixel = -(-channel.shape[2] // word)

    needed = need // memory_pixel * per_pixel + np.minimum(need % memory_pixel * parts, per_pixel)
    written = np.array(producer.written)
    at = np.searchsorted(written, needed)
    # the words of a group leave evenly between its first result and its end
    words = np.diff(written, prepend=0)[at]
    span = np.maximum(np.array(producer.cycles)[at] - producer.first, 0)
    filled = written // per_pixel * memory_pixel + -(-(written % per_pixel) // parts)
    share = word // buffer.lanes
    edge = EventEdge(
        (buffer.process, buffer.read),
        producer,
        consumer,
        at.tolist(),
        ((written[at] - needed) * span // words).tolist(),
        low.tolist(),
        filled.tolist(),
        guard.words,
        guard.words // memory_pixel,
        per_pixel,
        parts,
        0,
        share,
    )
    if plan.arrays[process.name].is_constant:
        edge.ready_after = constant.ready_after(maker)
    elif plan.dataflow.states:
        edge.ready_after = READY_AFTER_END
    edge.set_depth(-(-buffer.depth // share) or liveness_depth(guard))
    return edge


def _run(nodes: list[EventNode], samples: int, grow: bool) -> None:
    """Every node through ``samples`` samples; with ``grow`` a deadlock deepens a buffer."""
    pending = deque(reversed(nodes))
    queued = set(map(id, nodes))
    while True:
        while pending:
            node = pending.popleft()
            queued.discard(id(node))
            if not _advance(node, samples):
                continue
            neighbours = [e.consumer for e in node.writes] + [e.producer for e in node.reads]
            for other in neighbours:
                if id(other) not in queued:
                    queued.add(id(other))
                    pending.append(other)
        stuck = [n for n in nodes if len(n.ended) < samples * len(n.cycles)]
        if not stuck:
            return
        if not grow:
            raise RuntimeError(
                f"deadlock, a bug of hlsgen: {[n.name for n in stuck]} wait for ever"
            )
        pending.append(_grow(nodes))


def _advance(node: EventNode, samples: int) -> bool:
    """Carry the node on as far as its neighbours are known; whether any group was added."""
    count, cycles, begun, ended = len(node.cycles), node.cycles, node.begun, node.ended
    held_by = node.delay + node.slack
    before = len(ended)
    node.blocked = node.waiting = None
    sample, group = divmod(before, count)
    for _ in range(before, samples * count):
        begin, cause = 0, None
        for edge in node.reads:
            producer = edge.producer
            n = (sample - edge.back) * len(producer.cycles) + edge.need_at[group]
            if n < 0:  # an initial word
                continue
            if n >= len(producer.ended):
                node.waiting = edge
                return len(ended) > before
            time = producer.ended[n] - edge.need_lead[group] + edge.ready_after
            if time > begin:
                begin, cause = time, edge
        earliest = 1
        if begun:
            free = begun[-1] + cycles[group - 1]
            if free >= begin:
                begin, cause = free, None
            if ended[-1] - held_by > begin:
                begin, cause = ended[-1] - held_by, node.cause[-1]
            earliest = ended[-1] + 1
        end = max(begin + cycles[group] + node.delay, earliest)
        for edge in node.writes:
            reader = edge.consumer
            for at, tail in edge.free_at[group]:
                n = sample * len(edge.low) + at
                if n <= 0:
                    continue
                n += edge.back * len(edge.low)
                if n > len(reader.begun):
                    node.blocked = edge
                    return len(ended) > before
                free = reader.begun[n - 1] + reader.cycles[(n - 1) % len(reader.cycles)]
                if free + CHANNEL_FREED_AFTER + tail > end:
                    end, cause = free + CHANNEL_FREED_AFTER + tail, edge
        begun.append(begin)
        ended.append(end)
        node.cause.append(cause)
        group += 1
        if group == count:
            sample, group = sample + 1, 0
    return len(ended) > before


def _grow(nodes: list[EventNode]) -> EventNode:
    """Deepen a full buffer by the words of the blocked group; the node that can go on then.

    The smallest one whose reader waits for that very buffer (it needs a part of the group, which comes as a whole), else
    the smallest whose reader waits for another buffer (a join).
    """
    full = [node.blocked for node in nodes if node.blocked is not None and not node.blocked.back]
    itself = [e for e in full if e.consumer.waiting is e]
    waiting = [e for e in full if e.consumer.waiting not in (None, e)]
    chosen = min(itself or waiting or full, key=lambda edge: edge.depth)
    sample, group = chosen.producer.place()
    reader_sample, reader_group = chosen.consumer.place()
    low = reader_sample * chosen.total + chosen.low[reader_group]
    chosen.set_depth(sample * chosen.total + chosen.filled[group] - low)
    return chosen.producer


def fit_buffers(
    plan: StreamSchedule, exact: bool = False
) -> tuple[StreamSchedule, PredictedTiming]:
    """The plan with depths that let it run for ever at the pace of its slowest process, and its timing.

    A depth of 0 is not known yet. First the smallest live depths; unless ``exact`` each is then raised to the power of two
    that its memory has anyway, and doubled while the slowest process waits on a full buffer.
    """
    nodes = _network(plan)
    _run(nodes, SAMPLES, grow=True)
    buffered = {(buffer.process, buffer.read) for buffer in plan.buffers}
    edges = [edge for node in nodes for edge in node.writes if edge.key in buffered]
    plan = _with_depths(plan, {edge.key: edge.depth * edge.share for edge in edges})
    if exact:
        return plan, _timing(plan, nodes)
    plan = _with_depths(
        plan, {(b.process, b.read): 1 << (b.depth - 1).bit_length() for b in plan.buffers}
    )
    slowest = max(array_cycles(plan, p) for p in plan.dataflow.processes)
    for _ in range(MAX_DOUBLINGS):
        nodes = executed(plan)
        timing = _timing(plan, nodes)
        critical = _critical(nodes) & {(b.process, b.read) for b in plan.buffers}
        if timing.interval <= slowest * TOLERANCE + 2 or not critical:
            break
        depths = {(b.process, b.read): b.depth for b in plan.buffers}
        plan = _with_depths(plan, depths | {key: 2 * depths[key] for key in critical})
    return plan, timing


def _critical(nodes: list[EventNode]) -> set[tuple[str, int]]:
    """The full buffers on the path of latest causes, back from the last word of the last output."""
    node = last_nodes(nodes)[-1]
    n = len(node.begun) - 1
    full: set[tuple[str, int]] = set()
    for _ in range(sum(len(node.begun) for node in nodes)):
        if n < 0:
            break
        edge, count = node.cause[n], len(node.cycles)
        sample, group = divmod(n, count)
        if edge is None:
            n -= 1
        elif edge.consumer is node:
            at = (sample - edge.back) * len(edge.producer.cycles) + edge.need_at[group]
            node, n = edge.producer, at
        else:
            full.add(edge.key)
            sample += edge.back
            node, n = edge.consumer, sample * len(edge.low) + edge.free_at[group][-1][0] - 1
    return full


def _with_depths(plan: StreamSchedule, depths: Mapping[tuple[str, int], int]) -> StreamSchedule:
    return replace(
        plan,
        buffers=tuple(replace(b, depth=depths[(b.process, b.read)]) for b in plan.buffers),
    )
