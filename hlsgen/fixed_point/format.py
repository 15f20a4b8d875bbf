"""Fixed-point formats: integers that stand for reals in steps of a power of two."""

from __future__ import annotations

from dataclasses import dataclass
from math import frexp
from typing import Any

import numpy as np

from hlsgen.algebra.types import ElementType
from hlsgen.ops.op import QuantisedOutput
from hlsgen.ops.tensor_type import Quantisation

LEAST_FRACTION, MOST_FRACTION = -40, 40
"""Of formats: values beyond 2**55 or all below 2**-17 (of 24 bits) keep fewer significant bits."""


@dataclass(frozen=True)
class Format:
    """real = integer / 2**fraction, with integers of ``element``."""

    element: ElementType
    fraction: int

    @classmethod
    def holding(cls, bits: int, low: float, high: float) -> Format:
        """The finest signed format of ``bits`` bits that holds every real of [low, high]."""
        element = ElementType(bits, True)
        largest = max(abs(low), abs(high))
        fraction = bits - 1 - frexp(largest)[1] if largest > 0 else bits - 1
        fraction = max(LEAST_FRACTION, min(MOST_FRACTION, fraction))
        if round(largest * 2.0**fraction) > element.maximum and fraction > LEAST_FRACTION:
            fraction -= 1
        return cls(element, fraction)

    @property
    def step(self) -> float:
        """The real that 1 stands for."""
        return 2.0**-self.fraction

    @property
    def quantisation(self) -> Quantisation:
        """The same as QuantizeLinear has it."""
        return Quantisation((self.step,), (0,))

    @property
    def output(self) -> QuantisedOutput:
        """What an operator with integer sums is asked for."""
        e = self.element
        return QuantisedOutput(self.step, 0, e.minimum, e.maximum, e, False, shifted=True)

    def quantise(self, reals: Any) -> np.ndarray:
        """The nearest integers, halves up, saturated; int64."""
        scaled = np.floor(np.asarray(reals, np.float64) * 2.0**self.fraction + 0.5)
        return np.clip(scaled, self.element.minimum, self.element.maximum).astype(np.int64)

    def __str__(self) -> str:
        return f"{self.element}.{self.fraction}"
