"""Rounding by a shift to the right: what is left of a requantiser whose factors are part of the sums."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hlsgen.algebra.scalar_op import ordered
from hlsgen.algebra.types import ElementType
from hlsgen.errors import TypeMismatch


@dataclass(frozen=True)
class ShiftRounding:
    """clamp(round(x / 2**shift) + offset, low, high): rounded down, or with ``to_even`` to the nearest, halves to the even one.

    With ``signs`` instead 1 where x is 0 or more, else -1.
    """

    shift: int
    offset: int
    low: int
    high: int
    to_even: bool = False
    signs: bool = False

    def __post_init__(self) -> None:
        ordered("ShiftRounding", self.low, self.high)
        if self.shift < self.to_even:
            raise TypeMismatch(
                "ShiftRounding",
                f"expected a shift of at least {int(self.to_even)} bits, found {self.shift}",
                "Use a non-negative shift, and one that leaves a half where halves are rounded.",
            )

    @classmethod
    def nothing(cls, element: ElementType) -> ShiftRounding:
        """What keeps every value of ``element``."""
        return cls(0, 0, element.minimum, element.maximum)

    @classmethod
    def to_signs(cls) -> ShiftRounding:
        """What leaves a sign."""
        return cls(0, 0, -1, 1, signs=True)

    def evaluate(self, xp: Any, x: Any) -> Any:
        """The results of an integer array."""
        if self.signs:
            return xp.where(x >= 0, xp.ones_like(x), -xp.ones_like(x))
        whole = x >> self.shift
        if self.to_even:
            rest, half = x - (whole << self.shift), 1 << (self.shift - 1)
            whole = whole + xp.where((rest > half) | ((rest == half) & (whole % 2 == 1)), 1, 0)
        return xp.clip(whole + self.offset, self.low, self.high)

    def changes(self, low: int, high: int) -> bool:
        """Whether any integer of [low, high] has another result than itself."""
        return bool(self.signs or self.shift or self.offset or low < self.low or high > self.high)
