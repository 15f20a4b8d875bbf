"""Functions of one integer whose changes are the further apart the further they are from one place, as cells with at most one change each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hlsgen.algebra.logarithmic_steps import Cell, LogarithmicSteps
from hlsgen.requantise.cells import MOST_CELLS

_MOST_BITS = 8


@dataclass(frozen=True, eq=False)
class _Side:
    """The changes on one side of the origin by ascending distance, each with the results below and from it on; ``nearest``: the result before."""

    distances: tuple[int, ...]
    below: tuple[int, ...]
    above: tuple[int, ...]
    nearest: int

    def is_negative_of(self, other: _Side) -> bool:
        same = self.distances == other.distances and self.nearest == other.nearest == 0
        return same and self.above == tuple(-value for value in other.above)


def find_logarithmic(points: np.ndarray, results: np.ndarray) -> LogarithmicSteps | None:
    """LogarithmicSteps with these results at these ascending int64 points, and no change but next to a point; None where it takes too many
    cells."""
    changes = np.flatnonzero(np.diff(results)) + 1
    if changes.size < 2:
        return None
    thresholds = points[changes]
    spaces = np.diff(thresholds)
    finest = np.flatnonzero(spaces == spaces.min())
    middle = int(thresholds[finest[len(finest) // 2]])
    about = [_about(origin, points, results) for origin in {0, middle}]
    forms = [form for form in about if form is not None]
    return min(forms, key=lambda form: form.cells, default=None)


def _about(origin: int, points: np.ndarray, results: np.ndarray) -> LogarithmicSteps | None:
    changes = np.flatnonzero(np.diff(results)) + 1
    after = points[changes] > origin
    here = int(results[np.clip(np.searchsorted(points, origin, side="right") - 1, 0, None)])
    right, left = changes[after], changes[~after][::-1]
    positive = _Side(
        tuple((points[right] - origin).tolist()),
        tuple(results[right - 1].tolist()),
        tuple(results[right].tolist()),
        here,
    )
    negative = _Side(
        tuple((origin - points[left] + 1).tolist()),
        tuple(results[left].tolist()),
        tuple(results[left - 1].tolist()),
        here,
    )
    sides = (positive,) if negative.is_negative_of(positive) else (positive, negative)
    shape = _shape([side.distances for side in sides])
    if shape is None:
        return None
    return LogarithmicSteps(origin, *shape, *(_cells(side, *shape) for side in sides))


def _shape(sides: list[tuple[int, ...]]) -> tuple[int, int] | None:
    """The base and bits with the fewest cells of which none has two changes."""
    widest = max((side[-1] for side in sides if side), default=1).bit_length()
    best: tuple[int, int, int] | None = None
    for bits in range(_MOST_BITS + 1):
        for base in range(bits, max(bits + 1, widest)):
            cells = [[_cell(d, base, bits) for d in side] for side in sides]
            if any(len(set(side)) < len(side) for side in cells):
                continue
            count = sum(max(side, default=0) + 1 for side in cells)
            if count <= MOST_CELLS and (best is None or count < best[0]):
                best = count, base, bits
    return None if best is None else best[1:]


def _cell(distance: int, base: int, bits: int) -> int:
    power = max(distance.bit_length() - 1, base)
    return ((power - base) << bits) + (distance >> (power - bits))


def _cells(side: _Side, base: int, bits: int) -> tuple[Cell, ...]:
    changes = {
        _cell(distance, base, bits): (distance, below, above)
        for distance, below, above in zip(side.distances, side.below, side.above, strict=True)
    }
    cells: list[Cell] = []
    value = side.nearest
    for number in range(max(changes, default=0) + 1):
        cell = changes.get(number, (0, value, value))
        cells.append(cell)
        value = cell[2]
    return tuple(cells)
