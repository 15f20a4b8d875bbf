"""A mapping under way: operations placed so far, the trees of their values, and who uses what.

Resources may be overused and operations missing; the times of placed operations always keep the least differences that the
interval demands (``modulo_schedule.spread``), so a missing operation can be evicted and placed again.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from hlsgen.schedule.grid_kernel.memory_use import MemoryUse
from hlsgen.schedule.grid_kernel.problem import Problem
from hlsgen.schedule.grid_kernel.resources import Resources, Wiring
from hlsgen.schedule.grid_kernel.routing import WIRE, Flood, Net, Point

EVICTION = 30.0
"""Price of a placed operation that has to leave, at most as much as a few hops that nobody wants to share."""


class Partial:
    """``start[o]``: cycle of operation o, or None; ``choice[o]``: which of its candidates.

    ``horizon``: times are 0 .. horizon - 1.
    """

    def __init__(
        self, problem: Problem, wires: Wiring, least: np.ndarray, ii: int, horizon: int
    ) -> None:
        self.problem, self.wires, self.least = problem, wires, least
        self.ii, self.horizon = ii, horizon
        registers = problem.fabric.registers
        self.resources = Resources(wires, registers, problem.units, ii)
        self.memory = MemoryUse(problem, ii)
        count = problem.count
        self.start: list[int | None] = [None] * count
        self.choice = [0] * count
        self.nets: list[Net | None] = [None] * count
        self.accumulating: dict[int, set[int]] = {}
        self.arriving: list[list[int]] = [[] for _ in range(count)]
        self.leaving: list[list[int]] = [[] for _ in range(count)]
        for number, edge in enumerate(problem.edges):
            self.arriving[edge.consumer].append(number)
            self.leaving[edge.producer].append(number)
        self.low = np.maximum(least, 0).max(axis=0)
        self.high = horizon - 1 - np.maximum(least, 0).max(axis=1)

    # where things are

    def cell(self, operation: int) -> int:
        return int(self.problem.candidates[operation].cells[self.choice[operation]])

    def unit(self, operation: int) -> int:
        return int(self.problem.candidates[operation].units[self.choice[operation]])

    def time(self, operation: int) -> int:
        start = self.start[operation]
        assert start is not None
        return start

    def sink(self, edge: int) -> Point:
        """Where and when the consumer reads, in the time of the producer's iteration."""
        dependence = self.problem.edges[edge]
        time = self.time(dependence.consumer) + dependence.distance * self.ii
        return (time, self.cell(dependence.consumer), WIRE)

    def missing(self) -> list[int]:
        return [o for o, start in enumerate(self.start) if start is None]

    def window(self, operation: int) -> tuple[int, int]:
        """Earliest and latest start that the operations placed at present allow."""
        placed = [o for o, start in enumerate(self.start) if start is not None and o != operation]
        low, high = int(self.low[operation]), int(self.high[operation])
        if placed:
            starts = np.array([self.start[o] for o in placed])
            low = max(low, int((starts + self.least[placed, operation]).max()))
            high = min(high, int((starts - self.least[operation, placed]).min()))
        return low, high

    # changes

    def place(self, operation: int, choice: int, time: int) -> None:
        """Start the operation there; edges are not routed by this."""
        self.start[operation], self.choice[operation] = time, choice
        unit = self.unit(operation)
        self.resources.occupy(self._starting(time, unit))
        self.memory.claim(operation, unit, time)
        if operation in self.problem.accumulators:
            self.accumulating.setdefault(unit, set()).add(operation)
        visible = int(self.problem.candidates[operation].visible[choice])
        self.nets[operation] = Net(self.resources, (time + visible, self.cell(operation), WIRE))

    def remove(self, operation: int) -> None:
        """Take the operation away, with the routes of its edges."""
        for edge in self.arriving[operation]:
            self.unroute(edge)
        for edge in self.leaving[operation]:
            self.unroute(edge)
        time, unit = self.time(operation), self.unit(operation)
        self.resources.occupy(self._starting(time, unit), -1)
        self.memory.claim(operation, unit, time, -1)
        if operation in self.problem.accumulators:
            self.accumulating[unit].discard(operation)
        self.start[operation], self.nets[operation] = None, None

    def _starting(self, time: int, unit: int) -> int:
        resources = self.resources
        return time % self.ii * resources.columns + resources.unit + unit

    def unroute(self, edge: int) -> None:
        net = self.nets[self.problem.edges[edge].producer]
        if net is not None and edge in net.paths:
            net.remove(edge)

    def route(self, edge: int) -> bool:
        """Route an edge between placed operations at the least price; False where no path reaches the consumer in time."""
        net = self.nets[self.problem.edges[edge].producer]
        assert net is not None
        sink = self.sink(edge)
        if sink in net.tree and not (sink == net.root and self.is_fast(edge)):
            net.add(edge, sink, ())
            return True
        first = net.root[0]
        if sink[0] <= first:
            return False
        flood = Flood(self.resources, (self.seeds(net, sink[0]),), first, sink[0])
        if not np.isfinite(flood.wire[sink[0] - first, 0, sink[1]]):
            return False
        net.add(edge, sink, flood.trace(0, sink[0], sink[1], net.tree))
        return True

    def is_fast(self, edge: int) -> bool:
        """Whether the producer's word is seen by crossbars only when it is new."""
        producer = self.problem.edges[edge].producer
        candidates = self.problem.candidates[producer]
        chosen = self.choice[producer]
        return bool(candidates.delay[chosen] > candidates.visible[chosen])

    @staticmethod
    def seeds(net: Net, last: int) -> Iterable[Point]:
        return [point for point in net.tree if point[0] <= last]

    # what is wrong

    def unrouted(self) -> list[int]:
        """Edges between placed operations that have no route."""
        missing = []
        for number, edge in enumerate(self.problem.edges):
            net = self.nets[edge.producer]
            if (
                net is not None
                and self.start[edge.consumer] is not None
                and number not in net.paths
            ):
                missing.append(number)
        return missing

    def overfull(self) -> list[int]:
        """Operations on ports of tiles with too many words or generators, and accumulating ones that share a PE."""
        units = self.memory.overfull()
        units |= {unit for unit, held in self.accumulating.items() if len(held) > 1}
        if not units:
            return []
        return [
            o
            for o, start in enumerate(self.start)
            if start is not None and self.unit(o) in units and self._is_claimed(o)
        ]

    def _is_claimed(self, operation: int) -> bool:
        return (
            operation in self.problem.accumulators
            or self.problem.tile_of(self.unit(operation)) is not None
        )

    def crowded(self) -> tuple[list[int], list[int]]:
        """(operations on overused units, producers whose values use overused wires or registers)."""
        resources, overused = self.resources, self.resources.overused
        if not overused:
            return [], []
        starts = [
            o
            for o, start in enumerate(self.start)
            if start is not None and self._starting(start, self.unit(o)) in overused
        ]
        wires = {p for p in overused if p % resources.columns < resources.unit}
        nets = (
            [
                o
                for o, net in enumerate(self.nets)
                if net is not None and not wires.isdisjoint(net.places())
            ]
            if wires
            else []
        )
        return starts, nets
