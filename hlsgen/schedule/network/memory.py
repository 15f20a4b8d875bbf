"""Where everything lies in the tiles: activations by lifetime, weights and parameters resident or loaded for every sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hlsgen.errors import DoesNotFit


@dataclass(frozen=True)
class Lifetime:
    """``size`` elements that are needed from step ``first`` to step ``last``, both inclusive."""

    name: str
    size: int
    first: int
    last: int

    def meets(self, other: Lifetime) -> bool:
        return self.first <= other.last and other.first <= self.last


def place_by_lifetime(items: Sequence[Lifetime]) -> Mapping[str, int]:
    """An address for everything such that nothing needed at the same step overlaps.

    The largest first, each at the lowest address that is free for all of its life.
    """
    placed: list[tuple[Lifetime, int]] = []
    for item in sorted(items, key=lambda i: (-i.size, i.first, i.name)):
        others = sorted(
            (address, address + other.size) for other, address in placed if item.meets(other)
        )
        lowest = 0
        for begin, end in others:
            if lowest + item.size <= begin:
                break
            lowest = max(lowest, end)
        placed.append((item, lowest))
    return {item.name: address for item, address in placed}


def highest(items: Sequence[Lifetime], addresses: Mapping[str, int]) -> int:
    """How many elements a placement takes."""
    return max((addresses[item.name] + item.size for item in items), default=0)


@dataclass(frozen=True)
class Stored:
    """Blocks in a memory that many runs share. ``addresses[n]`` of the n-th run's block; ``resident``: loaded once for all samples.

    Otherwise every run's block is loaded for it, and ``waits[n]``: the run before must have ended first.
    """

    addresses: tuple[int, ...]
    resident: bool
    waits: tuple[bool, ...]


def store_blocks(sizes: Sequence[int], capacity: int, what: str, where: str) -> Stored:
    """Blocks one after the other where all fit; else in alternate halves, so that one is loaded while the other is used.

    A block larger than a half begins at 0 and waits, as does the one after it. Raises DoesNotFit where a block exceeds
    ``capacity`` (in units of ``what``).
    """
    if sum(sizes) <= capacity:
        starts = [sum(sizes[:n]) for n in range(len(sizes))]
        return Stored(tuple(starts), True, (False,) * len(sizes))
    half = capacity // 2 // 4 * 4
    addresses, waits = [], []
    upper, large_before = False, False
    for size in sizes:
        if size > capacity:
            raise DoesNotFit(
                where,
                f"expected at most {capacity} {what} in a tile, found {size} ({size - capacity} too many)",
                "Use a fabric with larger tiles, or --schedule stream.",
            )
        large = size > half
        addresses.append(0 if large or not upper else half)
        waits.append(size > 0 and (large or large_before))
        if size:
            upper = large or not upper
            large_before = large
    return Stored(tuple(addresses), False, tuple(waits))
