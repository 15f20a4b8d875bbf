"""An adder graph while it grows, and what a further sum would cost."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hlsgen.algebra.adder_graph import AdderGraph, Addition, Range, ShiftedNode, chain_bits


class GrowingGraph:
    """Nodes with their ranges and levels; a sum that is there already is not added again."""

    def __init__(self, inputs: Sequence[Range]) -> None:
        self.inputs = tuple((int(low), int(high)) for low, high in inputs)
        self.sums: list[Addition] = []
        self.ranges: list[Range] = list(self.inputs)
        self.levels = [0] * len(self.inputs)
        self._ends = np.array([*self.inputs, (1, 1)], np.int64).reshape(-1, 2)
        self._rows = list(np.eye(len(self.inputs), len(self.inputs) + 1, dtype=np.int64))
        self._known: dict[Addition, int] = {}
        self._bits: dict[Addition, int] = {}

    def add(self, total: Addition) -> int:
        """The node of a sum."""
        if total not in self._known:
            first, second = total.first, total.second
            row = self._rows[first.node] * first.factor
            if isinstance(second, int):
                row = row.copy()
                row[-1] += second
            else:
                row = row + self._rows[second.node] * second.factor
            products = row[:, None] * self._ends
            self._known[total] = len(self.ranges)
            self.sums.append(total)
            self._rows.append(row)
            self.ranges.append((int(products.min(axis=1).sum()), int(products.max(axis=1).sum())))
            self.levels.append(1 + self.level(total))
        return self._known[total]

    def level(self, total: Addition) -> int:
        """The later of the levels of its terms."""
        level = self.levels[total.first.node]
        return (
            level if isinstance(total.second, int) else max(level, self.levels[total.second.node])
        )

    def bits(self, total: Addition) -> int:
        """Bits of the carry chain of a sum; at most one too many, as the ranges of its terms are taken as independent."""
        if total not in self._bits:
            low, high = self._scaled(total.first)
            if isinstance(total.second, int):
                more = total.second, total.second
            else:
                more = self._scaled(total.second)
            ends = low + more[0], high + more[1]
            self._bits[total] = chain_bits(total, self.ranges, ends)
        return self._bits[total]

    def _scaled(self, term: ShiftedNode) -> Range:
        low, high = self.ranges[term.node]
        if term.negative:
            low, high = -high, -low
        return low << term.shift, high << term.shift

    def finished(self, outputs: Sequence[ShiftedNode | int]) -> AdderGraph:
        """The graph with these outputs, without the sums that none of them uses."""
        count = len(self.inputs)
        used = {output.node for output in outputs if isinstance(output, ShiftedNode)}
        for k in range(len(self.sums) - 1, -1, -1):
            if k + count in used:
                total = self.sums[k]
                used |= {t.node for t in (total.first, total.second) if isinstance(t, ShiftedNode)}
        kept = [*range(count), *(k for k in sorted(used) if k >= count)]
        place = {node: k for k, node in enumerate(kept)}

        def moved(term: ShiftedNode | int) -> ShiftedNode | int:
            if isinstance(term, int):
                return term
            return ShiftedNode(place[term.node], term.shift, term.negative)

        sums = []
        for node in kept[count:]:
            total = self.sums[node - count]
            first = moved(total.first)
            assert isinstance(first, ShiftedNode)
            sums.append(Addition(first, moved(total.second)))
        return AdderGraph(self.inputs, tuple(sums), tuple(moved(o) for o in outputs))
