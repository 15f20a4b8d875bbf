"""Two-term subexpressions that occur more than once, made once: the greedy elimination of common subexpressions.

The algorithm's class is that of Hartley (1996) and Pasko et al. (1999), applied to whole matrices as da4ml does (Sun et al., "da4ml: Distributed
Arithmetic for Real-time Neural Networks on FPGAs", 2025): of all pairs of terms the one is made first whose
sharing saves most bits of carry chains.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

import numpy as np

from hlsgen.algebra.adder_graph import Addition, ShiftedNode
from hlsgen.constant_products.digits import signed_digits
from hlsgen.constant_products.growing import GrowingGraph

TermPlace: TypeAlias = tuple[int, int]
"""(shift, node) of a term of an output: in this order the first of a pair is the one that is not shifted."""


class Pair(NamedTuple):
    """node ``first`` plus or minus node ``second`` * 2**shift."""

    first: int
    second: int
    shift: int
    sign: int

    @property
    def total(self) -> Addition:
        """The pair as a sum."""
        return Addition(
            ShiftedNode(self.first), ShiftedNode(self.second, self.shift, self.sign < 0)
        )


class SharedTerms:
    """The terms of every output, in which pairs are replaced by nodes of ``graph``."""

    def __init__(self, graph: GrowingGraph, matrix: np.ndarray) -> None:
        self.graph = graph
        self.terms: list[dict[TermPlace, int]] = [{} for _ in matrix]
        """Of every output: 1 or -1 of each term."""
        self._uses: dict[int, dict[int, int]] = {}
        self._counts: dict[Pair, int] = {}
        self._bits: dict[Pair, int] = {}
        self._queue: list[tuple[int, Pair]] = []
        for output, node in zip(*np.nonzero(matrix), strict=True):
            for shift, sign in signed_digits(int(matrix[output, node])):
                self._insert(int(output), (shift, int(node)), sign)

    def share(self) -> None:
        """Make the pair whose sharing saves most, again and again, until none occurs twice."""
        while self._queue:
            priority, pair = heapq.heappop(self._queue)
            count = self._counts.get(pair, 0)
            if count < 2:
                continue
            now = -(count - 1) * self._cost(pair)
            if now > priority:  # it occurs less often than when it was put in
                heapq.heappush(self._queue, (now, pair))
                continue
            places = list(self._occurrences(pair))
            if len(places) < 2:
                self._counts[pair] = 0
                continue
            node = self.graph.add(pair.total)
            for output, first, second in places:
                sign = self._remove(output, first)
                self._remove(output, second)
                self._insert(output, (first[0], node), sign)

    def _occurrences(self, pair: Pair) -> Iterator[tuple[int, TermPlace, TermPlace]]:
        """(output, places of the two terms) where the pair occurs; no term is in two of them."""
        for output in list(self._uses.get(pair.first, ())):
            terms = self.terms[output]
            taken: set[TermPlace] = set()
            for first in sorted(place for place in terms if place[1] == pair.first):
                second = (first[0] + pair.shift, pair.second)
                free = second in terms and second != first and not taken & {first, second}
                if free and terms[first] * terms[second] == pair.sign:
                    taken |= {first, second}
                    yield output, first, second

    def _cost(self, pair: Pair) -> int:
        if pair not in self._bits:
            self._bits[pair] = self.graph.bits(pair.total)
        return self._bits[pair]

    def _insert(self, output: int, place: TermPlace, sign: int) -> None:
        terms = self.terms[output]
        if place in terms:  # x + x is 2x, x - x nothing
            other = self._remove(output, place)
            if other == sign:
                self._insert(output, (place[0] + 1, place[1]), sign)
            return
        self._count(output, place, sign, 1)
        terms[place] = sign
        uses = self._uses.setdefault(place[1], {})
        uses[output] = uses.get(output, 0) + 1

    def _remove(self, output: int, place: TermPlace) -> int:
        sign = self.terms[output].pop(place)
        self._count(output, place, sign, -1)
        uses = self._uses[place[1]]
        uses[output] -= 1
        if not uses[output]:
            del uses[output]
        return sign

    def _count(self, output: int, place: TermPlace, sign: int, change: int) -> None:
        """The pairs of a term with the others of its output occur once more or less."""
        shift, node = place
        for (other_shift, other), other_sign in self.terms[output].items():
            if (shift, node) < (other_shift, other):
                pair = Pair(node, other, other_shift - shift, sign * other_sign)
            else:
                pair = Pair(other, node, shift - other_shift, sign * other_sign)
            count = self._counts[pair] = self._counts.get(pair, 0) + change
            if change > 0 and count > 1:
                heapq.heappush(self._queue, (-(count - 1) * self._cost(pair), pair))
