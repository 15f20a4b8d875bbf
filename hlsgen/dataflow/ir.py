"""The dataflow IR: processes that communicate over channels.

Grammar (text form, see text.py)::

    dataflow  ::= name, channel*, store*, process*, input*, output*
    channel   ::= name, shape (height, width, channels), element type      written once per sample in row-major order
    store     ::= name, integer array, element type                        a constant tensor
    process   ::= name, loop*, read*, write, accumulator type, init, step?, finish
    loop      ::= name, extent, parallel | reduce                          outermost first, all parallel before all reduce
    read      ::= channel | store, affine*, outside?                       value taken where the index lies outside the tensor
    write     ::= channel, affine*
    affine    ::= offset + sum of coefficient * loop
    expression::= operand "r0" "r1" ... (the reads) | "acc" | literal | scalar operator(expression*)

Meaning of a process, for every sample::

    for parallel loops:            acc = init
        for reduce loops:          acc = step(acc, reads)          reads that mention reduce loops
        write = finish(acc, reads)                                 reads that mention parallel loops only

Network processes use these loop names, in this order, so that schedulers can name them; loops of extent 1 are kept:
``y x`` (output position), ``g`` (channels that are computed independently of each other: groups, depthwise, elementwise),
``o`` (output channel within a group), then reduce ``ky kx`` (window) and ``i`` (input channel within a group).
A channel index is then ``g * O + o`` when written and ``g * I + i`` when read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hlsgen.algebra.affine import Affine
from hlsgen.algebra.expression import Expression
from hlsgen.algebra.types import ElementType


@dataclass(frozen=True)
class Loop:
    name: str
    extent: int
    reduce: bool = False


@dataclass(frozen=True)
class Read:
    source: str
    index: tuple[Affine, ...]
    outside: int | None = None


@dataclass(frozen=True)
class Write:
    channel: str
    index: tuple[Affine, ...]


@dataclass(frozen=True)
class Process:
    name: str
    loops: tuple[Loop, ...]
    reads: tuple[Read, ...]
    write: Write
    accumulator: ElementType
    init: int
    step: Expression | None
    finish: Expression

    def extent(self, loop: str) -> int:
        """The extent of a loop by name; 1 if the process has no such loop."""
        return next((item.extent for item in self.loops if item.name == loop), 1)


@dataclass(frozen=True)
class Channel:
    """A tensor (height, width, channels) that one producer writes in row-major order."""

    name: str
    shape: tuple[int, int, int]
    element: ElementType


@dataclass(frozen=True, eq=False)
class Store:
    name: str
    values: np.ndarray
    element: ElementType


@dataclass(frozen=True)
class Dataflow:
    """Processes in topological order; ``inputs`` and ``outputs`` are channel names."""

    name: str
    channels: Mapping[str, Channel]
    stores: Mapping[str, Store]
    processes: tuple[Process, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    def producer(self, channel: str) -> Process | None:
        return next((p for p in self.processes if p.write.channel == channel), None)

    def consumers(self, channel: str) -> tuple[tuple[Process, int], ...]:
        """Every (process, read number) that reads the channel."""
        return tuple(
            (p, k)
            for p in self.processes
            for k, read in enumerate(p.reads)
            if read.source == channel
        )
