"""Quotients and square roots of integers: scalar operators for normalisations."""

from __future__ import annotations

from dataclasses import dataclass
from math import isqrt
from typing import Any

from hlsgen.algebra.scalar_op import ScalarOp, ordered
from hlsgen.algebra.types import ElementType


@dataclass(frozen=True)
class Divide(ScalarOp):
    """clamp(floor(a / b + 1/2), low, high); where b is 0 or less, ``low`` for a below 0, else ``high``."""

    operands = 2
    low: int
    high: int

    def __post_init__(self) -> None:
        ordered("Divide", self.low, self.high)

    def evaluate(self, xp: Any, *arrays: Any) -> Any:
        a, b = arrays
        positive = b > 0
        divisor = xp.where(positive, b, b * 0 + 1)
        quotient = (2 * a + divisor) // (2 * divisor)
        limit = xp.where(a < 0, a * 0 + self.low, a * 0 + self.high)
        return xp.clip(xp.where(positive, quotient, limit), self.low, self.high)

    def result(self, *types: ElementType) -> ElementType:
        return ElementType.holding(self.low, self.high)


@dataclass(frozen=True)
class SquareRoot(ScalarOp):
    """floor(sqrt(x * 4**bits + offset)), where an x below 0 counts as 0. Exact for radicands below 2**62."""

    operands = 1
    bits: int = 0
    offset: int = 0

    def evaluate(self, xp: Any, *arrays: Any) -> Any:
        x = (xp.maximum(arrays[0], arrays[0] * 0) << 2 * self.bits) + self.offset
        root = xp.astype(xp.sqrt(xp.astype(x, xp.float64)), xp.int64)
        root = xp.where(root * root > x, root - 1, root)
        return xp.where((root + 1) * (root + 1) <= x, root + 1, root)

    def result(self, *types: ElementType) -> ElementType:
        (x,) = types
        return ElementType.holding(0, isqrt((max(0, x.maximum) << 2 * self.bits) + self.offset))
