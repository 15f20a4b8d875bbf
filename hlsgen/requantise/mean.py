"""Means of quantised elements: the float32 steps of ONNX Runtime 1.32, and which sums its float additions leave undecided.

The bound of float sums is that of N. J. Higham, Accuracy and Stability of Numerical Algorithms, 2nd edition, SIAM 2002, section 4.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import frexp
from typing import Any

import numpy as np

_UNIT = 2.0**-24
"""u of float32: the largest relative error of one operation."""
_DOUBLE = 2.0**-40
"""More than float64 errs in a mean next to a half between two results."""
_MOST_STEPS = 16
"""Sums that a circuit may decide one by one."""
_WIDEST = 255
"""The greatest distance of an 8-bit element from its zero point."""


@dataclass(frozen=True)
class Mean:
    """From the sum of ``count`` integers in steps of ``scale`` to their rounded mean, or not ``averaged`` their rounded sum, in steps of
    ``result_scale``.

    ONNX Runtime: RNE(m) + zero_point, or with ``zero_first`` RNE(f32(m + zero_point)), where m = f32(f32(s / count) / result_scale) and
    s adds f32(scale * element) in float32. QLinearAveragePool has the zero point first; AveragePool and ReduceMean between
    Dequantize and Quantize, which stay float operators, have it last (measured; qlinear_pool.cc).

    The result here is that for s = scale * sum where float32 holds every such s (``follows_steps``), else with m = f32(sum * S),
    S = f32(scale / f32(result_scale * count)): the two differ on halves only, which are ``undecided`` then.
    ``ratio_only``: of the scales just scale / result_scale is known, so that nothing follows of what float32 holds.
    """

    scale: float
    count: int
    result_scale: float
    zero_point: int
    zero_first: bool
    averaged: bool = True
    ratio_only: bool = False

    @property
    def divisor(self) -> int:
        """What the sum is divided by: 1 for a sum that is not a mean."""
        return self.count if self.averaged else 1

    @property
    def factor(self) -> np.float32:
        """S: results for each step of the sum."""
        return np.float32(self.scale) / (np.float32(self.result_scale) * np.float32(self.divisor))

    def results(self, xp: Any, sums: Any) -> Any:
        """The result, without bounds, whole numbers in float32, for sums in float32 of any array-API namespace."""
        device = getattr(sums, "device", None)
        count, scale, result_scale, factor = (
            xp.asarray(np.array(value, np.float32), device=device)
            for value in (self.divisor, self.scale, self.result_scale, self.factor)
        )
        if self.follows_steps:
            return self._rounded(xp, sums * scale / count / result_scale)
        return self._rounded(xp, sums * factor)

    def _rounded(self, xp: Any, mean: Any) -> Any:
        zero = xp.asarray(
            np.array(self.zero_point, np.float32), device=getattr(mean, "device", None)
        )
        return xp.round(mean + zero) if self.zero_first else xp.round(mean) + zero

    def _steps(self, reals: np.ndarray) -> np.ndarray:
        """ONNX Runtime's result for float32 sums of reals."""
        mean = reals / np.float32(self.divisor) / np.float32(self.result_scale)
        return np.asarray(self._rounded(np, mean))

    @cached_property
    def follows_steps(self) -> bool:
        """Whether the result is ONNX Runtime's for every sum, decided by its divisions, and a circuit can tell so."""
        sums = self._sums(-_WIDEST, _WIDEST)
        if not self._adds_exactly(sums):
            return False
        plain = self._rounded(np, sums.astype(np.float32) * self.factor)
        return int(np.count_nonzero(plain != self._steps(self._reals(sums)))) <= _MOST_STEPS

    def near_halves(self, least: int, greatest: int, low: int, high: int) -> np.ndarray:
        """The sums of elements between ``least`` and ``greatest`` (zero point taken away) whose mean is so close to a half between two
        results within ``low``..``high`` that the rounding of float32 may decide it.

        Empty proves that every way to compute the mean in float32 gives one result, a function of the sum: any order of the
        additions, divisions or products with rounded reciprocals, the zero point added before or after the rounding. Proof. Let a and b
        be the scales, n the count, q the elements, x = a * sum(q) / (n * b) the exact mean. By the standard model
        fl(y op z) = (y op z) * (1 + d), |d| <= u, each a * q is rounded once and then takes part in at most n - 1 additions (one of
        an exact 0 of the padding rounds nothing); two divisions, each by a rounded reciprocal, are four more factors, and four more
        allow for scales that are themselves rounded products. A product of k factors 1 + d differs from 1 by at most
        gamma(k) = k * u / (1 - k * u), so the computed mean m fulfils |m - x| <= gamma(n + 8) * a / (n * b) * sum|q|, and
        gamma(8) serves where float32 holds every partial sum. Adding the zero
        point errs by at most u * |m + zero_point| <= u * (1 + max(|low|, |high|)) wherever the sum lies between two results. All
        steps are monotone, so m and x round to the same result if |x - h| exceeds both errors for the half h next to x. sum|q| is
        |sum(q)| if all elements have one sign, else at most n * max(|least|, greatest). Scales lie within 2**-60..2**60, where nothing
        underflows.
        """
        sums = self._sums(least, greatest)
        magnitude = np.abs(sums).astype(np.float64)
        if least < 0 < greatest:
            magnitude[:] = self.count * max(-least, greatest)
        factors = 8 if self._adds_exactly(sums) else self.count + 8
        gamma = factors * _UNIT / (1 - factors * _UNIT)
        step = float(np.float32(self.scale)) / (self.divisor * float(np.float32(self.result_scale)))
        mean = sums * step
        below = np.floor(mean)
        error = gamma * step * magnitude + _UNIT * (1 + max(abs(low), abs(high))) + _DOUBLE
        close = np.abs(mean - below - 0.5) <= error
        within = (below >= low - self.zero_point) & (below + 1 <= high - self.zero_point)
        return sums[close & within]

    def undecided(self, least: int, greatest: int, low: int, high: int) -> np.ndarray:
        """The sums of which ONNX Runtime may make other results, bounded to ``low``..``high``, than here: those near halves, or where
        float32 holds every partial sum and no addition rounds, those of which its divisions make another result.

        Empty proves that the result is a function of the sum, and equal in every session that has this rule.
        """
        sums = self._sums(least, greatest)
        decided = self.decided(sums)
        if decided is None:
            return self.near_halves(least, greatest, low, high)
        results = self.results(np, sums.astype(np.float32)), decided
        ours, theirs = (np.clip(result, low, high) for result in results)
        return sums[ours != theirs]

    def decided(self, sums: np.ndarray) -> np.ndarray | None:
        """ONNX Runtime's results, without bounds, for sums of which float32 holds every partial sum; None where it does not."""
        return self._steps(self._reals(sums)) if self._adds_exactly(sums) else None

    def _sums(self, least: int, greatest: int) -> np.ndarray:
        return np.arange(self.count * min(least, 0), self.count * max(greatest, 0) + 1)

    def _reals(self, sums: np.ndarray) -> np.ndarray:
        return np.asarray(sums.astype(np.float32) * np.float32(self.scale))

    def _adds_exactly(self, sums: np.ndarray) -> bool:
        """Whether float32 holds every partial sum, so that no addition rounds."""
        if self.ratio_only:
            return False
        fraction = int(frexp(float(np.float32(self.scale)))[0] * 2**24)
        odd = fraction // (fraction & -fraction)
        return odd * max(int(np.abs(sums).max()), 1) < 2**24
