"""The dataflow IR: processes that communicate over channels.

Grammar (text form, see text.py)::

    dataflow  ::= name, channel*, store*, process*, input*, output*, state*
    channel   ::= name, shape (height, width, channels), element type      written once per sample in row-major order
    state     ::= channel, channel, initial                             written in one sample, read in the next
    store     ::= name, integer array, element type                        a constant tensor
    process   ::= name, loop*, read*, write, step, finish
    loop      ::= name, extent, parallel | reduce                          outermost first, all parallel before all reduce
    read      ::= channel | store, affine*, outside?                       value taken where the index lies outside the tensor
    write     ::= channel, affine*
    affine    ::= offset + sum of coefficient * loop
    step      ::= multiply-accumulate | accumulate | keep maximum | pass    the first three: accumulator type, init
                | table sum
    finish    ::= plain | clamped | scaled by shift | scaled by float32     of acc, or of r0 where the step is pass
                | signs
                | weighted sum | quantised sum | looked up | elementwise    of the reads, where the step is pass
    parameter ::= integer | operand                                        one for all channels, or a store read by output channel
    expression::= operand "r0" "r1" ... (the reads) | "acc" | literal | scalar operator(expression*)

Meaning of a process, for every sample::

    for parallel loops:            acc = init
        for reduce loops:          acc = step(acc, r0, r1)         reads that mention reduce loops
        write = finish(acc, reads)                                 reads that mention parallel loops only

Steps and finishes are closed sets: who handles them matches all kinds and ends in ``assert_never``, so that mypy names every place
that a new kind needs. Trees of scalar operators stand in elementwise processes only.

Network processes use these loop names, in this order, so that schedulers can name them; loops of extent 1 are kept:
``y x`` (output position), ``g`` (channels that are computed independently of each other: groups, depthwise, elementwise),
``o`` (output channel within a group), then reduce ``ky kx`` (window) and ``i`` (input channel within a group).
A channel index is then ``g * O + o`` when written and ``g * I + i`` when read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from hlsgen.algebra.affine import Affine
from hlsgen.algebra.expression import Expression, Operand
from hlsgen.algebra.scalar import (
    Clamp,
    QuantisedAdd,
    RequantiseFloat32,
    RequantiseMultiplyShift,
    RoundSignificand,
    Table,
)
from hlsgen.algebra.types import ElementType


@dataclass(frozen=True)
class Loop:
    """``extent`` trips, numbered from 0; in a ``reduce`` loop the accumulator is kept."""

    name: str
    extent: int
    reduce: bool = False


@dataclass(frozen=True)
class Read:
    """One element an iteration; ``outside``: what is read where the index lies outside the tensor."""

    source: str
    index: tuple[Affine, ...]
    outside: int | None = None


@dataclass(frozen=True)
class Write:
    """The element that a result goes to."""

    channel: str
    index: tuple[Affine, ...]


@dataclass(frozen=True)
class MultiplyAccumulate:
    """acc + (r0 - zeros[0]) * (r1 - zeros[1]), from ``init``; ``accumulator`` holds every final value of acc (as do the two below).

    r1 is a store with the weights of every step of a pixel group, or another channel: then each group reads it again.
    """

    accumulator: ElementType
    init: int = 0
    zeros: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class Accumulate:
    """acc + r0."""

    accumulator: ElementType
    init: int = 0


@dataclass(frozen=True)
class KeepMaximum:
    """The larger of acc and r0."""

    accumulator: ElementType
    init: int = 0


@dataclass(frozen=True)
class AccumulateTables:
    """The sum of tables[o, t, index] over terms t, whatever the order of the reduce loop, which goes over the elements of a vector r0.

    r1 is a store (outputs, terms, fan-in) with the elements that make the index of a term, r2 one (outputs, terms, entries) with its tables;
    both are read as whole rows. The index of a term is the lowest ``bits`` bits of each of its elements plus ``offset``, the first element in the
    lowest bits.
    """

    accumulator: ElementType
    bits: int
    offset: int = 0
    init: int = 0


@dataclass(frozen=True)
class Pass:
    """Nothing is reduced: the finish takes the reads."""


ReducingStep: TypeAlias = MultiplyAccumulate | Accumulate | KeepMaximum | AccumulateTables
Step: TypeAlias = ReducingStep | Pass

Parameter: TypeAlias = int | Operand
"""A constant of a finish: one for all output channels, or the read of a store by output channel."""


@dataclass(frozen=True)
class Plain:
    """x + bias, where x is acc, or r0 after ``Pass`` (as in the three below)."""

    bias: Parameter | None = None


@dataclass(frozen=True)
class Clamped:
    """op(x)."""

    op: Clamp


@dataclass(frozen=True)
class ScaledByShift:
    """op(x + bias + n, multiplier, rounding), where n is how many of ``nudges`` x is equal to."""

    op: RequantiseMultiplyShift
    multiplier: Parameter
    rounding: Parameter
    bias: Parameter | None = None
    nudges: tuple[Parameter, ...] = ()


@dataclass(frozen=True)
class ScaledByFloat32:
    """op(x + bias, multiplier), or with ``rounding`` op(rounding(x + bias), multiplier); with ``zero`` and ``clamp`` clamp(that + zero)."""

    op: RequantiseFloat32
    multiplier: Parameter
    bias: Parameter | None = None
    rounding: RoundSignificand | None = None
    zero: Parameter | None = None
    clamp: Clamp | None = None


@dataclass(frozen=True)
class WeightedSum:
    """op(factors[0] * r0 + factors[1] * r1 + offset, 1)."""

    op: RequantiseFloat32
    factors: tuple[int, int]
    offset: int


@dataclass(frozen=True)
class QuantisedSum:
    """op(r0, r1)."""

    op: QuantisedAdd


@dataclass(frozen=True)
class LookedUp:
    """op(r0)."""

    op: Table


@dataclass(frozen=True)
class Elementwise:
    """Any function of the reads."""

    expression: Expression


@dataclass(frozen=True)
class Signs:
    """1 where x + bias is 0 or more, else -1."""

    bias: Parameter | None = None


SumFinish: TypeAlias = Plain | Clamped | ScaledByShift | ScaledByFloat32 | Signs
ReadFinish: TypeAlias = WeightedSum | QuantisedSum | LookedUp | Elementwise
Finish: TypeAlias = SumFinish | ReadFinish


@dataclass(frozen=True)
class Process:
    """One perfect loop nest; ``loops`` outermost first, all parallel ones before all that reduce."""

    name: str
    loops: tuple[Loop, ...]
    reads: tuple[Read, ...]
    write: Write
    step: Step
    finish: Finish

    def extent(self, loop: str) -> int:
        """The extent of a loop by name; 1 if the process has no such loop."""
        return next((candidate.extent for candidate in self.loops if candidate.name == loop), 1)


@dataclass(frozen=True)
class Channel:
    """A tensor (height, width, channels) that one producer writes in row-major order."""

    name: str
    shape: tuple[int, int, int]
    element: ElementType


@dataclass(frozen=True, eq=False)
class Store:
    """A constant tensor: int64 ``values`` that ``element`` holds; ``loadable``: others of that type may take their place in the circuit."""

    name: str
    values: np.ndarray
    element: ElementType
    loadable: bool = False


@dataclass(frozen=True)
class StateChannel:
    """What a process writes to the channel ``written`` in one sample, ``read`` holds in the next; in the first, ``initial`` everywhere."""

    written: str
    read: str
    initial: int


@dataclass(frozen=True)
class Dataflow:
    """Processes in topological order; ``inputs`` and ``outputs`` are channel names, those of ``states`` not among them."""

    name: str
    channels: Mapping[str, Channel]
    stores: Mapping[str, Store]
    processes: tuple[Process, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    states: tuple[StateChannel, ...] = ()

    @property
    def sinks(self) -> tuple[str, ...]:
        """The channels that more than processes take: outputs, and what states keep."""
        return (*self.outputs, *(state.written for state in self.states))

    def maker(self, channel: str) -> Process | None:
        """The process whose words the channel carries, in this sample or from the last one; None of an input."""
        kept = {state.read: state.written for state in self.states}
        return self.producer(kept.get(channel, channel))

    def element(self, source: str) -> ElementType:
        """The element type of a channel or store."""
        return (self.channels.get(source) or self.stores[source]).element

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
