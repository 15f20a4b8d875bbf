"""Requantisation as (m * acc + r) >> s: search, and proof for all accumulators.

Both functions are monotone in the accumulator, so they are equal everywhere iff their thresholds are equal. With
T_k = min{acc : f(acc) >= k}, that holds iff for every k that is reached ``m*T_k + r >= k*2**s`` and for every k that is not
reached at once ``m*(T_k - 1) + r < k*2**s``: for given m and s, r lies in one window of integers.

Some scales have no (m, r, s) at all. Nearly all of them have one that is late by one accumulator at one threshold only: then
that accumulator, ``nudge``, is raised by 1 first. Such a function is monotone too, so the proof is the same.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hlsgen.requantise.reference import Rounding, thresholds
from hlsgen.scalar import RequantiseMultiplyShift

MULTIPLIER_BITS = 30
_NEAR = np.arange(-4, 5)
_LARGEST_SHIFT = 50
_WIDE = np.int64(1) << 61


@dataclass(frozen=True, eq=False)
class MultiplyShift:
    """``op(acc, multiplier, rounding)`` with constants per channel (int64); where ``acc`` is ``nudge``, of ``acc + 1``."""

    op: RequantiseMultiplyShift
    multiplier: np.ndarray
    rounding: np.ndarray
    nudge: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Window:
    """The roundings r from ``low`` to ``high`` are exact, if accumulator ``nudge`` (where it is used) is raised by 1.

    Arrays (channels, candidates). The window is empty where ``low`` > ``high``.
    """

    low: np.ndarray
    high: np.ndarray
    nudge: np.ndarray | None


def find_multiply_shift(rounding: Rounding, nudged: bool = False) -> MultiplyShift | None:
    """The smallest shift found with which every channel is exact, or None if a channel has none with m below 2**30.

    ``nudged`` allows each channel one accumulator that is raised by 1. A solution (m, r) at shift s is (2m, 2r) at s + 1, so
    each channel is solved at its smallest shift, and the channels then share the largest of those. Where one rounding
    constant suits all channels, all get it.
    """
    limits = thresholds(rounding)
    count = len(rounding.scale)
    multiplier = np.zeros(count, dtype=np.int64)
    solved_shift = np.full(count, -1)
    octave = int(np.ceil(np.log2(float(rounding.scale.max()))))
    for shift in range(max(0, 4 - octave), min(_LARGEST_SHIFT, MULTIPLIER_BITS - octave) + 1):
        open_ = np.flatnonzero(solved_shift < 0)
        if len(open_) == 0:
            break
        part = rounding.select(open_)
        center = np.rint(part.scale.astype(np.float64) * 2.0**shift).astype(np.int64)
        candidates = np.maximum(center[:, None] + _NEAR, 0)
        window = rounding_window(part, limits[open_], candidates, shift, nudged)
        width = window.high - window.low
        best = np.argmax(width, axis=1)
        rows = np.arange(len(open_))
        good = width[rows, best] >= 0
        multiplier[open_[good]] = candidates[rows, best][good]
        solved_shift[open_[good]] = shift
    if np.any(solved_shift < 0):
        return None
    shift = int(solved_shift.max())
    multiplier <<= shift - solved_shift
    window = rounding_window(rounding, limits, multiplier[:, None], shift, nudged)
    low, high = window.low[:, 0], window.high[:, 0]
    constants = low + ((high - low) >> 1)
    if low.max() <= high.min():
        constants = np.full(count, (int(low.max()) + int(high.min())) >> 1)
    op = RequantiseMultiplyShift(shift, rounding.low, rounding.high)
    nudge = None if window.nudge is None else window.nudge[:, 0]
    return MultiplyShift(op, multiplier, constants, nudge)


def rounding_window(
    rounding: Rounding,
    limits: np.ndarray,
    multipliers: np.ndarray,
    shift: int,
    nudged: bool = False,
) -> Window:
    """The roundings that make ``multipliers`` (channels, candidates) exact at ``shift``, given thresholds ``limits``.

    With ``nudged`` the one threshold that asks for the largest r may be late by one accumulator.
    """
    low = np.full(multipliers.shape, -_WIDE)
    high = np.full(multipliers.shape, _WIDE)
    nudge = np.repeat(rounding.accumulator_high[:, None] + 1, multipliers.shape[1], axis=1)
    levels = limits.shape[1]
    if levels == 0:
        return Window(low, high, nudge if nudged else None)
    goals = np.arange(rounding.low + 1, rounding.high + 1, dtype=np.int64) << shift
    reached = limits <= rounding.accumulator_high[:, None]
    missed = limits > rounding.accumulator_low[:, None]
    rows = np.arange(len(limits))
    for candidate in range(multipliers.shape[1]):
        factor = multipliers[:, candidate]
        slack = goals - factor[:, None] * limits
        least = np.where(reached, slack, -_WIDE)
        greatest = np.where(missed, slack + factor[:, None] - 1, _WIDE).min(axis=1)
        top = np.argmax(least, axis=1)
        needed = least[rows, top]
        if nudged:
            late = missed[rows, top] & (needed > greatest)
            least[rows[late], top[late]] -= factor[late]
            nudge[late, candidate] = limits[rows[late], top[late]]
            needed = least.max(axis=1)
        low[:, candidate], high[:, candidate] = needed, greatest
    return Window(low, high, nudge if nudged else None)


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
    raised = points
    if parameters.nudge is not None:
        raised = points + (points == parameters.nudge[:, None])
    found = parameters.op.evaluate(
        np, raised, parameters.multiplier[:, None], parameters.rounding[:, None]
    )
    return bool(np.array_equal(found, rounding.evaluate(points)))
