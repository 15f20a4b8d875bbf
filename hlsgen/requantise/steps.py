"""Rules of several float32 steps: factors and addends by channel between Dequantize and Quantize."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

import numpy as np

StepKind: TypeAlias = Literal["multiply", "add"]


FloatStep: TypeAlias = tuple[StepKind, tuple[float, ...]]
"""One float32 step: times or plus values, one or one for each channel."""


@dataclass(frozen=True)
class FloatSteps:
    """RNE(f32(real / result_scale)) + zero_point, where real = f32(acc - input_zero) after ``steps``, each rounded to float32.

    Every product of factors of a channel is 0 or more, so that the result never decreases with acc.
    """

    input_zero: int
    steps: tuple[FloatStep, ...]
    result_scale: float
    zero_point: int

    @property
    def slopes(self) -> np.ndarray:
        """Results for each step of acc, channel by channel (one if all have the same); float32, above 0."""
        slope = np.ones(1, np.float64) / np.float64(np.float32(self.result_scale))
        for kind, values in self.steps:
            if kind == "multiply":
                slope = slope * np.array(values, np.float32).astype(np.float64)
        return np.maximum(slope, _LEAST_SLOPE).astype(np.float32)

    def results(self, xp: Any, acc: Any, shape: tuple[int, ...]) -> Any:
        """The result, without bounds, whole numbers in float32, for integers; ``shape`` broadcasts one number per channel against them."""
        device = getattr(acc, "device", None)

        def constant(values: tuple[float, ...] | float) -> Any:
            array = xp.asarray(np.array(values, np.float32), device=device)
            return xp.reshape(array, shape) if array.ndim and array.shape[0] > 1 else array

        real = xp.astype(acc - self.input_zero, xp.float32)
        for kind, values in self.steps:
            real = real * constant(values) if kind == "multiply" else real + constant(values)
        return xp.round(real / constant(self.result_scale)) + self.zero_point

    def select(self, channels: np.ndarray) -> FloatSteps:
        """The same for some of the channels."""
        steps: list[FloatStep] = [
            (kind, values if len(values) == 1 else tuple(values[c] for c in channels))
            for kind, values in self.steps
        ]
        return replace(self, steps=tuple(steps))


_LEAST_SLOPE = 2.0**-30
