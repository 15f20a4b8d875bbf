"""Fixed-point numbers to others with fewer fraction bits."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import frexp
from typing import Any

import numpy as np

from hlsgen.algebra.types import ElementType
from hlsgen.ops.op import Example, QuantisedOutput
from hlsgen.ops.requantise import Requantise
from hlsgen.ops.tensor_type import AnyArray, TensorType
from hlsgen.requantise import FixedShift, Rounding


@dataclass(frozen=True)
class ShiftRequantise(Requantise):
    """y = clamp(floor((acc * multiplier + addend) / 2**shift), low, high); without an addend the nearest integer, halves up."""

    multiplier: int = 1
    shift: int = 0
    addend: int | None = None

    @classmethod
    def to(
        cls, output: QuantisedOutput, scale: float | tuple[float, ...], factor: float = 1.0
    ) -> ShiftRequantise:
        """From steps of ``scale``, a power of two, to a quantised output with another; the sums are multiplied by ``factor`` (1 / count of a
        mean), which is rounded to 2 bits more than the result has, where it is not a power of two."""
        step = scale if isinstance(scale, float) else scale[0]
        mantissa, exponent = frexp(step * factor / output.scale)
        bits = output.element.bits + 2
        multiplier = round(mantissa * 2**bits)
        shift = bits - exponent
        while shift > 0 and multiplier % 2 == 0:
            multiplier, shift = multiplier // 2, shift - 1
        if shift < 0:
            multiplier, shift = multiplier << -shift, 0
        bounds = output.zero_point, output.low, output.high, output.element
        return cls((step * factor / output.scale,), *bounds, multiplier, shift)

    @classmethod
    def ramp(
        cls, shift: int, addend: int, low: int, high: int, element: ElementType
    ) -> ShiftRequantise:
        """clamp((acc + addend) >> shift, low, high)."""
        return cls((2.0**-shift,), 0, low, high, element, 1, shift, addend)

    def bounded(self, more: int, low: int, high: int) -> ShiftRequantise:
        """The same in steps finer by 2**more, within bounds in these steps."""
        assert self.addend is None, "only the nearest integer is the same in finer steps"
        shift = self.shift - more
        multiplier = self.multiplier << max(0, -shift)
        scale = tuple(s * 2.0**more for s in self.scale)
        return replace(
            self, scale=scale, low=low, high=high, multiplier=multiplier, shift=max(0, shift)
        )

    @property
    def rule(self) -> FixedShift:
        """The rounding."""
        if self.addend is None:
            return FixedShift.nearest(self.multiplier, self.shift)
        return FixedShift(self.multiplier, self.shift, self.addend)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        (x,) = arrays
        return xp.clip(self.rule.results(xp.astype(x, xp.int64)), self.low, self.high)

    def rounding(self, low: np.ndarray, high: np.ndarray) -> Rounding:
        return replace(super().rounding(low, high), shift=self.rule)

    @staticmethod
    def examples() -> tuple[Example, ...]:
        wide, s16 = ElementType(30, True), ElementType(16, True)
        output = QuantisedOutput(2.0**-8, 0, s16.minimum, s16.maximum, s16, shifted=True)
        relu = QuantisedOutput(2.0**-8, 0, 0, 20000, s16, shifted=True)
        sums = TensorType((1, 3, 2, 5), wide)
        return (
            Example(ShiftRequantise.to(output, 2.0**-21), (sums,), {}),
            Example(ShiftRequantise.to(relu, 2.0**-19, 1 / 7), (sums,), {}),
            Example(ShiftRequantise.to(output, 2.0**-5), (TensorType((1, 7), s16),), {}),
            Example(ShiftRequantise.ramp(5, -7, 0, 63, ElementType(6, False)), (sums,), {}),
        )
