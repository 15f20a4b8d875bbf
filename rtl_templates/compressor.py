"""The tree of full adders that counts bits (Differences): what it is made of, and what latency and cost are made from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True)
class CompressorShape:
    """``levels`` of full adders behind the half adders, of which each has a register behind it; ``adders``: full ones; ``added``: bits of the
    last adder; ``registers``: bits, without those of its result."""

    levels: int
    adders: int
    added: int
    registers: int


@cache
def compressor_shape(lanes: int) -> CompressorShape:
    """The tree of ``lanes`` bits: joined in pairs, then three bits of a weight at a time, until no weight has more than two."""
    heights = [-(-lanes // 2), lanes // 2]
    levels = adders = 0
    registers = sum(heights)
    while max(heights) > 2:
        adders += sum(height // 3 for height in heights)
        kept = [height - 2 * (height // 3) for height in heights]
        heights = [a + b // 3 for a, b in zip([*kept, 0], [0, *heights], strict=True)]
        levels += 1
        registers += sum(heights)
    double = [weight for weight, height in enumerate(heights) if height == 2]
    added = lanes.bit_length() - double[0] if double else 0
    return CompressorShape(levels, adders, added, registers)
