"""The quantised addition of two 8-bit operands: all 65,536 pairs are checked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hlsgen.algebra.scalar import QuantisedAdd, RequantiseFloat32
from hlsgen.algebra.types import ElementType

LARGEST_EXCEPTIONS = 64
_SHIFTS = range(8, 25)
_NEAR = (0, -1, 1, -2, 2)


def choose_add(
    truth: np.ndarray,
    elements: tuple[ElementType, ElementType],
    ratios: tuple[float, float],
    low: int,
    high: int,
) -> QuantisedAdd | None:
    """The addition with the fewest exceptions, of the smallest shift among equals; it equals ``truth`` everywhere. None for more than 64.

    ``truth[a - minimum_a, b - minimum_b]`` is the result for operands a, b of ``elements``; ``ratios`` are the operands'
    scales over the result's, near which multipliers are searched.
    """
    a = np.arange(elements[0].minimum, elements[0].maximum + 1)[:, None]
    b = np.arange(elements[1].minimum, elements[1].maximum + 1)[None, :]
    assert truth.shape == (a.size, b.size)
    assert truth.min() >= low and truth.max() <= high
    best: tuple[int, QuantisedAdd] | None = None
    for shift in _SHIFTS:
        for multiplier_a, multiplier_b in _candidates(ratios, shift):
            least, greatest = _offset_windows(
                truth, multiplier_a * a + multiplier_b * b, shift, low, high
            )
            offset, wrong = _best_offset(least, greatest)
            if best is None or wrong < best[0]:
                op = QuantisedAdd(multiplier_a, multiplier_b, offset, shift, low, high)
                best = (wrong, op)
                if wrong == 0:
                    return op
    assert best is not None
    op = _with_exceptions(best[1], truth, a, b)
    return op if len(op.exceptions) <= LARGEST_EXCEPTIONS else None


@dataclass(frozen=True)
class RoundedAdd:
    """``op(multiplier_a * a + multiplier_b * b + offset, 1)``: exact binary fractions, ties to even."""

    multiplier_a: int
    multiplier_b: int
    offset: int
    op: RequantiseFloat32


def find_rounded_add(
    truth: np.ndarray,
    elements: tuple[ElementType, ElementType],
    ratios: tuple[float, float],
    zeros: tuple[int, int, int],
    low: int,
    high: int,
) -> RoundedAdd | None:
    """The addition for scales that are powers of two of each other, where half of all sums may be ties; else None.

    ``zeros``: the zero points of both operands and of the result. Arguments otherwise as of ``choose_add``.
    """
    a = np.arange(elements[0].minimum, elements[0].maximum + 1)[:, None]
    b = np.arange(elements[1].minimum, elements[1].maximum + 1)[None, :]
    for q in range(1, 17):
        multiplier_a, multiplier_b = (round(ratio * 2.0**q) for ratio in ratios)
        if (multiplier_a, multiplier_b) != tuple(ratio * 2.0**q for ratio in ratios):
            continue
        offset = -multiplier_a * zeros[0] - multiplier_b * zeros[1]
        for inside in (0, zeros[2]):  # the result's zero point is added after rounding, or before
            total = multiplier_a * a + multiplier_b * b + offset + (inside << q)
            op = RequantiseFloat32(q, zeros[2] - inside, low, high)
            if np.array_equal(op.evaluate(np, total, np.int64(1)), truth):
                return RoundedAdd(multiplier_a, multiplier_b, offset + (inside << q), op)
        return None
    return None


def _candidates(ratios: tuple[float, float], shift: int) -> list[tuple[int, int]]:
    center_a, center_b = (round(ratio * 2.0**shift) for ratio in ratios)
    return [
        (center_a + near_a, center_b + near_b)
        for near_a in _NEAR
        for near_b in _NEAR
        if center_a + near_a >= 0 and center_b + near_b >= 0
    ]


def _offset_windows(
    truth: np.ndarray, total: np.ndarray, shift: int, low: int, high: int
) -> tuple[np.ndarray, np.ndarray]:
    """For each pair the least and the greatest offset with which (total + offset) >> shift, clamped, is right."""
    unbounded = 1 << 62
    least = np.where(truth > low, (truth << shift) - total, -unbounded)
    greatest = np.where(truth < high, ((truth + 1) << shift) - 1 - total, unbounded)
    return least, greatest


def _best_offset(least: np.ndarray, greatest: np.ndarray) -> tuple[int, int]:
    """The offset that lies in the most windows, and how many windows it misses."""
    above, below = int(least.max()), int(greatest.min())
    if above <= below:
        return (above + below) >> 1, 0
    starts = np.sort(least[least > below])
    ends = np.sort(greatest[greatest < above])
    offsets = np.concatenate([[below], starts])
    missed = len(starts) - np.searchsorted(starts, offsets, side="right")
    missed = missed + np.searchsorted(ends, offsets, side="left")
    best = int(np.argmin(missed))
    return int(offsets[best]), int(missed[best])


def _with_exceptions(
    op: QuantisedAdd, truth: np.ndarray, a: np.ndarray, b: np.ndarray
) -> QuantisedAdd:
    wrong = np.argwhere(op.evaluate(np, a, b) != truth)
    exceptions = tuple(
        (int(a[row, 0]), int(b[0, column]), int(truth[row, column])) for row, column in wrong
    )
    return QuantisedAdd(
        op.multiplier_a, op.multiplier_b, op.offset, op.shift, op.low, op.high, exceptions
    )
