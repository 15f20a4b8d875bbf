"""Element and tensor types shared by every IR."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hlsgen.errors import TypeMismatch

if TYPE_CHECKING:
    import numpy as np


def bounds(bits: int, signed: bool) -> tuple[int, int]:
    """The smallest and largest integer of ``bits`` bits, two's complement if ``signed``; no limit on ``bits``."""
    return (-(1 << (bits - 1)) if signed else 0), (1 << (bits - signed)) - 1


def narrowest(low: int, high: int) -> tuple[int, bool]:
    """(bits, signed) of the narrowest integers that hold all of [low, high]; unsigned where low >= 0."""
    if low >= 0:
        return max(1, high.bit_length()), False
    return max((~low).bit_length(), max(high, 0).bit_length()) + 1, True


def wrap(value: Any, bits: int) -> Any:
    """``value`` modulo 2**bits as a signed number, for int64 arrays or Python integers."""
    if bits >= 64:
        return value
    half = 1 << (bits - 1)
    return ((value + half) & ((1 << bits) - 1)) - half


@dataclass(frozen=True, order=True)
class ElementType:
    """A two's complement (``signed``) or unsigned integer of ``bits`` bits; text ``s8``, ``u8``.

    What a format is, everything asks here: its range, the bits of its values, and how arrays of them are held.
    ``symmetric``: signed, from minus the maximum on; text ``s2n`` for -1, 0 and 1. A symmetric one of one bit is ``bipolar``: -1 or 1, and its
    bit is its sign, 1 for -1. Arithmetic takes it as ``twos_complement``; it is one bit where it is stored or travels.
    """

    bits: int
    signed: bool
    symmetric: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.bits <= 64:
            raise TypeMismatch(
                f"element type {'s' if self.signed else 'u'}{self.bits}",
                f"expected 1 to 64 bits, found {self.bits}",
                "Use a narrower accumulator or a smaller layer.",
            )

    @property
    def minimum(self) -> int:
        return -self.maximum if self.symmetric else bounds(self.bits, self.signed)[0]

    @property
    def maximum(self) -> int:
        return 1 if self.bipolar else bounds(self.bits, self.signed)[1]

    @property
    def bipolar(self) -> bool:
        """Whether it holds -1 and 1, in one bit."""
        return self.symmetric and self.bits == 1

    @property
    def span(self) -> int:
        """Integers from the minimum to the maximum."""
        return self.maximum - self.minimum + 1

    @property
    def twos_complement(self) -> ElementType:
        """The type itself; -1, 0 and 1 in two bits, as arithmetic has the values, of a bipolar one."""
        return ElementType(2, True, True) if self.bipolar else self

    @property
    def at_ports(self) -> ElementType:
        """The type of two's complement or unsigned integers in which the values cross the border of a design."""
        return ElementType(self.twos_complement.bits, self.signed)

    @property
    def storage(self) -> np.dtype:
        """The NumPy type in which tensors are held: u8 and narrower in uint8, else the narrowest signed one.

        Wide unsigned types are held in signed ones since not every array library has them; those of 64 bits have no other.
        """
        import numpy as np  # here, since the command line starts without it

        if not self.signed and (self.bits <= 8 or self.bits == 64):
            return np.dtype(np.uint8 if self.bits <= 8 else np.uint64)
        needed = self.bits + (not self.signed)
        return np.dtype(f"int{next(width for width in (8, 16, 32, 64) if needed <= width)}")

    @property
    def native(self) -> np.dtype:
        """The NumPy type of arrays that users give and get: the type's own where there is one of 8, 16 or 32 bits, else int64."""
        import numpy as np  # here, since the command line starts without it

        if self.bits in (8, 16, 32):
            return np.dtype(f"{'' if self.signed else 'u'}int{self.bits}")
        return np.dtype(np.int64)

    @property
    def bytes(self) -> int:
        """Bytes that a value takes in a stream or a file."""
        return -(-self.bits // 8)

    def encode(self, values: Any) -> Any:
        """The bit patterns of values (int64 array or Python integer): non-negative but where there are 64 bits in int64."""
        if self.bipolar:
            return (1 - values) >> 1
        return values if self.bits >= 64 else values & ((1 << self.bits) - 1)

    def decode(self, patterns: Any) -> Any:
        """The values of bit patterns, of which the lowest ``bits`` count (int64 array or Python integer)."""
        if self.bipolar:
            return 1 - 2 * (patterns & 1)
        return wrap(patterns, self.bits) if self.signed else self.encode(patterns)

    def to_bytes(self, values: np.ndarray) -> np.ndarray:
        """The values' bit patterns as uint8, little-endian along a new last axis of ``bytes``."""
        import numpy as np  # here, since the command line starts without it

        patterns = np.ascontiguousarray(self.encode(values.astype(np.int64)), "<i8")
        return patterns[..., None].view(np.uint8)[..., : self.bytes]

    def __str__(self) -> str:
        if self.bipolar:
            return "bipolar"
        return f"{'s' if self.signed else 'u'}{self.bits}{'n' if self.symmetric else ''}"

    @classmethod
    def parse(cls, text: str) -> ElementType:
        """The type whose text form is ``text``; raises TypeMismatch for any other text."""
        if text == str(BIPOLAR):
            return BIPOLAR
        if not (match := re.fullmatch(r"(?:(u)|s)(\d+)(?(1)|(n?))", text)):
            raise TypeMismatch(
                "element type", f"expected s<bits> or u<bits>, found {text!r}", "Write e.g. s8."
            )
        return cls(int(match[2]), match[1] is None, bool(match[3]))

    @classmethod
    def holding(cls, low: int, high: int) -> ElementType:
        """The narrowest type that holds every integer of [low, high]; unsigned where low >= 0."""
        return cls(*narrowest(low, high))


S8 = ElementType(8, True)
U8 = ElementType(8, False)
BIPOLAR = ElementType(1, True, True)
