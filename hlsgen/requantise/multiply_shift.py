"""Requantisation as (m * acc + r) >> s: search, and proof for all accumulators.

Both functions are monotone in the accumulator, so they are equal everywhere iff their thresholds are equal. With
T_k = min{acc : f(acc) >= k}, that holds iff for every k that is reached ``m*T_k + r >= k*2**s`` and for every k that is not
reached at once ``m*(T_k - 1) + r < k*2**s``: for given m and s, r lies in one window of integers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hlsgen.requantise.reference import Rounding, thresholds
from hlsgen.scalar import RequantiseMultiplyShift

MULTIPLIER_BITS = 30
_NEAR = np.arange(-4, 5)
_LARGEST_SHIFT = 50


@dataclass(frozen=True, eq=False)
class MultiplyShift:
    """``op`` with one ``multiplier`` and one ``rounding`` constant per channel (int64)."""

    op: RequantiseMultiplyShift
    multiplier: np.ndarray
    rounding: np.ndarray


def find_multiply_shift(rounding: Rounding) -> MultiplyShift | None:
    """The smallest shift found with which every channel is exact, or None if a channel has none with m below 2**30.

    A solution (m, r) at shift s is (2m, 2r) at s + 1, so each channel is solved at its smallest shift, and the channels
    then share the largest of those. Where one rounding constant suits all channels, all get it.
    """
    limits = thresholds(rounding)
    count = len(rounding.scale)
    multiplier = np.zeros(count, dtype=np.int64)
    solved_shift = np.full(count, -1)
    first = max(0, 4 - int(np.ceil(np.log2(float(rounding.scale.max())))))
    last = min(_LARGEST_SHIFT, MULTIPLIER_BITS - int(np.ceil(np.log2(rounding.scale.max()))))
    for shift in range(first, last + 1):
        open_ = np.flatnonzero(solved_shift < 0)
        if len(open_) == 0:
            break
        part = rounding.select(open_)
        center = np.rint(part.scale.astype(np.float64) * 2.0**shift).astype(np.int64)
        candidates = np.maximum(center[:, None] + _NEAR, 0)
        low, high = rounding_window(part, limits[open_], candidates, shift)
        width = high - low
        best = np.argmax(width, axis=1)
        rows = np.arange(len(open_))
        good = width[rows, best] >= 0
        multiplier[open_[good]] = candidates[rows, best][good]
        solved_shift[open_[good]] = shift
    if np.any(solved_shift < 0):
        return None
    shift = int(solved_shift.max())
    multiplier <<= shift - solved_shift
    low, high = (
        bound[:, 0] for bound in rounding_window(rounding, limits, multiplier[:, None], shift)
    )
    constants = low + ((high - low) >> 1)
    if low.max() <= high.min():
        constants = np.full(count, (int(low.max()) + int(high.min())) >> 1)
    op = RequantiseMultiplyShift(shift, rounding.low, rounding.high)
    return MultiplyShift(op, multiplier, constants)


def rounding_window(
    rounding: Rounding, limits: np.ndarray, multipliers: np.ndarray, shift: int
) -> tuple[np.ndarray, np.ndarray]:
    """The least and greatest r (channels, candidates) that make ``multipliers`` (channels, candidates) exact at ``shift``.

    The window is empty (least > greatest) where no r does. ``limits`` are the thresholds (channels, levels).
    """
    levels = limits.shape[1]
    wide = np.int64(1) << 61
    if levels == 0:
        return np.full(multipliers.shape, -wide), np.full(multipliers.shape, wide)
    goals = np.arange(rounding.low + 1, rounding.high + 1, dtype=np.int64) << shift
    reached = limits <= rounding.accumulator_high[:, None]
    missed = limits > rounding.accumulator_low[:, None]
    low = np.full(multipliers.shape, -wide)
    high = np.full(multipliers.shape, wide)
    for candidate in range(multipliers.shape[1]):
        product = multipliers[:, candidate, None] * limits
        least = np.where(reached, goals - product, -wide)
        greatest = np.where(missed, goals - product + multipliers[:, candidate, None] - 1, wide)
        low[:, candidate] = least.max(axis=1)
        high[:, candidate] = greatest.min(axis=1)
    return low, high


def verify_multiply_shift(rounding: Rounding, parameters: MultiplyShift) -> bool:
    """Whether the parameters equal the reference for every accumulator of every channel: the proof, run again.

    Compares both functions themselves at both sides of every threshold and at the ends of the range; between those points both
    are constant or monotone with equal ends, as m >= 0.
    """
    if np.any(parameters.multiplier < 0):
        return False
    limits = thresholds(rounding)
    ends = np.stack([rounding.accumulator_low, rounding.accumulator_high], axis=1)
    points = np.concatenate([limits - 1, limits, ends], axis=1)
    points = np.clip(points, rounding.accumulator_low[:, None], rounding.accumulator_high[:, None])
    found = parameters.op.evaluate(
        np, points, parameters.multiplier[:, None], parameters.rounding[:, None]
    )
    return bool(np.array_equal(found, rounding.evaluate(points)))
