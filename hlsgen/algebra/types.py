"""Element and tensor types shared by every IR."""

from __future__ import annotations

import re
from dataclasses import dataclass

from hlsgen.errors import TypeMismatch


def bounds(bits: int, signed: bool) -> tuple[int, int]:
    """The smallest and largest integer of ``bits`` bits, two's complement if ``signed``; no limit on ``bits``."""
    return (-(1 << (bits - 1)) if signed else 0), (1 << (bits - signed)) - 1


def narrowest(low: int, high: int) -> tuple[int, bool]:
    """(bits, signed) of the narrowest integers that hold all of [low, high]; unsigned where low >= 0."""
    if low >= 0:
        return max(1, high.bit_length()), False
    return max((~low).bit_length(), max(high, 0).bit_length()) + 1, True


@dataclass(frozen=True, order=True)
class ElementType:
    """A two's complement (``signed``) or unsigned integer of ``bits`` bits; text ``s8``, ``u8``."""

    bits: int
    signed: bool

    def __post_init__(self) -> None:
        if not 1 <= self.bits <= 64:
            raise TypeMismatch(
                f"element type {'s' if self.signed else 'u'}{self.bits}",
                f"expected 1 to 64 bits, found {self.bits}",
                "Use a narrower accumulator or a smaller layer.",
            )

    @property
    def minimum(self) -> int:
        return bounds(self.bits, self.signed)[0]

    @property
    def maximum(self) -> int:
        return bounds(self.bits, self.signed)[1]

    def __str__(self) -> str:
        return f"{'s' if self.signed else 'u'}{self.bits}"

    @classmethod
    def parse(cls, text: str) -> ElementType:
        """The type whose text form is ``text``; raises TypeMismatch for any other text."""
        if not (found := re.fullmatch(r"([su])(\d+)", text)):
            raise TypeMismatch(
                "element type", f"expected s<bits> or u<bits>, found {text!r}", "Write e.g. s8."
            )
        return cls(int(found[2]), found[1] == "s")

    @classmethod
    def holding(cls, low: int, high: int) -> ElementType:
        """The narrowest type that holds every integer of [low, high]; unsigned where low >= 0."""
        return cls(*narrowest(low, high))


S8 = ElementType(8, True)
U8 = ElementType(8, False)
