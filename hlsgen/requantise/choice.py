"""The requantiser of a layer: multiply-shift where it is proved exact, if need be with a few accumulators of each channel
raised by 1; the float32-exact integer form elsewhere."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from hlsgen.algebra.scalar import RequantiseFloat32, RequantiseMultiplyShift, RoundSignificand
from hlsgen.errors import TypeMismatch
from hlsgen.requantise.multiply_shift import (
    MULTIPLIER_BITS,
    WIDE_MULTIPLIER_BITS,
    find_multiply_shift,
    verify_multiply_shift,
)
from hlsgen.requantise.reference import Rounding, thresholds

_CHEAP_NUDGES = 3  # a comparison each: less than what the float32 form takes beside its product
_MOST_NUDGES = 8
_MOST_BITS = 16  # of results, whose thresholds are searched for one by one
_MANY_RESULTS = (
    1 << 12
)  # of which hardly any scale has a form with nudges, and a search for one takes seconds
_LARGEST_MULTIPLIER = (1 << 32) - 1
_LARGEST_ACCUMULATOR = (1 << 31) - 1
_NEAR = np.array((0, 1, -1, 2, -2, 3, -3, 4, -4))
FLOAT32 = RoundSignificand(24)
"""What float32 makes of an integer."""
_EXACT = (1 << 24) - 1  # largest range of integers that float32 holds without rounding


@dataclass(frozen=True, eq=False)
class Choice:
    """``op(acc, *constants)``: a scalar operator and its constants, one int64 per channel.

    Where ``acc`` is one of the channel's ``nudges`` (channels, number), it is ``op(acc + 1, *constants)``; where there is a ``bias``
    (channels), ``op(acc + bias, *constants)``; with an ``accumulator_rounding``, ``op(accumulator_rounding(acc + bias), *constants)``.
    """

    op: RequantiseMultiplyShift | RequantiseFloat32
    constants: tuple[np.ndarray, ...]
    nudges: np.ndarray | None = None
    bias: np.ndarray | None = None
    accumulator_rounding: RoundSignificand | None = None


def choose(
    scales: np.ndarray,
    zero_point: int,
    low: int,
    high: int,
    accumulator_low: np.ndarray | int,
    accumulator_high: np.ndarray | int,
    where: str = "requantisation",
    nudged: bool = True,
) -> Choice:
    """An exact requantiser for channels with these float32 ``scales`` and accumulator ranges (broadcast to channels).

    The result equals ``requantise`` for every accumulator in range, by proof. ``where`` names the layer in errors.
    ``nudged`` False: only what a unit for all layers can do, so no nudges and multipliers of at most 32 bits. Raises
    TypeMismatch where no such integer form is exact.
    """
    scale = np.asarray(scales, dtype=np.float32).reshape(-1)
    rounding = Rounding(
        scale,
        zero_point,
        low,
        high,
        np.broadcast_to(np.asarray(accumulator_low, dtype=np.int64), scale.shape),
        np.broadcast_to(np.asarray(accumulator_high, dtype=np.int64), scale.shape),
    )
    return choose_for(rounding, where, nudged)


def choose_for(rounding: Rounding, where: str = "requantisation", nudged: bool = True) -> Choice:
    """The same for a rounding of any rule."""
    if (fixed := rounding.shift) is not None:
        shifted = RequantiseMultiplyShift(fixed.bits, rounding.low, rounding.high)
        return Choice(shifted, (np.array([fixed.multiplier]), np.array([fixed.addend])))
    if rounding.high - rounding.low >= 1 << _MOST_BITS:
        raise TypeMismatch(
            where,
            f"expected results of at most {_MOST_BITS} bits, found {rounding.low} to {rounding.high}",
            "Quantise this value to 8 or 16 bits.",
        )
    few = rounding.high - rounding.low < _MANY_RESULTS
    cheap = range(_CHEAP_NUDGES + 1 if nudged and few else 1)
    if (choice := _multiply_shift(rounding, cheap)) is not None:
        return choice
    if rounding.mean is not None:
        return _of_mean(rounding, where, nudged)
    if rounding.steps is not None:
        return _of_steps(rounding, where, nudged, few)
    if not nudged:
        return _of_one_unit(rounding, where)
    try:
        op, multiplier = float32_parameters(rounding, where)
    except TypeMismatch:
        numbers = range(_MOST_NUDGES + 1)
        if (choice := _multiply_shift(rounding, numbers, WIDE_MULTIPLIER_BITS)) is not None:
            return choice
        if not np.any(_rounded_channels(rounding)):
            raise
        op, multiplier = float32_parameters(rounding, where, rounded=True)
        return Choice(op, (multiplier,), accumulator_rounding=FLOAT32)
    return Choice(op, (multiplier,))


def _of_mean(rounding: Rounding, where: str, nudged: bool) -> Choice:
    """The float32 form for a mean, which has many sums on halves. Where the zero point is added before rounding and is odd,
    halves go to odd results: the same form of the sum moved by a whole, odd number of results."""
    op, multiplier = float32_parameters(rounding, where)
    for moved, results in ((0, 0), *_odd_moves(rounding)):
        form = replace(op, zero_point=rounding.zero_point - results)
        choice = Choice(form, (multiplier,), bias=np.array([moved]) if moved else None)
        points = _decisive(rounding)
        if np.array_equal(
            form.evaluate(np, points + moved, multiplier[:, None]), rounding.evaluate(points)
        ):
            return choice
    if nudged:
        for numbers in (range(_MOST_NUDGES + 1), (16, 32)):
            if (wide := _multiply_shift(rounding, numbers, WIDE_MULTIPLIER_BITS)) is not None:
                return wide
    mean = rounding.mean
    assert mean is not None, "the rounding is of a mean"
    raise TypeMismatch(
        where,
        "expected a mean that a multiplication and a shift can round as ONNX Runtime does, found one of"
        f" {mean.count} elements from scale {mean.scale:g} to scale {mean.result_scale:g} and zero point {mean.zero_point}",
        "Quantise the model again with another scale behind this mean.",
    )


def _of_steps(rounding: Rounding, where: str, nudged: bool, few: bool) -> Choice:
    """A multiply-shift, of wide multipliers and many nudges if need be, these where results are ``few``: there is no other form of several
    float32 steps."""
    bits = _LARGEST_MULTIPLIER.bit_length()
    numbers = (*range(_MOST_NUDGES + 1), 16, 32) if few else (0,)
    choice = (
        _multiply_shift(rounding, numbers, WIDE_MULTIPLIER_BITS)
        if nudged
        else _multiply_shift(rounding, (0,), bits)
    )
    if choice is not None:
        return choice
    remedy = "" if nudged else ", or compile it with --schedule stream"
    raise TypeMismatch(
        where,
        "expected factors and addends by channel that a multiplication and a shift can round as ONNX Runtime does, found"
        f" others, from {rounding.scale.min():g} to {rounding.scale.max():g} results a step",
        f"Quantise the model again with another scale behind this operator{remedy}.",
    )


def _odd_moves(rounding: Rounding) -> list[tuple[int, int]]:
    """(sums, results): distances of sums that are an odd number of results, least first."""
    ratio = 1 / float(rounding.scale[0])
    moves = []
    for results in range(1, 64, 2):
        sums = results * ratio
        if abs(sums - round(sums)) < 1e-4 and round(sums) > 0:
            moves.append((round(sums), results))
    return moves


def _decisive(rounding: Rounding) -> np.ndarray:
    """Both sides of every threshold and the ends of the range: two functions that never decrease and agree there agree everywhere."""
    limits = thresholds(rounding)
    ends = np.stack([rounding.accumulator_low, rounding.accumulator_high], axis=1)
    points = np.concatenate([limits - 1, limits, ends], axis=1)
    low, high = rounding.accumulator_low[:, None], rounding.accumulator_high[:, None]
    return np.asarray(np.clip(points, low, high))


def _of_one_unit(rounding: Rounding, where: str) -> Choice:
    """The float32 form in multipliers of 32 bits, rounded to them if need be."""
    try:
        op, multiplier = float32_parameters(rounding, where)
        _refuse_wide_multipliers(multiplier, where)
        return Choice(op, (multiplier,))
    except TypeMismatch:
        if (choice := _rounded_multipliers(rounding)) is None:
            raise
        return choice


def _rounded_multipliers(rounding: Rounding) -> Choice | None:
    """The float32 form whose multipliers have 32 bits at most, though the scales have more, and biases for channels that need
    one; None where a channel has neither.

    The proof is that of ``verify_multiply_shift``: both functions are monotone, and equal at both sides of every threshold and at
    the ends of the range.
    """
    q = _LARGEST_MULTIPLIER.bit_length() - int(np.frexp(rounding.scale.max())[1])
    if not 1 <= q <= 62:
        return None
    op = RequantiseFloat32(q, rounding.zero_point, rounding.low, rounding.high)
    multiplier = np.maximum(np.rint(rounding.scale * 2.0**q), 1).astype(np.int64)
    limits, points = thresholds(rounding), _decisive(rounding)
    results = rounding.evaluate(points)
    bias = np.zeros_like(multiplier)
    wrong = np.any(op.evaluate(np, points, multiplier[:, None]) != results, axis=1)
    for channel in np.flatnonzero(wrong):
        step = int(np.searchsorted(limits[channel], rounding.accumulator_low[channel], "right"))
        step = min(step, limits.shape[1] - 1)
        for factor in np.maximum(multiplier[channel] + _NEAR, 1):
            at = _least_accumulator(op, factor, rounding.low + 1 + step) - limits[channel, step]
            moved = points[channel] + at
            if np.abs(moved).max() <= _LARGEST_ACCUMULATOR and np.array_equal(
                op.evaluate(np, moved, factor), results[channel]
            ):
                multiplier[channel], bias[channel] = factor, at
                break
        else:
            return None
    return Choice(op, (multiplier,), bias=bias if np.any(bias) else None)


def _least_accumulator(op: RequantiseFloat32, multiplier: np.int64, result: int) -> int:
    """The least accumulator of 32 bits whose result is at least ``result``."""
    accumulators = range(-_LARGEST_ACCUMULATOR, _LARGEST_ACCUMULATOR)
    number = bisect_left(
        accumulators, result, key=lambda acc: int(op.evaluate(np, np.array(acc), multiplier))
    )
    return accumulators.start + number


def _refuse_wide_multipliers(multiplier: np.ndarray, where: str) -> None:
    if (bits := int(multiplier.max()).bit_length()) > _LARGEST_MULTIPLIER.bit_length():
        raise TypeMismatch(
            where,
            f"expected multipliers of at most 32 bits, found {bits} (the channels' scales are too far apart)",
            "Quantise the layer again with one scale for all channels, or compile it with --schedule stream.",
        )


def _multiply_shift(
    rounding: Rounding, numbers: Iterable[int], bits: int = MULTIPLIER_BITS
) -> Choice | None:
    """A proved multiply-shift with the fewest nudges of ``numbers``."""
    for number in numbers:
        candidate = find_multiply_shift(rounding, number, bits)
        if candidate is not None and verify_multiply_shift(rounding, candidate):
            nudges = candidate.nudges if number else None
            return Choice(candidate.op, (candidate.multiplier, candidate.rounding), nudges)
    return None


def float32_parameters(
    rounding: Rounding, where: str = "requantisation", rounded: bool = False
) -> tuple[RequantiseFloat32, np.ndarray]:
    """The float32-exact form: S = m / 2**q with one q for all channels (m widened by the spread of the scales).

    Channels whose result is the zero point for every accumulator get m = 0. ``rounded``: the accumulators that the form is given are
    rounded to 24 bits before. Raises TypeMismatch where an accumulator above 24 bits that is not is rounded by float32 without
    being saturated, or where numbers exceed 63 bits.
    """
    if not rounded:
        _refuse_rounded_accumulators(rounding, where)
    fraction, exponent = np.frexp(rounding.scale.astype(np.float64))
    mantissa = (fraction * 2.0**24).astype(np.int64)
    q = 24 - exponent.astype(np.int64)
    ends = np.stack([rounding.accumulator_low, rounding.accumulator_high], axis=1)
    alive = np.any(rounding.evaluate(ends) != rounding.zero_point, axis=1)
    shared = int(q[alive].max()) if np.any(alive) else 1
    spread = np.where(alive, shared - q, 0)
    largest = np.abs(ends).max(axis=1)
    width = 24 + spread + np.ceil(np.log2(np.maximum(largest, 1) + 1.0))
    if not 1 <= shared <= 62 or np.any(width[alive] > 63):
        raise TypeMismatch(
            where,
            f"expected scales whose products fit 63 bits, found scales {rounding.scale.min()} to "
            f"{rounding.scale.max()}",
            "Quantise the model again with scales of channels closer to each other.",
        )
    multiplier = np.where(alive, mantissa << spread, 0)
    bits = int(np.bitwise_or.reduce(multiplier))
    zeros = min(shared - 1, (bits & -bits).bit_length() - 1) if bits else 0
    multiplier, shared = multiplier >> zeros, shared - zeros
    op = RequantiseFloat32(shared, rounding.zero_point, rounding.low, rounding.high)
    return op, multiplier


def _rounded_channels(rounding: Rounding) -> np.ndarray:
    """The channels with accumulators above 2**24 that float32 rounds without saturating the result: there the unit alone differs from it."""
    limit = np.full((len(rounding.scale), 1), _EXACT)
    above, below = rounding.evaluate(limit)[:, 0], rounding.evaluate(-limit)[:, 0]
    high_open = (rounding.accumulator_high > _EXACT) & (above < rounding.high)
    low_open = (rounding.accumulator_low < -_EXACT) & (below > rounding.low)
    return np.asarray(high_open | low_open)


def _refuse_rounded_accumulators(rounding: Rounding, where: str) -> None:
    rounded = np.flatnonzero(_rounded_channels(rounding))
    if rounded.size:
        channel = int(rounded[0])
        raise TypeMismatch(
            where,
            f"expected accumulators below 2**24 where they are not saturated, found channel {channel} with "
            f"{rounding.accumulator_low[channel]} to {rounding.accumulator_high[channel]} and scale "
            f"{rounding.scale[channel]}",
            "Split the layer, quantise it with fewer bits, or compile it with --schedule stream.",
        )
