"""Functions of a few bits as tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class LookupTable:
    """values[index], where the index is the lowest ``bits`` bits of each of ``inputs`` (places in a word), the first in its lowest bits."""

    inputs: tuple[int, ...]
    bits: int
    values: tuple[int, ...]

    @property
    def index_bits(self) -> int:
        """Bits of the index."""
        return self.bits * len(self.inputs)

    @property
    def range(self) -> tuple[int, int]:
        """The least and the greatest value."""
        return min(self.values), max(self.values)

    def evaluate(self, xp: Any, word: Sequence[Any]) -> Any:
        """The values for arrays of the word's elements."""
        index = xp.zeros_like(word[self.inputs[0]])
        for number, place in enumerate(self.inputs):
            index = index | ((word[place] & ((1 << self.bits) - 1)) << (self.bits * number))
        return xp.take(xp.asarray(self.values), index)
