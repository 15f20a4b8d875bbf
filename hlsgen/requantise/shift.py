"""The rounding of fixed-point numbers: a factor, then a shift to the right that rounds halves up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class FixedShift:
    """floor(acc * multiplier / 2**bits + 1/2): the nearest integer, halves up."""

    multiplier: int
    bits: int

    @property
    def addend(self) -> int:
        """A half, before the shift."""
        return (1 << self.bits) >> 1

    def results(self, acc: Any) -> Any:
        """The rounded values of int64 arrays or Python integers, without bounds."""
        return (acc * self.multiplier + self.addend) >> self.bits
