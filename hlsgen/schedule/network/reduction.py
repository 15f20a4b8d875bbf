"""How the output channels and the reduction of a layer are laid over the columns of the array.

The drained word of column c arrives at the west tile 2 cycles after that of column c - 1: one cycle later because the operands
take one more hop, one because the word takes one more hop back. With K cycles a pixel and C columns, the words of a pixel
arrive at K*n + 2*c. They neither meet nor overtake those of the next pixel if and only if 2*(C - 1) < K.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod


@dataclass(frozen=True)
class Reduction:
    """``columns`` in use; ``extents`` of the loops ky, kx, i, one of which may have surplus trips (whose weights are 0)."""

    columns: int
    extents: tuple[int, int, int]

    @property
    def steps(self) -> int:
        """Cycles of one pixel and one channel of each column."""
        return prod(self.extents)


def choose_reduction(extents: tuple[int, int, int], outputs: int, columns: int) -> Reduction:
    """The reduction of least cycles for ``outputs`` channels: fewer columns, or a few more steps. Prefers few steps."""
    candidates = [
        Reduction(used, stretched)
        for used in range(1, min(columns, outputs) + 1)
        for stretched in _stretched(extents, 2 * used - 1)
    ]
    return min(
        candidates,
        key=lambda c: (-(-outputs // c.columns) * c.steps, c.steps, c.columns, c.extents),
    )


def _stretched(extents: tuple[int, int, int], least: int) -> list[tuple[int, int, int]]:
    """The extents, or for each loop the extents with so many more trips that there are ``least`` steps."""
    if prod(extents) >= least:
        return [extents]
    found = []
    for level in range(3):
        others = prod(extents) // extents[level]
        longer = list(extents)
        longer[level] = -(-least // others)
        found.append((longer[0], longer[1], longer[2]))
    return found
