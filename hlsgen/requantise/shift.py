"""The rounding of fixed-point numbers: a factor, an addend, then a shift to the right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class FixedShift:
    """floor((acc * multiplier + addend) / 2**bits): with an addend of a half the nearest integer, halves up."""

    multiplier: int
    bits: int
    addend: int

    @classmethod
    def nearest(cls, multiplier: int, bits: int) -> FixedShift:
        """To the nearest integer, halves up."""
        return cls(multiplier, bits, (1 << bits) >> 1)

    def results(self, acc: Any) -> Any:
        """The rounded values of int64 arrays or Python integers, without bounds."""
        return (acc * self.multiplier + self.addend) >> self.bits
