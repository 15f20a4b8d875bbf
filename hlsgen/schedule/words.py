"""Which words of a buffer a process needs and when they are dead: exact, from the affine reads.

A buffer's words are numbered within a sample: pixel (row * width + column) times words per pixel, plus channel // lanes.
A *pixel group* is one (y, x group): everything a process does between two moves in space.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt

from hlsgen.dataflow.ir import Affine, Channel, Process, Read
from hlsgen.schedule.ir import Unroll

Words = npt.NDArray[np.int64]
AXES: tuple[frozenset[str], ...] = (
    frozenset({"y", "ky"}),
    frozenset({"x", "kx"}),
    frozenset({"g", "o", "i"}),
)


@dataclass(frozen=True)
class WordRamps:
    """For each pixel group, in order: ``need``, one past the last word it reads (or an earlier one did), and ``low``, the first
    word that it or a later one reads. ``total`` words make a sample; groups after the last read nothing."""

    need: Words
    low: Words
    total: int

    @property
    def live(self) -> int:
        """The least depth with which the buffer lets every group begin: the largest ``need - low``."""
        return int(max(1, (self.need - self.low).max()))


def words_per_pixel(channel: Channel, lanes: int) -> int:
    """Words of ``lanes`` channels that make a pixel; the last may be partly filled."""
    return -(-channel.shape[2] // lanes)


def is_window_scan(read: Read) -> bool:
    """Whether row, column and channel of the read depend on (y, ky), (x, kx) and (g, o, i) alone."""
    return len(read.index) == 3 and all(
        {loop for loop, _ in axis.terms} <= loops
        for axis, loops in zip(read.index, AXES, strict=True)
    )


def word_ramps(
    process: Process, read: Read, channel: Channel, unroll: Unroll, lanes: int
) -> WordRamps:
    """The needs and frees of one read. A read that is no window scan needs the whole tensor and frees nothing before its end."""
    height, width, channels = channel.shape
    per_pixel = words_per_pixel(channel, lanes)
    total = height * width * per_pixel
    rows = process.extent("y")
    columns = -(-process.extent("x") // unroll.x)
    if not is_window_scan(read):
        whole = np.full(rows * columns, total, np.int64)
        return WordRamps(whole, np.zeros_like(whole), total)
    extents = {loop.name: loop.extent for loop in process.loops}
    row_first, row_last = _inside(read.index[0], extents, "y", 1, rows, height)
    column_first, column_last = _inside(read.index[1], extents, "x", unroll.x, columns, width)
    reached = _values(read.index[2], extents, read.index[2].terms)
    reached = reached[(reached >= 0) & (reached < channels)]
    first = (row_first[:, None] * width + column_first) * per_pixel + reached.min() // lanes
    last = (row_last[:, None] * width + column_last) * per_pixel + reached.max() // lanes
    empty = (row_last[:, None] < 0) | (column_last < 0)
    need = np.maximum.accumulate(np.where(empty, 0, last + 1).ravel())
    low = np.minimum.accumulate(np.where(empty, total, first).ravel()[::-1])[::-1]
    # a group that reads nothing new must not free what it counts as needed by an earlier one
    return WordRamps(need, np.minimum(low, need), total)


def _values(
    axis: Affine, extents: Mapping[str, int], terms: Iterable[tuple[str, int]]
) -> npt.NDArray[np.int64]:
    """Every value of ``offset + sum(terms)``."""
    ranges = [[c * k for k in range(extents.get(name, 1))] for name, c in terms]
    return np.array([axis.offset + sum(point) for point in product(*ranges)], np.int64)


def _inside(
    axis: Affine, extents: Mapping[str, int], moving: str, step: int, groups: int, size: int
) -> tuple[Words, Words]:
    """First and last coordinate inside [0, size) that each group reads along an axis; (size, -1) where none is."""
    window = _values(axis, extents, ((n, c) for n, c in axis.terms if n != moving))
    position = np.arange(groups * step)
    position = np.minimum(position, extents.get(moving, 1) - 1)
    reached = axis.coefficient(moving) * position[:, None] + window
    valid = (reached >= 0) & (reached < size)
    first = np.where(valid, reached, size).min(axis=1).reshape(groups, step).min(axis=1)
    last = np.where(valid, reached, -1).max(axis=1).reshape(groups, step).max(axis=1)
    return first, last
