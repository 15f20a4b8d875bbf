"""Affine forms of loop counters: indices of tensors and addresses of memories, their ranges, values and steps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np


class Counted(Protocol):
    """Anything with the name and the trips of a loop."""

    @property
    def name(self) -> str: ...

    @property
    def extent(self) -> int: ...


def box(loops: Iterable[Counted]) -> dict[str, range]:
    """All trips of every loop, by name."""
    return {loop.name: range(loop.extent) for loop in loops}


@dataclass(frozen=True)
class Affine:
    """``offset + sum(coefficient * loop)``; terms with coefficient 0 are not kept."""

    offset: int = 0
    terms: tuple[tuple[str, int], ...] = ()

    def coefficient(self, loop: str) -> int:
        """The coefficient of a loop; 0 where the form has no such term."""
        return dict(self.terms).get(loop, 0)

    def at(self, position: Mapping[str, Any]) -> Any:
        """The value where each loop has the trip ``position[loop]``: integers, or arrays that broadcast."""
        return self.offset + sum(c * position[name] for name, c in self.terms)

    def values(self, trips: Mapping[str, np.ndarray], shape: int | Sequence[int]) -> np.ndarray:
        """The values, int64 of ``shape``, over iterations given by the trips of each loop (arrays that broadcast to it)."""
        return np.full(shape, 0, dtype=np.int64) + self.at(trips)

    def range(self, trips: Mapping[str, range]) -> tuple[int, int]:
        """The least and the greatest value over a box, in which each loop takes the trips of its range (0 where it has none)."""
        low = high = self.offset
        for name, coefficient in self.terms:
            span = trips.get(name, range(1))
            ends = coefficient * span.start, coefficient * (span.stop - 1)
            low, high = low + min(ends), high + max(ends)
        return low, high

    def plus(self, other: Affine, factor: int = 1) -> Affine:
        """``self + factor * other``."""
        terms = dict(self.terms)
        for name, coefficient in other.terms:
            terms[name] = terms.get(name, 0) + factor * coefficient
        kept = tuple((name, coefficient) for name, coefficient in terms.items() if coefficient)
        return Affine(self.offset + factor * other.offset, kept)

    def substitute(self, loop: str, value: Affine) -> Affine:
        """The form with the trips of ``loop`` replaced by ``value``."""
        others = Affine(self.offset, tuple(term for term in self.terms if term[0] != loop))
        return others.plus(value, self.coefficient(loop))


def growth(strides: Sequence[int], extents: Sequence[int]) -> int:
    """What ``sum(stride * trip)`` has grown by at the last iteration of a nest of ``extents`` trips."""
    return sum(stride * (extent - 1) for stride, extent in zip(strides, extents, strict=True))


def deltas(strides: Sequence[int], extents: Sequence[int]) -> tuple[int, ...]:
    """What a counter of ``sum(stride * trip)`` adds, by the outermost level that advances: all inside it go back to their first trip.

    Levels outermost first; 0 for those of one trip, which never advance.
    """
    return tuple(
        strides[k] - growth(strides[k + 1 :], extents[k + 1 :]) if extents[k] > 1 else 0
        for k in range(len(strides))
    )


def strides_of(steps: Sequence[int], extents: Sequence[int]) -> tuple[int, ...]:
    """The inverse of ``deltas``; 0 for levels of one trip."""
    strides = [0] * len(steps)
    inside = 0
    for k in reversed(range(len(steps))):
        if extents[k] > 1:
            strides[k] = steps[k] + inside
            inside += strides[k] * (extents[k] - 1)
    return tuple(strides)
