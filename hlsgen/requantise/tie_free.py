"""Scales of means for which no sum lies near a half, so that every order of float additions gives the same results."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from math import ceil, lcm

import numpy as np

from hlsgen.requantise.mean import Mean

_MOST_FACTOR = 32
"""Numerators of the ratio of scales that are tried; with them the result is coarser by less than one in sixty where others allow it."""
_COARSEST = 1.125
"""A result whose steps would have to grow by more keeps its ties."""


@dataclass(frozen=True)
class Means:
    """Means of elements in steps of ``scale``, of ``counts`` elements each (one count for every kind of window at the border).

    ``least`` and ``greatest``: bounds of an element less its zero point. ``low`` and ``high``: bounds of a result.
    """

    scale: float
    counts: Collection[int]
    least: int
    greatest: int
    low: int
    high: int

    def near_halves(self, result_scale: float, zero_point: int) -> int:
        """How many sums lie near a half (``Mean.near_halves``), of all counts together; 0 is a proof of equality."""
        means = (
            Mean(self.scale, count, result_scale, zero_point, False) for count in set(self.counts)
        )
        bounds = self.least, self.greatest, self.low, self.high
        return sum(mean.near_halves(*bounds).size for mean in means)

    def tie_free(self, result_scale: float, zero_point: int) -> tuple[float, int] | None:
        """The finest quantisation, at least as coarse as the one given, with no sum near a half, and the zero point that keeps the
        range; None where none is found within an eighth."""
        for scale in _candidates(self.scale, self.counts, result_scale):
            zero = min(max(round(zero_point * result_scale / scale), self.low), self.high)
            if self.near_halves(scale, zero) == 0:
                return scale, zero
        return None


def _candidates(scale: float, counts: Collection[int], result_scale: float) -> Iterator[float]:
    """``result_scale`` and coarser ones, finest first.

    If scale / (count * result_scale) = P / Q with Q odd, then 2 * (sum * P / Q - (k + 1/2)) = (2 * sum * P - (2 * k + 1) * Q) / Q has an
    odd numerator: no sum comes closer to a half than 1 / (2 * Q). So scale / result_scale is made a ratio of a common multiple of the
    powers of two in the counts, and an odd number.
    """
    least = float(np.float32(result_scale))
    twos = max(count & -count for count in counts)
    odd = {count // (count & -count) for count in counts}
    bases = [twos * multiple for multiple in {1, *odd, lcm(*odd)}]
    scales = {least}
    for numerator in (base * factor for base in bases for factor in range(1, _MOST_FACTOR + 1)):
        denominator = ceil(numerator * least / scale) | 1
        scales.add(float(np.float32(scale * denominator / numerator)))
    return iter(sorted(s for s in scales if least <= s <= _COARSEST * least))
