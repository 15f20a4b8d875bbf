"""The best place and time for one operation among others that are placed: floods from its producers, and back from its consumers."""

from __future__ import annotations

import numpy as np

from hlsgen.schedule.grid_kernel.partial import EVICTION, Partial
from hlsgen.schedule.grid_kernel.routing import Flood, Point, backwards

LATE = 0.02
"""Price of a cycle away from the time next to the neighbours: a tie is broken towards short iterations."""


class Offer:
    """Prices of starting ``operation`` (which is not placed) in each cycle of its window, at each candidate: ``prices`` (rows, candidates).

    ``first``: the cycle of row 0.
    """

    def __init__(self, partial: Partial, operation: int) -> None:
        self.partial, self.operation = partial, operation
        self.candidates = partial.problem.candidates[operation]
        self.first, self.last = self._rows()
        rows = self.last - self.first + 1
        self.prices = self._unit_prices(rows)
        self._arriving(rows)
        self._leaving(rows)
        self._own(rows)

    def _rows(self) -> tuple[int, int]:
        partial = self.partial
        low, high = partial.window(self.operation)
        reach = partial.ii + int(partial.wires.hops.max())
        before = [
            e
            for e in partial.arriving[self.operation]
            if partial.start[partial.problem.edges[e].producer] is not None
        ]
        after = [
            e
            for e in partial.leaving[self.operation]
            if partial.start[partial.problem.edges[e].consumer] is not None
        ]
        self.before = [e for e in before if not self._is_own(e)]
        self.after = [e for e in after if not self._is_own(e)]
        if high < low:  # someone must leave
            return low, min(low + partial.ii - 1, partial.horizon - 1)
        if self.after and not self.before:
            low = max(low, high - reach)
        elif not self.after:
            high = min(high, low + reach)
        return low, high

    def _is_own(self, edge: int) -> bool:
        dependence = self.partial.problem.edges[edge]
        return dependence.producer == dependence.consumer

    def _unit_prices(self, rows: int) -> np.ndarray:
        partial, problem = self.partial, self.partial.problem
        slots = np.arange(self.first, self.first + rows) % partial.ii
        prices = partial.resources.starting[slots[:, None], self.candidates.units[None, :]]
        if problem.tile_of(int(self.candidates.units[0])) is not None:
            prices = prices + partial.memory.prices(self.operation, self.first, rows)
        if self.operation in problem.accumulators:
            shared = [bool(partial.accumulating.get(u)) for u in self.candidates.units.tolist()]
            prices = prices + EVICTION * np.array(shared)
        return prices

    def _arriving(self, rows: int) -> None:
        """From each placed producer to this operation's places, in the time of this operation."""
        partial, problem = self.partial, self.partial.problem
        if not self.before:
            return
        seeds: list[list[Point]] = []
        for e in self.before:
            edge = problem.edges[e]
            net = partial.nets[edge.producer]
            assert net is not None
            shift = edge.distance * partial.ii
            seeds.append([(t - shift, c, kind) for t, c, kind in net.tree])
        first = min(point[0] for points in seeds for point in points)
        if first > self.last:
            self.prices += EVICTION * len(self.before)
            return
        flood = Flood(partial.resources, seeds, first, self.last)
        wire = flood.wire
        if first < self.first:
            wire = wire[self.first - first :]
        skipped = rows - len(wire)
        prices = wire[:, :, self.candidates.cells]
        prices = np.where(np.isfinite(prices), prices, EVICTION).sum(axis=1)
        self.prices[skipped:] += prices
        self.prices[:skipped] += EVICTION * len(self.before)
        self.prices += LATE * np.arange(rows)[:, None]

    def _leaving(self, rows: int) -> None:
        """From this operation's places to each placed consumer, in the time of this operation."""
        partial = self.partial
        if not self.after:
            return
        sinks = [partial.sink(e) for e in self.after]
        first = self.first + int(self.candidates.visible.min())
        reachable = [sink for sink in sinks if sink[0] >= first]
        self.prices += EVICTION * (len(sinks) - len(reachable))
        if not reachable:
            return
        last = max(sink[0] for sink in reachable)
        wire = backwards(partial.resources, reachable, first, last)
        prices = np.where(np.isfinite(wire), wire, EVICTION).sum(axis=1)
        shown = np.arange(rows)[:, None] + (self.candidates.visible - (first - self.first))[None, :]
        inside = shown < len(prices)
        cells = np.broadcast_to(self.candidates.cells[None, :], shown.shape)
        priced = prices[np.minimum(shown, len(prices) - 1), cells]
        self.prices += np.where(inside, priced, EVICTION * len(reachable))
        if not self.before:
            self.prices += LATE * np.arange(rows)[::-1, None]

    def _own(self, rows: int) -> None:
        """A value that comes back to its own operation waits in the register file, or goes to and fro."""
        partial = self.partial
        own = [e for e in partial.leaving[self.operation] if self._is_own(e)]
        if not own:
            return
        resources, ii = partial.resources, partial.ii
        slots = np.arange(self.first, self.first + rows) % ii
        cells, visible = self.candidates.cells, self.candidates.visible
        for e in own:
            waits = partial.problem.edges[e].distance * ii - visible
            written = (slots[:, None] + visible[None, :]) % ii
            price = (
                resources.writing[written, cells[None, :]]
                + resources.reading[slots[:, None], cells[None, :]]
                + resources.keeping[slots[:, None], cells[None, :]] * waits
            )
            self.prices += np.where(waits > 0, price, 0.0)


def settle(partial: Partial, operation: int, choice: int, time: int) -> list[int]:
    """Place the operation, route its edges, and evict the neighbours that cannot stay; returns those."""
    partial.place(operation, choice, time)
    least = partial.least
    evicted = []
    for other, start in enumerate(partial.start):
        if start is None or other == operation:
            continue
        if start < time + least[operation, other] or time < start + least[other, operation]:
            evicted.append(other)
    for other in evicted:
        partial.remove(other)
    edges = [
        e
        for e in (*partial.arriving[operation], *partial.leaving[operation])
        if all(
            partial.start[end] is not None
            for end in (partial.problem.edges[e].producer, partial.problem.edges[e].consumer)
        )
    ]
    for e in sorted(
        set(edges),
        key=lambda e: (partial.sink(e)[0] - partial.time(partial.problem.edges[e].producer), e),
    ):
        edge = partial.problem.edges[e]
        if partial.start[edge.producer] is None or partial.start[edge.consumer] is None:
            continue  # evicted meanwhile
        if not partial.route(e):
            other = edge.producer if edge.consumer == operation else edge.consumer
            if other == operation:
                continue  # stays unrouted: the caller places it anew
            partial.remove(other)
            evicted.append(other)
    return evicted
