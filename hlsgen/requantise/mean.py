"""Means of quantised elements: the float32 steps of ONNX Runtime 1.32, and which sums its float additions leave undecided."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import frexp
from typing import Any

import numpy as np

_UNIT = 2.0**-24
"""Of float32: the largest relative error of one operation."""
_MOST_STEPS = 16
"""Sums that a circuit may decide one by one."""
_WIDEST = 255
"""The greatest distance of an 8-bit element from its zero point."""


@dataclass(frozen=True)
class Mean:
    """From the sum of ``count`` integers in steps of ``scale`` to their rounded mean in steps of ``result_scale``.

    ONNX Runtime: RNE(m) + zero_point, or with ``zero_first`` RNE(f32(m + zero_point)), where m = f32(f32(s / count) / result_scale) and
    s adds f32(scale * element) in float32. QLinearAveragePool has the zero point first; AveragePool and ReduceMean between
    Dequantize and Quantize, which stay float operators, have it last (measured; qlinear_pool.cc).

    The result here is that for s = scale * sum where float32 holds every such s (``follows_steps``), else with m = f32(sum * S),
    S = f32(scale / f32(result_scale * count)): the two differ on halves only, which are ``undecided`` then.
    """

    scale: float
    count: int
    result_scale: float
    zero_point: int
    zero_first: bool

    @property
    def factor(self) -> np.float32:
        """S: results for each step of the sum."""
        return np.float32(self.scale) / (np.float32(self.result_scale) * np.float32(self.count))

    def results(self, xp: Any, sums: Any) -> Any:
        """The result, without bounds, whole numbers in float32, for sums in float32 of any array-API namespace."""
        device = getattr(sums, "device", None)
        count, scale, result_scale, factor = (
            xp.asarray(np.array(value, np.float32), device=device)
            for value in (self.count, self.scale, self.result_scale, self.factor)
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
        mean = reals / np.float32(self.count) / np.float32(self.result_scale)
        return np.asarray(self._rounded(np, mean))

    @cached_property
    def follows_steps(self) -> bool:
        """Whether the result is ONNX Runtime's for every sum, decided by its divisions, and a circuit can tell so."""
        sums = self._sums(-_WIDEST, _WIDEST)
        if not self._adds_exactly(sums):
            return False
        plain = self._rounded(np, sums.astype(np.float32) * self.factor)
        return int(np.count_nonzero(plain != self._steps(self._reals(sums)))) <= _MOST_STEPS

    def undecided(self, least: int, greatest: int, low: int, high: int) -> np.ndarray:
        """The sums of which ONNX Runtime may make other results, bounded to ``low``..``high``, than here: of elements between
        ``least`` and ``greatest`` (zero point taken away), whose additions in float32, in one order or another, end on
        different sides of a half.

        Empty proves that the result is a function of the sum, and equal in every session that has this rule.
        """
        sums = self._sums(least, greatest)
        if self._adds_exactly(sums):
            below = above = self._steps(self._reals(sums))
        else:
            magnitude = np.abs(sums)
            if least < 0 < greatest:
                magnitude = np.full_like(sums, self.count * max(-least, greatest))
            # n products and n - 1 additions in any order err by at most n * 2**-24 * the sum of magnitudes, to first order
            error = (self.count + 1) * _UNIT * magnitude + 4 * _UNIT * np.abs(sums)
            scale = float(np.float32(self.scale))
            below, above = (
                self._steps(((sums + side * error) * scale).astype(np.float32)) for side in (-1, 1)
            )
        ours, below, above = (
            np.clip(results, low, high)
            for results in (self.results(np, sums.astype(np.float32)), below, above)
        )
        return sums[(below != ours) | (above != ours)]

    def _sums(self, least: int, greatest: int) -> np.ndarray:
        return np.arange(self.count * min(least, 0), self.count * max(greatest, 0) + 1)

    def _reals(self, sums: np.ndarray) -> np.ndarray:
        return np.asarray(sums.astype(np.float32) * np.float32(self.scale))

    def _adds_exactly(self, sums: np.ndarray) -> bool:
        """Whether float32 holds every partial sum, so that no addition rounds."""
        fraction = int(frexp(float(np.float32(self.scale)))[0] * 2**24)
        odd = fraction // (fraction & -fraction)
        return odd * max(int(np.abs(sums).max()), 1) < 2**24
