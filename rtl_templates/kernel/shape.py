"""The shape of a fixed pipeline for one loop graph: plain values without Amaranth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from hlsgen.rtl_templates.stream.shape import CounterShape

from hlsgen.algebra.mark import Mark


@dataclass(frozen=True)
class ConstantTap:
    """A literal operand."""

    value: int


@dataclass(frozen=True)
class ValueTap:
    """The value of stage number ``stage``, ``delay`` cycles after it appeared; ``start`` instead of it where the loops
    from ``level`` inwards are at their first trip (None: never)."""

    stage: int
    delay: int
    start: int | None = None
    level: int = 0


OperandTap: TypeAlias = ConstantTap | ValueTap
PredicateTap: TypeAlias = ValueTap | Mark


@dataclass(frozen=True)
class AccessShape:
    """How a load or store reaches its memory of ``size`` elements: port number, and an affine address or an offset to an
    index (modulo 2**``wrap_bits``).

    ``element_bits`` and ``signed``: the memory's element, extended to a word when it is read.
    """

    port: int
    size: int
    element_bits: int
    signed: bool
    offset: int
    affine: CounterShape | None
    wrap_bits: int | None = None

    @property
    def address_bits(self) -> int:
        """Bits that number the elements; an index beyond them wraps."""
        return max(1, (self.size - 1).bit_length())


@dataclass(frozen=True)
class StageShape:
    """One operation: issued in cycle ``time`` of its iteration, its value there ``latency`` cycles later."""

    name: str
    operator: str
    time: int
    latency: int
    operands: tuple[OperandTap, ...]
    predicate: PredicateTap | None = None
    clear: Mark | None = None
    when: Mark | None = None
    access: AccessShape | None = None


@dataclass(frozen=True)
class PipelineShape:
    """``trips`` of the loops, outermost first; an iteration starts every ``interval`` cycles and takes ``length``."""

    word_bits: int
    trips: tuple[int, ...]
    interval: int
    length: int
    stages: tuple[StageShape, ...]


@dataclass(frozen=True)
class ArrayShape:
    """A memory of ``size`` elements. ``loaded``: filled from an input stream before every run; ``given``: sent on an output
    stream after it; ``cleared``: set to 0 before it. ``values``: its constant contents."""

    name: str
    size: int
    element_bits: int
    signed: bool
    loaded: bool = False
    given: bool = False
    cleared: bool = False
    values: tuple[int, ...] | None = None


@dataclass(frozen=True)
class KernelShape:
    """Pipelines that run one after the other on the same arrays.

    ``reads[p][k]`` (``writes[p][k]``) is the number of the array that read (write) port k of pipeline p belongs to.
    """

    arrays: tuple[ArrayShape, ...]
    pipelines: tuple[PipelineShape, ...]
    reads: tuple[tuple[int, ...], ...]
    writes: tuple[tuple[int, ...], ...]
