"""The event model: executes a schedule at the granularity of pixel groups, with bounded buffers, forks and joins.

Every time is the largest of sums of others (a max-plus recurrence), so that the order of evaluation does not matter:
each process is carried on as far as what is known of its neighbours allows. No progress means deadlock: then the
smallest full buffer whose reader waits for another one is made deeper, by just the words of the blocked group. That
is a demand-driven execution with bounded buffers (Parks, Bounded Scheduling of Process Networks, 1995): it ends with
depths that are live, and grows none that need not.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from hlsgen.dataflow.ir import Process
from hlsgen.schedule.geometry import (
    REDUCE_LEVEL,
    group_cycles,
    guard_shape,
    liveness_depth,
    need_low,
    output_channels,
    sample_cycles,
    trips,
)
from hlsgen.schedule.ir import ArrayPlan, BufferPlan, StreamSchedule
from hlsgen.schedule.latency import pipeline_latency

SAMPLES = 4
FREED_AFTER = 3
"""Cycles from a group's last step until its words may be overwritten: two of reading, one of the guard."""


@dataclass(frozen=True)
class Timing:
    """``interval``: cycles between samples at full speed; ``latency``: from the first input word accepted to the last output
    word of the first sample; ``busy``: share of its cycles that each process issues steps, in the steady state;
    ``occupancy``: the most words that each buffer held, by (process, read); ``live_depths``: depths after growing."""

    interval: int
    latency: int
    busy: Mapping[str, float]
    live_depths: Mapping[tuple[str, int], int]


@dataclass(eq=False)
class _Node:
    """A process or an input: ``cycles`` of each group of a sample; each group writes ``words`` more words, the last of them
    ``delay`` cycles after the group's steps. ``slack``: cycles by which it may run ahead of a word that cannot leave."""

    name: str
    cycles: list[int]
    written: list[int]
    delay: int
    slack: int
    first: int
    reads: list[_Edge] = field(default_factory=list)
    writes: list[_Edge] = field(default_factory=list)
    begun: list[int] = field(default_factory=list)
    ended: list[int] = field(default_factory=list)
    cause: list[_Edge | None] = field(default_factory=list)
    blocked: _Edge | None = None

    @property
    def total(self) -> int:
        return self.written[-1]


@dataclass(eq=False)
class _Edge:
    """A buffer. ``need``: producer words per sample that each group of the reader waits for; ``low``: memory words that are
    dead when a group is the next; ``filled``: memory words that each group of the producer has filled when it ends."""

    key: tuple[str, int]
    producer: _Node
    consumer: _Node
    need: list[int]
    low: list[int]
    filled: list[int]
    memory_total: int
    depth: int
    share: int


def simulate(plan: StreamSchedule, samples: int = SAMPLES, grow: bool = False) -> Timing:
    """Run ``samples`` samples. With ``grow`` deadlocks are resolved by deeper buffers, else they are hlsgen's own bug."""
    nodes = _network(plan)
    edges = [edge for node in nodes for edge in node.writes]
    _run(nodes, samples, grow)
    outputs = [node for node in nodes if not node.writes]
    last = [
        max(node.ended[s * len(node.cycles) - 1] for node in outputs) for s in range(1, samples + 1)
    ]
    interval = last[-1] - last[-2] if samples > 1 else last[0]
    processes = {p.name: p for p in plan.dataflow.processes}
    busy = {
        name: sample_cycles(process, plan.arrays[name]) / interval
        for name, process in processes.items()
    }
    depths = {edge.key: edge.depth * edge.share for edge in edges}
    return Timing(interval, last[0], busy, depths)


def _network(plan: StreamSchedule) -> list[_Node]:
    dataflow = plan.dataflow
    writers: dict[str, _Node] = {}
    nodes: list[_Node] = []
    for name in dataflow.inputs:
        height, width, channels = dataflow.channels[name].shape
        words = -(-channels // plan.input_lanes[name])
        counts = list(range(words, height * width * words + 1, words))
        writers[name] = _Node(name, [words] * (height * width), counts, 1, 1, 1)
        nodes.append(writers[name])
    for process in dataflow.processes:
        node = _process_node(plan, process)
        for item in plan.buffers:
            if item.process == process.name:
                edge = _edge(plan, process, item, writers[item.channel], node)
                node.reads.append(edge)
                writers[item.channel].writes.append(edge)
        writers[process.write.channel] = node
        nodes.append(node)
    return nodes


def _process_node(plan: StreamSchedule, process: Process) -> _Node:
    array = plan.arrays[process.name]
    delay = pipeline_latency(plan.dataflow, process, array)
    rows, columns = trips(process, array.unroll)[:2]
    ragged = process.extent("x") - (columns - 1) * array.unroll.x
    pixels = [array.unroll.x] * (columns - 1) + [ragged]
    cycles = {n: group_cycles(process, array, n) for n in set(pixels)}
    per_pixel = _words_per_pixel(process, array)
    written = np.cumsum([n * per_pixel for n in pixels * rows]).tolist()
    reduce = int(np.prod(trips(process, array.unroll)[REDUCE_LEVEL:]))
    drain = -(-array.unroll.rows // array.finish_lanes) * array.finish_interval
    # while its words cannot leave, the array still works on the next result
    return _Node(
        process.name,
        [cycles[n] for n in pixels] * rows,
        written,
        delay,
        max(reduce, drain),
        reduce,
    )


def _words_per_pixel(process: Process, array: ArrayPlan) -> int:
    return -(-output_channels(process) // array.finish_lanes)


def _edge(
    plan: StreamSchedule, process: Process, item: BufferPlan, producer: _Node, consumer: _Node
) -> _Edge:
    """The buffer with its needs and frees. A memory word is the wider of the producer's and the reader's."""
    channel = plan.dataflow.channels[item.channel]
    maker = plan.dataflow.producer(item.channel)
    write_lanes = (
        plan.input_lanes[item.channel] if maker is None else plan.arrays[maker.name].finish_lanes
    )
    word = max(item.lanes, write_lanes)
    unroll = plan.arrays[process.name].unroll
    guard = guard_shape(process.reads[item.read], process, unroll, channel, word)
    need, low = (array.ravel() for array in need_low(guard))
    per_pixel, parts = -(-channel.shape[2] // write_lanes), word // write_lanes
    memory_pixel = -(-channel.shape[2] // word)

    needed = need // memory_pixel * per_pixel + np.minimum(need % memory_pixel * parts, per_pixel)
    made = np.array(producer.written)
    filled = made // per_pixel * memory_pixel + -(-(made % per_pixel) // parts)
    share = word // item.lanes
    depth = max(liveness_depth(guard), -(-item.depth // share))
    return _Edge(
        (item.process, item.read),
        producer,
        consumer,
        needed.tolist(),
        low.tolist(),
        filled.tolist(),
        guard.words,
        depth,
        share,
    )


def _run(nodes: list[_Node], samples: int, grow: bool) -> None:
    while True:
        progress = False
        # readers first: what they free lets writers go on in the same round
        for node in reversed(nodes):
            progress |= _advance(node, samples)
        if all(len(node.ended) == samples * len(node.cycles) for node in nodes):
            return
        if not progress:
            assert grow, f"deadlock: {[n.name for n in nodes if n.blocked]}"
            _grow(nodes)


def _advance(node: _Node, samples: int) -> bool:
    """Carry the node on as far as its neighbours are known; whether any group was added."""
    count, total = len(node.cycles), node.total
    before = len(node.ended)
    for n in range(before, samples * count):
        sample, group = divmod(n, count)
        begin, cause = _ready(node, sample, group)
        if begin is None:
            break
        if n:
            free = node.begun[-1] + node.cycles[(n - 1) % count]
            held = node.ended[-1] - node.delay - node.slack
            if free >= begin:
                begin, cause = free, None
            if held > begin:
                begin, cause = held, node.cause[-1]
        end, room = begin + node.cycles[group] + node.delay, True
        for edge in node.writes:
            at = _freed(edge, sample, group)
            if at is None:
                node.blocked, room = edge, False
                break
            if at > end:
                end, cause = at, edge
        if not room:
            break
        node.blocked = None
        if n and node.ended[-1] + 1 > end:
            end = node.ended[-1] + 1
        node.begun.append(begin)
        node.ended.append(end)
        node.cause.append(cause)
    return len(node.ended) > before and total > 0


def _ready(node: _Node, sample: int, group: int) -> tuple[int | None, _Edge | None]:
    """When every word that the group needs is in its buffer; None if that is not known yet."""
    begin, cause = 0, None
    for edge in node.reads:
        producer = edge.producer
        need = edge.need[group]
        at = bisect_left(producer.written, need)
        n = sample * len(producer.cycles) + at
        if n >= len(producer.ended):
            return None, edge
        # words of a group leave evenly between its first result and its end
        missing = producer.written[at] - need
        words = producer.written[at] - (producer.written[at - 1] if at else 0)
        time = producer.ended[n]
        if missing:
            span = max(0, producer.cycles[at] - producer.first)
            time -= missing * span // words
        if time + 1 > begin:
            begin, cause = time + 1, edge
    return begin, cause


def _freed(edge: _Edge, sample: int, group: int) -> int | None:
    """When the buffer has room for all words of the producer's group; None if that is not known yet."""
    dead = sample * edge.memory_total + edge.filled[group] - edge.depth
    if dead <= 0:
        return 0
    # the first group of the reader that no longer needs word `dead - 1`
    reader_sample, rest = divmod(dead, edge.memory_total)
    n = reader_sample * len(edge.low)
    if rest:
        n += bisect_left(edge.low, rest)
    if n == 0:
        return 0
    consumer = edge.consumer
    if n > len(consumer.begun):
        return None
    return consumer.begun[n - 1] + consumer.cycles[(n - 1) % len(consumer.cycles)] + FREED_AFTER


def _grow(nodes: list[_Node]) -> None:
    """Deepen the smallest full buffer whose reader waits for another buffer."""
    full = [node.blocked for node in nodes if node.blocked is not None]
    waiting = []
    for edge in full:
        reader = edge.consumer
        sample, group = divmod(len(reader.ended), len(reader.cycles))
        _, missing = _ready(reader, sample, group)
        if missing is not None and missing is not edge and reader.blocked is None:
            waiting.append(edge)
    chosen = min(waiting or full, key=lambda edge: edge.depth)
    producer, reader = chosen.producer, chosen.consumer
    sample, group = divmod(len(producer.ended), len(producer.cycles))
    begun = len(reader.begun)
    low = begun // len(reader.cycles) * chosen.memory_total + chosen.low[begun % len(reader.cycles)]
    chosen.depth = sample * chosen.memory_total + chosen.filled[group] - low


def buffer_depths(plan: StreamSchedule, exact: bool = False) -> StreamSchedule:
    """The plan with depths that let it run for ever at the pace of its slowest process.

    First the smallest live depths; unless ``exact`` each is then raised to the power of two that its memory has anyway,
    and doubled while the slowest process waits on a full buffer.
    """
    live = simulate(plan, samples=3, grow=True).live_depths
    plan = _with_depths(plan, live)
    if exact:
        return plan
    plan = _with_depths(plan, {key: _power_of_two(depth) for key, depth in live.items()})
    slowest = max(sample_cycles(p, plan.arrays[p.name]) for p in plan.dataflow.processes)
    for _ in range(12):
        nodes = _network(plan)
        _run(nodes, SAMPLES, grow=False)
        last = [n for n in nodes if not n.writes][-1]
        count = len(last.cycles)
        if last.ended[-1] - last.ended[-1 - count] <= slowest * 1.004 + 2:
            break
        critical = _critical(nodes)
        if not critical:
            break
        depths = {(b.process, b.read): b.depth for b in plan.buffers}
        plan = _with_depths(plan, depths | {key: 2 * depths[key] for key in critical})
    return plan


def _critical(nodes: list[_Node]) -> set[tuple[str, int]]:
    """The full buffers on the path of latest causes, back from the last word of the last output."""
    node = [n for n in nodes if not n.writes][-1]
    n = len(node.begun) - 1
    found: set[tuple[str, int]] = set()
    for _ in range(sum(len(item.begun) for item in nodes)):
        if n < 0:
            break
        edge, count = node.cause[n], len(node.cycles)
        sample, group = divmod(n, count)
        if edge is None:
            n -= 1
        elif edge.consumer is node:
            at = bisect_left(edge.producer.written, edge.need[group])
            node, n = edge.producer, sample * len(edge.producer.cycles) + at
        else:
            found.add(edge.key)
            dead = sample * edge.memory_total + edge.filled[group] - edge.depth
            reader_sample, rest = divmod(dead, edge.memory_total)
            at = reader_sample * len(edge.low) + (bisect_left(edge.low, rest) if rest else 0)
            node, n = edge.consumer, at - 1
    return found


def _power_of_two(depth: int) -> int:
    return 1 << (depth - 1).bit_length()


def _with_depths(plan: StreamSchedule, depths: Mapping[tuple[str, int], int]) -> StreamSchedule:
    return replace(
        plan,
        buffers=tuple(replace(b, depth=depths[(b.process, b.read)]) for b in plan.buffers),
    )
