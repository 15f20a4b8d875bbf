"""How the outputs and the reduction of a layer are laid over the columns of the array.

The drained word of column c arrives at the west tile 2 cycles after that of column c - 1: one cycle later because the operands
take one more hop, one because the word takes one more hop back. With K cycles a step and C columns, the words of a step
arrive at K*n + 2*c. They neither meet nor overtake those of the next step if and only if 2*(C - 1) < K.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod


@dataclass(frozen=True)
class Reduction:
    """``columns`` in use; ``extents`` of the reduce loops: ky, kx, i with perhaps surplus trips (whose weights are 0), or ky and the
    input pixels that neighbouring outputs share."""

    columns: int
    extents: tuple[int, ...]

    @property
    def steps(self) -> int:
        """Cycles in which every column computes one output."""
        return prod(self.extents)


def across_channels(extents: tuple[int, int, int], outputs: int, columns: int) -> Reduction:
    """Column c computes output channels c, c + columns, ...: the reduction of least cycles for ``outputs`` channels, with fewer
    columns or a few more steps where words would meet. Prefers few steps."""
    candidates = [
        Reduction(used, stretched)
        for used in range(1, min(columns, outputs) + 1)
        for stretched in _stretched(extents, 2 * used - 1)
    ]
    return min(
        candidates,
        key=lambda c: (-(-outputs // c.columns) * c.steps, c.steps, c.columns, c.extents),
    )


def across_pixels(
    kernel: tuple[int, int], stride: int, dilation: int, width: int, columns: int
) -> Reduction:
    """Column c computes output pixels c, c + columns, ... of a row of ``width``, all of one channel, from the input pixels that
    enter once for all columns. ``stride`` and ``dilation`` along the row. Columns divide the width, so that there are no surplus
    pixels."""
    candidates = []
    for used in (n for n in range(1, columns + 1) if width % n == 0):
        span = (used - 1) * stride + (kernel[1] - 1) * dilation + 1
        if kernel[0] * span > 2 * (used - 1):
            candidates.append(Reduction(used, (kernel[0], span)))
    return min(candidates, key=lambda c: (width // c.columns * c.steps, c.columns))


def _stretched(extents: tuple[int, int, int], least: int) -> list[tuple[int, ...]]:
    """The extents, or for each loop the extents with so many more trips that there are ``least`` steps."""
    if prod(extents) >= least:
        return [extents]
    choices = []
    for level in range(3):
        others = prod(extents) // extents[level]
        longer = list(extents)
        longer[level] = -(-least // others)
        choices.append(tuple(longer))
    return choices
