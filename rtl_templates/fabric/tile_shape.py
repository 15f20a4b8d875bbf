"""Shapes of a fabric's border and of the whole: plain values without Amaranth, computed by a compiler, read by the units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from hlsgen.rtl_templates.fabric.shape import ControlShape, PeShape, RunShape

from hlsgen.algebra.fields import Fields
from hlsgen.algebra.modes import NETWORK_READ_MODES, NETWORK_WRITE_MODES, READ_MODES, WRITE_MODES

GridPlace: TypeAlias = tuple[int, int]
"""(row, column) of a PE."""


@dataclass(frozen=True)
class GeneratorShape:
    """An address generator: ``loops`` levels; ``counters`` that walk, each (name, bits), the first the address.

    ``fields`` of its settings, in any order: ``used``, ``delay``; ``single``: a bit per level, of one trip; ``base``, ``mask`` of the address.
    Where they are there: ``data_driven``; ``rows``, ``columns``, ``padded``: the range of the counters row and column; ``mark_first``,
    ``mark_last``: 0 never, else 1 + the level from which on all loops are at their first / last trip.
    ``step``: the fields of a step: ``trips``: trips - 1 of its level (0: the outermost); by the name of each counter what is added to it when that
    level is the outermost one that advances. Step ``loops`` is added to zeros at the start.
    """

    loops: int
    counters: tuple[tuple[str, int], ...]
    fields: Fields
    step: Fields

    @property
    def step_bits(self) -> int:
        """Bits of the number of a step."""
        return self.loops.bit_length()

    @property
    def names(self) -> frozenset[str]:
        """The fields that there are."""
        return frozenset(field.name for field in self.fields)

    @property
    def padding(self) -> bool:
        """Whether the generator tells positions inside an array from those outside."""
        return "padded" in self.names


@dataclass(frozen=True)
class RequantiserShape:
    """A requantiser of words of ``word_bits`` with ``rows`` rows of parameters.

    ``result_bits``: of zero point and limits.
    ``fields``: ``mode``, ``generator``, ``shift``, ``zero_point``, ``low``, ``high``.
    """

    word_bits: int
    rows: int
    result_bits: int
    fields: Fields


@dataclass(frozen=True)
class TileShape:
    """A memory tile: 2**address_bits elements of ``bits`` bits, beside a cell with ``sources`` registered sources.

    ``steps_pitch``: words between the steps of two generators, a power of two.
    ``contexts``: fields of a slot, those of ``read_`` and ``write_``. The rest of the configuration, which begins at word ``rest_address``, is
    the settings of ``reads`` and ``writes`` (address generators), then ``plain`` fields, then the fields of the requantiser.
    """

    run: RunShape
    sources: int
    word_bits: int
    bits: int
    address_bits: int
    contexts: Fields
    rest_address: int
    steps_pitch: int
    reads: tuple[GeneratorShape, ...]
    writes: tuple[GeneratorShape, ...]
    plain: Fields
    requantiser: RequantiserShape | None

    @property
    def read_modes(self) -> tuple[str, ...]:
        """What a read can do, in the order of the codes."""
        return READ_MODES if self.run.streams else NETWORK_READ_MODES

    @property
    def write_modes(self) -> tuple[str, ...]:
        """What a write can do, in the order of the codes."""
        return WRITE_MODES if self.run.streams else NETWORK_WRITE_MODES

    @property
    def loops(self) -> int:
        """Levels of a generator's nest."""
        return self.reads[0].loops

    @property
    def lanes(self) -> int:
        """Elements of a row of the bank: a word of the load port."""
        return 32 // self.bits

    @property
    def lane_bits(self) -> int:
        """Bits of an element's address that choose its lane."""
        return (self.lanes - 1).bit_length()

    @property
    def row_bits(self) -> int:
        """Bits of the address of a row; at least one."""
        return max(1, self.address_bits - self.lane_bits)


@dataclass(frozen=True)
class GridShape:
    """A whole fabric.

    ``hash``: what HELLO must say. ``cells``: PEs by place, in the order of their unit numbers; ``links``: (place, link) -> place that
    it leads to; ``opposite``: link -> the name that its far end has for it. ``tiles``: (place of the cell, name of the source there, shape), in
    the order of their unit numbers. ``control_unit``: the number of loop control. ``drain``: chains run westwards along the rows. ``streams``: tiles may
    wait for the streams; without them nothing holds a run up.
    """

    hash: int
    control: ControlShape
    control_unit: int
    cells: tuple[tuple[GridPlace, PeShape], ...]
    links: tuple[tuple[GridPlace, str, GridPlace], ...]
    opposite: tuple[tuple[str, str], ...]
    tiles: tuple[tuple[GridPlace, str, TileShape], ...]
    word_bits: int
    drain: bool
    streams: bool
