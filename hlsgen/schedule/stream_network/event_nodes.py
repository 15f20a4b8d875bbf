"""What the event model is made of: processes and inputs as nodes, buffers as edges, and the queues of states."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field

import numpy as np

from hlsgen.dataflow.ir import StateChannel
from hlsgen.rtl_templates import contract
from hlsgen.rtl_templates.contract import CHANNEL_READY_AFTER
from hlsgen.schedule.stream_network.ir import StreamSchedule

STATE_READY_AFTER = contract.CREDIT_MEMORY_LATENCY - 2
"""Cycles from a word's end at a state's queue to the begin of its coming back."""


@dataclass(eq=False)
class EventNode:
    """A process or an input: ``cycles`` of each group of a sample; ``written``: words of the sample after each group, the last
    of them ``delay`` cycles after the group's steps. ``slack``: cycles by which it may run ahead of a word that cannot
    leave; ``first``: cycles from a group's begin to its first result; ``leaves``: whether it makes an output of the design."""

    name: str
    cycles: list[int]
    written: list[int]
    delay: int
    slack: int
    first: int
    leaves: bool = False
    reads: list[EventEdge] = field(default_factory=list)
    writes: list[EventEdge] = field(default_factory=list)
    begun: list[int] = field(default_factory=list)
    ended: list[int] = field(default_factory=list)
    cause: list[EventEdge | None] = field(default_factory=list)
    blocked: EventEdge | None = None
    waiting: EventEdge | None = None

    def place(self) -> tuple[int, int]:
        """(sample, group) that comes next."""
        return divmod(len(self.ended), len(self.cycles))


@dataclass(eq=False)
class EventEdge:
    """A buffer of ``depth`` memory words, each ``share`` words of the reader.

    ``need_at``: for each group of the reader the producer's group that writes the last word it needs, and ``need_lead`` how
    many cycles before that group's end. ``low``: memory words that are dead when a group of the reader is next;
    ``filled``: memory words that are full when a group of the producer ends; ``total`` of a sample, of ``pixels``, of
    each of which the producer makes ``pixel_words`` words, ``parts`` to a memory word. ``back``: samples from which the reader
    looks back (1: a state).
    """

    key: tuple[str, int]
    producer: EventNode
    consumer: EventNode
    need_at: list[int]
    need_lead: list[int]
    low: list[int]
    filled: list[int]
    total: int
    pixels: int
    pixel_words: int
    parts: int
    depth: int
    share: int
    ready_after: int = CHANNEL_READY_AFTER
    back: int = 0
    free_at: list[list[tuple[int, int]]] = field(default_factory=list)

    def set_depth(self, depth: int) -> None:
        """``free_at``: for each group of the producer pairs (reader's group, tail): the reader's group, counted from this
        sample's first, that must be next before the producer's words up to the next pair's have room, and the cycles
        that the producer still needs from the first of them to its group's end."""
        self.depth = depth
        self.free_at = []
        before = 0
        producer, pixel = self.producer, self.total // self.pixels
        for n, (filled, cycles) in enumerate(zip(self.filled, producer.cycles, strict=True)):
            start, end = producer.written[n - 1] if n else 0, producer.written[n]
            span = max(cycles - producer.first, 0)
            word, steps = before + 1, []
            while word <= filled:
                sample, rest = divmod(word - depth, self.total)
                at = bisect_left(self.low, rest) if rest else 0
                # a memory word needs room when the first of the producer's words that make it comes
                of_pixels, place = divmod(word - 1, pixel)
                first = max(start, of_pixels * self.pixel_words + place * self.parts)
                steps.append(
                    (sample * len(self.low) + at, (end - 1 - first) * span // (end - start))
                )
                top = self.low[at] if at < len(self.low) else self.total
                word = max(word, sample * self.total + top + depth) + 1
            self.free_at.append(steps)
            before = filled


def last_nodes(nodes: list[EventNode]) -> list[EventNode]:
    """Those with which a sample ends: outputs that no process reads, or all outputs where all are read."""
    outputs = [node for node in nodes if node.leaves]
    return [node for node in outputs if not node.writes] or outputs


def state_node(plan: StreamSchedule, state: StateChannel) -> EventNode:
    """The words of a state as they come back, one by one."""
    height, width, channels = plan.dataflow.channels[state.read].shape
    maker = plan.dataflow.maker(state.read)
    assert maker is not None, "a process writes what is kept"
    words = height * width * -(-channels // plan.arrays[maker.name].finish_lanes)
    return EventNode(state.read, [1] * words, list(range(1, words + 1)), 1, 1, 1)


def state_edge(producer: EventNode, consumer: EventNode) -> EventEdge:
    """The queue of a state: each word may go round when it was written in the sample before."""
    words = len(consumer.cycles)
    written, needed = np.array(producer.written), np.arange(1, words + 1)
    at = np.searchsorted(written, needed)
    together = np.diff(written, prepend=0)[at]
    span = np.maximum(np.array(producer.cycles)[at] - producer.first, 0)
    edge = EventEdge(
        ("", 0),
        producer,
        consumer,
        at.tolist(),
        ((written[at] - needed) * span // together).tolist(),
        list(range(words)),
        producer.written,
        words,
        words,
        1,
        1,
        0,
        1,
        STATE_READY_AFTER,
        1,
    )
    edge.set_depth(contract.state_words(words))
    return edge
