"""Shapes of the control units: plain values without Amaranth, computed by a compiler, read by the units.

All are in the order of the hardware: loop levels outermost first, lanes row-major.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CounterShape:
    """An affine function of the loop levels, kept by adding a constant per step.

    ``deltas[0]`` is added when the whole nest wraps, ``deltas[1 + l]`` when level ``l`` is the
    outermost level that advances.
    """

    start: int
    deltas: tuple[int, ...]


@dataclass(frozen=True)
class Ramp:
    """``clamp(start + step * n, low, high)`` for the running number n of a loop level."""

    start: int
    step: int
    low: int
    high: int

    def at(self, n: int) -> int:
        """The value for one n; the units compute it without multiplying."""
        return min(max(self.start + self.step * n, self.low), self.high)


@dataclass(frozen=True)
class GuardShape:
    """Which words of a buffer each pixel group (row y, column group x) needs and still needs.

    A group may begin when ``need`` words of the sample are written; everything below ``low`` is
    dead for it and all later groups::

        need(y, x) = need_row(y) + need_column(x)
        low(y, x)  = low_row(y) + (low_column(x) if settled_row <= y < ended_row else 0)

    From ``ended_row`` on (None: never) rows lie behind the tensor: all of it is dead. Rows before ``settled_row`` begin no higher than their successor, which then reads the columns
    again that the present row has passed.
    """

    rows: int
    columns: int
    words: int
    need_row: Ramp
    need_column: Ramp
    low_row: Ramp
    low_column: Ramp
    settled_row: int
    ended_row: int | None = None

    @property
    def ended(self) -> int:
        """The first row that lies behind the tensor; ``rows`` where there is none."""
        return self.rows if self.ended_row is None else self.ended_row

    def need(self, y: int, x: int) -> int:
        """One past the last word of the sample that group (y, x) reads."""
        return self.need_row.at(y) + self.need_column.at(x)

    def low(self, y: int, x: int) -> int:
        """The first word of the sample that group (y, x) or a later one reads."""
        column = self.low_column.at(x) if self.settled_row <= y < self.ended else 0
        return self.low_row.at(y) + column


@dataclass(frozen=True)
class CopyShape:
    """One copy of a buffer's memory: lanes of one spatial offset.

    ``row`` and ``column`` are added to the coordinates, ``address`` to the read address.
    """

    row: int
    column: int
    address: int


@dataclass(frozen=True)
class BufferShape:
    """A channel buffer.

    ``write_lanes`` elements arrive per word, ``lanes`` are read per address; the memory's word is
    the larger of both, ``depth`` counts memory words. ``channels`` is the pixel's length: the last
    words of a pixel are partly filled. ``row``/``column`` are the coordinates of copy offset (0, 0)
    within (``height``, ``width``); a copy whose coordinate lies outside gives ``outside``.
    ``row_range``/``column_range``: smallest and largest value the coordinate counters take.
    ``plane`` counts the first channel of a word where words may lie outside of the pixel, which whole words do; None where none does.
    ``lane_copies[x][ky * ukx + kx]`` is the copy that feeds a lane. ``single_port``: its memory reads or writes in a cycle.
    """

    bits: int
    signed: bool
    channels: int
    write_lanes: int
    lanes: int
    depth: int
    height: int
    width: int
    outside: int
    address: CounterShape
    row: CounterShape
    column: CounterShape
    row_range: tuple[int, int]
    column_range: tuple[int, int]
    copies: tuple[CopyShape, ...]
    lane_copies: tuple[tuple[int, ...], ...]
    guard: GuardShape
    plane: CounterShape | None = None
    plane_range: tuple[int, int] = (0, 0)
    single_port: bool = False

    @property
    def word_lanes(self) -> int:
        """Elements per memory word."""
        return max(self.lanes, self.write_lanes)

    @property
    def selections(self) -> int:
        """Read addresses per memory word, a power of two."""
        return self.word_lanes // self.lanes


@dataclass(frozen=True)
class NestShape:
    """``trips`` of the loop levels; levels from ``group`` on are a pixel group, from ``reduce`` on one result."""

    trips: tuple[int, ...]
    group: int
    reduce: int


@dataclass(frozen=True)
class WeightShape:
    """A weight memory: a word of ``bits`` per step of a pixel group, lane 0 in the lowest bits; ``loadable``: it can be written."""

    bits: int
    words: tuple[int, ...]
    address: CounterShape
    loadable: bool = False
