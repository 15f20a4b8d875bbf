"""What a requantisation means: the float32 steps of ONNX Runtime 1.32 on x86-64 (mlas/lib/quantize.cpp), and its steps."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from hlsgen.errors import TypeMismatch
from hlsgen.requantise.mean import Mean
from hlsgen.requantise.shift import FixedShift
from hlsgen.requantise.steps import FloatSteps


@dataclass(frozen=True, eq=False)
class Rounding:
    """A layer's requantisation: clamp(RNE(f32(f32(acc) * scale)) + zero_point, low, high) for channel-wise scales.

    All arrays have one element per channel: ``scale`` float32, ``accumulator_low`` and ``accumulator_high`` int64, the
    least and greatest accumulator that the channel can have. With a ``mean`` the accumulators are sums whose mean is rounded by
    that rule instead (one channel); with ``steps`` they go through these; with a ``shift`` they are fixed-point numbers (one channel).
    """

    scale: np.ndarray
    zero_point: int
    low: int
    high: int
    accumulator_low: np.ndarray
    accumulator_high: np.ndarray
    mean: Mean | None = None
    steps: FloatSteps | None = None
    shift: FixedShift | None = None

    def __post_init__(self) -> None:
        if not np.all(np.isfinite(self.scale) & (self.scale > 0)):
            raise TypeMismatch(
                "requantisation",
                f"expected positive finite scales, found {self.scale.min()} to {self.scale.max()}",
                "Quantise the model again; a scale of 0 or infinity has no meaning.",
            )
        assert self.scale.dtype == np.float32
        assert self.scale.shape == self.accumulator_low.shape == self.accumulator_high.shape
        assert np.all(self.accumulator_low <= self.accumulator_high)
        assert self.low <= self.high

    def select(self, channels: np.ndarray) -> Rounding:
        """The same for some of the channels."""
        return replace(
            self,
            scale=self.scale[channels],
            accumulator_low=self.accumulator_low[channels],
            accumulator_high=self.accumulator_high[channels],
            steps=None if self.steps is None else self.steps.select(channels),
        )

    def evaluate(self, accumulators: np.ndarray) -> np.ndarray:
        """The results for ``accumulators`` (channels, anything)."""
        if self.shift is not None:
            return np.clip(self.shift.results(accumulators), self.low, self.high)
        if self.mean is not None:
            results = self.mean.results(np, accumulators.astype(np.float32))
            return np.clip(results, self.low, self.high).astype(np.int64)
        if self.steps is not None:
            shape = (-1, *(1,) * (accumulators.ndim - 1))
            results = self.steps.results(np, accumulators, shape)
            return np.clip(results, self.low, self.high).astype(np.int64)
        scale = np.expand_dims(self.scale, tuple(range(1, accumulators.ndim)))
        return requantise(accumulators, scale, self.zero_point, self.low, self.high)


def requantise(
    accumulators: np.ndarray, scale: np.ndarray, zero_point: int, low: int, high: int
) -> np.ndarray:
    """clamp(RNE(f32(f32(acc) * scale)) + zero_point, low, high) as int64; ``scale`` float32, broadcast.

    The bounds are applied before rounding, as in the source: every bound is an integer, so the result is the same.
    """
    with np.errstate(over="ignore"):  # what is beyond float32 is beyond the bounds
        product = np.asarray(accumulators).astype(np.float32) * np.asarray(scale, dtype=np.float32)
    bounded = np.clip(product, np.float32(low - zero_point), np.float32(high - zero_point))
    return np.asarray(np.rint(bounded).astype(np.int64) + zero_point)


def thresholds(rounding: Rounding) -> np.ndarray:
    """T[c, n] = the least accumulator of channel c with a result of at least low + 1 + n; int64 (channels, high - low).

    ``accumulator_low`` where every accumulator reaches it, ``accumulator_high + 1`` where none does. The requantisation is
    monotone in the accumulator, so bisection finds it.
    """
    count = rounding.high - rounding.low
    least_results = np.arange(rounding.low + 1, rounding.high + 1)[None]
    below = np.repeat(rounding.accumulator_low[:, None] - 1, count, axis=1)
    reached = np.repeat(rounding.accumulator_high[:, None] + 1, count, axis=1)
    for _ in range(int((reached - below).max(initial=0)).bit_length()):
        middle = (below + reached) >> 1
        enough = rounding.evaluate(middle) >= least_results
        open_ = reached - below > 1
        reached = np.where(open_ & enough, middle, reached)
        below = np.where(open_ & ~enough, middle, below)
    return reached
