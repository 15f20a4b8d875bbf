"""Where tensors are in the west tiles: every tile holds the rows that its row of PEs computes, and what it needs besides."""

from __future__ import annotations

from dataclasses import dataclass

from hlsgen.algebra.affine import Affine, box
from hlsgen.dataflow.ir import Process


def bands(height: int, rows: int, samples: int = 1) -> tuple[range, ...]:
    """The output rows that each of ``rows`` rows of PEs computes, equal shares but for the last ones; of ``samples`` samples, each by as many
    neighbouring rows of PEs."""
    own = rows // samples
    share = -(-height // own)
    one = tuple(range(min(height, r * share), min(height, (r + 1) * share)) for r in range(own))
    return one * samples


def needed_rows(process: Process, read: int, computed: range, height: int) -> range:
    """The rows of a source of ``height`` rows that ``computed`` rows of the result read."""
    if not computed:
        return range(0)
    low, high = process.reads[read].index[0].range({**box(process.loops), "y": computed})
    return range(max(0, low), min(height, high + 1))


@dataclass(frozen=True)
class Region:
    """A tensor (height, width, channels) in the west tiles, row-major, a pixel every ``pitch`` elements, from ``base`` on,
    ``lanes`` elements in a word of the load port.

    ``owned[r]``: rows that row r of the array computes (or the load port writes); ``stored[r]``: rows that its tile holds,
    ``stored[r].start`` first. Other tiles' rows among them are copied before they are read, within the rows of a sample (one of ``samples``).
    """

    channel: str
    shape: tuple[int, int, int]
    pitch: int
    owned: tuple[range, ...]
    stored: tuple[range, ...]
    lanes: int
    samples: int = 1
    base: int = 0

    def sample(self, row_of_tile: int) -> int:
        """Which sample of a batch a row of the array works for."""
        return row_of_tile * self.samples // len(self.owned)

    @property
    def row_pitch(self) -> int:
        """Elements from a row to the next one."""
        return self.shape[1] * self.pitch

    @property
    def size(self) -> int:
        """Elements in the fullest tile, in whole words of the load port."""
        return aligned(max(len(rows) for rows in self.stored) * self.row_pitch, self.lanes)

    def address(self, row_of_tile: int, row: int) -> int:
        """Where a row of the tensor begins in a tile; of rows that are not stored, where it would."""
        return self.base + (row - self.stored[row_of_tile].start) * self.row_pitch

    def strides(self, index: tuple[Affine, ...], loop: str) -> int:
        """How far one trip of ``loop`` moves the address of an access at ``index``."""
        row, column, channel = (coordinate.coefficient(loop) for coordinate in index)
        return row * self.row_pitch + column * self.pitch + channel


def aligned(elements: int, lanes: int) -> int:
    """Rounded up to a whole number of words of ``lanes`` elements."""
    return -(-elements // lanes) * lanes


def union(first: range, second: range) -> range:
    """The smallest range with all rows of both."""
    if not first or not second:
        return first or second
    return range(min(first.start, second.start), max(first.stop, second.stop))
