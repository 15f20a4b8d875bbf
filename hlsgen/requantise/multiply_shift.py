"""Requantisation as (m * acc + r) >> s: search, and proof for all accumulators.

Both functions are monotone in the accumulator, so they are equal everywhere iff their thresholds are equal. With
T_k = min{acc : f(acc) >= k}, that holds iff for every k that is reached ``m*T_k + r >= k*2**s`` and for every k that is not
reached at once ``m*(T_k - 1) + r < k*2**s``: for given m and s, r lies in one window of integers.

Some scales have no (m, r, s) at all. Nearly all of them have one that is late by one accumulator at a few thresholds: then
those accumulators, ``nudges``, are raised by 1 first. Such a function is monotone too, so the proof is the same.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hlsgen.algebra.scalar import RequantiseMultiplyShift
from hlsgen.requantise.reference import Rounding, thresholds

MULTIPLIER_BITS = 30
WIDE_MULTIPLIER_BITS = 36
_NEAR = np.arange(-4, 5)
_LARGEST_SHIFT = 50
_COARSE = 32  # every 32nd of many thresholds says of nearly all multipliers that they are not exact
_WIDE = np.int64(1) << 61


@dataclass(frozen=True, eq=False)
class MultiplyShift:
    """``op(acc, multiplier, rounding)`` with constants per channel (int64), or of ``acc + 1`` where ``acc`` is a nudge.

    ``nudges``: (channels, any number) accumulators, different from each other within a channel.
    """

    op: RequantiseMultiplyShift
    multiplier: np.ndarray
    rounding: np.ndarray
    nudges: np.ndarray

    def evaluate(self, accumulators: np.ndarray) -> np.ndarray:
        """The results for ``accumulators`` (channels, points)."""
        hit = np.any(accumulators[:, :, None] == self.nudges[:, None, :], axis=2)
        constants = self.multiplier[:, None], self.rounding[:, None]
        return np.asarray(self.op.evaluate(np, accumulators + hit, *constants))


@dataclass(frozen=True, eq=False)
class RoundingWindow:
    """The roundings r from ``low`` to ``high`` are exact, if the accumulators ``nudges`` are raised by 1.

    Arrays (channels, candidates), and for ``nudges`` (channels, candidates, number). Empty where ``low`` > ``high``.
    """

    low: np.ndarray
    high: np.ndarray
    nudges: np.ndarray


def find_multiply_shift(
    rounding: Rounding, nudges: int = 0, bits: int = MULTIPLIER_BITS
) -> MultiplyShift | None:
    """The smallest shift found with which every channel is exact, or None if a channel has none with m of ``bits`` bits.

    ``nudges``: how many accumulators of each channel may be raised by 1. A solution (m, r) at shift s is (2m, 2r) at s + 1, so
    each channel is solved at its smallest shift, and the channels then share the largest of those. Where one rounding
    constant suits all channels, all get it.
    """
    limits = thresholds(rounding)
    count = len(rounding.scale)
    multiplier = np.zeros(count, dtype=np.int64)
    solved_shift = np.full(count, -1)
    octave = int(np.ceil(np.log2(float(rounding.scale.max()))))
    for shift in range(max(0, 4 - octave), min(_LARGEST_SHIFT, bits - octave) + 1):
        open_ = np.flatnonzero(solved_shift < 0)
        if len(open_) == 0:
            break
        part = rounding.select(open_)
        center = np.rint(part.scale.astype(np.float64) * 2.0**shift).astype(np.int64)
        candidates = np.maximum(center[:, None] + _NEAR, 0)
        window = rounding_window(part, limits[open_], candidates, shift, nudges)
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
    window = rounding_window(rounding, limits, multiplier[:, None], shift, nudges)
    low, high = window.low[:, 0], window.high[:, 0]
    constants = _middle(low, high)
    if low.max() <= high.min():
        constants = np.full(count, _middle(low.max(), high.min()))
    op = RequantiseMultiplyShift(shift, rounding.low, rounding.high)
    return MultiplyShift(op, multiplier, constants, window.nudges[:, 0])


def _middle(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """The integer in the middle of [low, high]; where a side is open, as a channel of one result has it, the other end: few bits."""
    middle = low + ((high - low) >> 1)
    ended = np.where(low <= -_WIDE, high, np.where(high >= _WIDE, low, middle))
    return np.where((low <= -_WIDE) & (high >= _WIDE), 0, ended)


def rounding_window(
    rounding: Rounding,
    limits: np.ndarray,
    multipliers: np.ndarray,
    shift: int,
    nudges: int = 0,
) -> RoundingWindow:
    """The roundings that make ``multipliers`` (channels, candidates) exact at ``shift``, given thresholds ``limits``.

    The ``nudges`` thresholds that ask for the largest r may each be late by one accumulator. A nudge that is not needed lies
    above the channel's range, where it has no effect.
    """
    low = np.full(multipliers.shape, -_WIDE)
    high = np.full(multipliers.shape, _WIDE)
    raised = rounding.accumulator_high[:, None, None] + 1 + np.arange(nudges)
    raised = np.repeat(raised, multipliers.shape[1], axis=1)
    levels = limits.shape[1]
    if levels == 0:
        return RoundingWindow(low, high, raised)
    goals = np.arange(rounding.low + 1, rounding.high + 1, dtype=np.int64) << shift
    reached = limits <= rounding.accumulator_high[:, None]
    missed = limits > rounding.accumulator_low[:, None]
    rows = np.arange(len(limits))
    coarse = slice(None, None, _COARSE)
    for candidate in range(multipliers.shape[1]):
        factor = multipliers[:, candidate]
        if not nudges and levels > _COARSE**2:
            slack = goals[coarse] - factor[:, None] * limits[:, coarse]
            least = np.where(reached[:, coarse], slack, -_WIDE).max(axis=1)
            greatest = np.where(missed[:, coarse], slack + factor[:, None] - 1, _WIDE).min(axis=1)
            if np.all(least > greatest):
                low[:, candidate], high[:, candidate] = least, greatest
                continue  # no window even for a few of the thresholds
        slack = goals - factor[:, None] * limits
        least = np.where(reached, slack, -_WIDE)
        greatest = np.where(missed, slack + factor[:, None] - 1, _WIDE).min(axis=1)
        may_be_late = missed.copy()
        for number in range(nudges):
            top = np.argmax(least, axis=1)
            late = may_be_late[rows, top] & (least[rows, top] > greatest)
            least[rows[late], top[late]] -= factor[late]
            may_be_late[rows[late], top[late]] = False
            raised[late, candidate, number] = limits[rows[late], top[late]]
        low[:, candidate], high[:, candidate] = least.max(axis=1), greatest
    return RoundingWindow(low, high, raised)


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
    return bool(np.array_equal(parameters.evaluate(points), rounding.evaluate(points)))
