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


_ORDERS = 100
"""Orders of placing that are tried where the first does not fit: more than there are tensors at a time in any network."""


def place_by_lifetime(lifetimes: Sequence[Lifetime], capacity: int) -> Mapping[str, int]:
    """An address for everything such that nothing needed at the same step overlaps, below ``capacity`` where an order is found.

    The largest first, each at the lowest address that is free for all of its life. While that reaches over the capacity, what ends
    highest is placed first the next time. The lowest placement is returned.
    """
    order = sorted(lifetimes, key=lambda i: (-i.size, i.first, i.name))
    best = addresses = _in_order(order)
    for _ in range(_ORDERS):
        if highest(lifetimes, best) <= capacity:
            break
        last = max(order, key=lambda i: addresses[i.name] + i.size)
        order = [last, *(other for other in order if other is not last)]
        addresses = _in_order(order)
        best = min(best, addresses, key=lambda a: highest(lifetimes, a))
    return best


def _in_order(order: Sequence[Lifetime]) -> Mapping[str, int]:
    placed: list[tuple[Lifetime, int]] = []
    for lifetime in order:
        others = sorted(
            (address, address + other.size) for other, address in placed if lifetime.meets(other)
        )
        lowest = 0
        for begin, end in others:
            if lowest + lifetime.size <= begin:
                break
            lowest = max(lowest, end)
        placed.append((lifetime, lowest))
    return {lifetime.name: address for lifetime, address in placed}


def highest(lifetimes: Sequence[Lifetime], addresses: Mapping[str, int]) -> int:
    """How many elements a placement takes."""
    return max((addresses[lifetime.name] + lifetime.size for lifetime in lifetimes), default=0)


@dataclass(frozen=True)
class Stored:
    """Blocks in a memory that many runs share: where each begins. ``resident[n]``: loaded once for all samples; else it is loaded for its
    run in every sample, and ``waits[n]``: the run before must have ended first."""

    addresses: tuple[int, ...]
    resident: tuple[bool, ...]
    waits: tuple[bool, ...]


def store_blocks(sizes: Sequence[int], capacity: int, what: str, where: str) -> Stored:
    """Blocks one after the other where all fit. Else two buffers take turns, so that one is loaded while the other is used, and as
    many blocks stay beside them as fit.

    Without room for two buffers there is one, whose blocks wait. Raises DoesNotFit where a block exceeds ``capacity`` (in units
    of ``what``).
    """
    largest = max(sizes, default=0)
    if largest > capacity:
        raise DoesNotFit(
            where,
            f"expected at most {capacity} {what} in a tile, found {largest} ({largest - capacity} too many)",
            "Use a fabric with larger tiles, or --schedule stream.",
        )
    whole = sum(sizes) <= capacity
    buffers = 0 if whole else 2 if 2 * largest <= capacity else 1
    free = buffers * largest
    addresses, resident, waits, turn = [], [], [], 0
    for size in sizes:
        stays = free + size <= capacity
        resident.append(stays)
        waits.append(not stays and buffers == 1)
        addresses.append(free if stays else turn * largest)
        if stays:
            free += size
        else:
            turn = (turn + 1) % buffers
    return Stored(tuple(addresses), tuple(resident), tuple(waits))


def loaded(sizes: Sequence[int], stored: Stored) -> int:
    """How much is loaded for every sample."""
    return sum(size for size, stays in zip(sizes, stored.resident, strict=True) if not stays)
