"""Routing of values through links and register files in time: floods of least prices, and the trees that values take.

A *point* is where a word is in one cycle: on a wire of a cell (a link arrives, a register is read, or the producer shows it), or kept
in the cell's register file. Every step but the reading of a register takes one cycle, so a flood advances all cells together, cycle by
cycle, for several values at once: (cycles, values, cells) arrays of least prices.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np

from hlsgen.schedule.grid_kernel.resources import Resources

Point: TypeAlias = tuple[int, int, int]
"""(cycle, cell, 0: on a wire | 1: kept)."""
WIRE, KEPT = 0, 1
STORE, HOLD, FETCH = -3, -2, -1
"""How a point is reached: kept by a write to the register file; kept on; read from it. A number j >= 0: by the j-th arriving link."""
Hop: TypeAlias = tuple[Point, Point, int]
"""(point, the point before, how)."""
Tree: TypeAlias = dict[Point, Any]
"""Point -> [edges that use it, the point before, how]."""


class Flood:
    """Least prices from the points of values to every cell and cycle.

    ``wire[k, e, c]``: price of bringing value e onto a wire of cell c in cycle ``first`` + k; ``kept`` likewise, the word being in the
    register file. Seeds cost nothing.
    """

    def __init__(
        self, resources: Resources, seeds: Sequence[Iterable[Point]], first: int, last: int
    ) -> None:
        self.resources, self.first = resources, first
        wires, ii = resources.wires, resources.ii
        cycles, cells = last - first + 1, wires.cells
        # one column more: the origin of links that do not exist
        wire = np.full((cycles, len(seeds), cells + 1), np.inf)
        kept = np.full((cycles, len(seeds), cells), np.inf)
        for e, points in enumerate(seeds):
            for time, cell, kind in points:
                if time <= last:
                    (kept if kind else wire)[time - first, e, cell] = 0.0
        self.wire_padded, self.wire, self.kept = wire, wire[:, :, :cells], kept
        origin, minimum, add = wires.origin, np.minimum, np.add
        slot = first % ii
        here, held = self.wire[0], kept[0]
        minimum(here, held + resources.reading[slot], out=here)
        for k in range(1, cycles):
            arrived = wire[k - 1].take(origin, axis=1)
            arrived += resources.arriving[slot]
            stored = add(here, resources.writing[slot])
            minimum(stored, held, out=stored)
            slot = slot + 1 if slot + 1 < ii else 0
            stored += resources.keeping[slot]
            here, held = self.wire[k], kept[k]
            minimum(held, stored, out=held)
            minimum(here, arrived.min(axis=2), out=here)
            minimum(here, held + resources.reading[slot], out=here)

    def trace(self, value: int, time: int, cell: int, tree: Tree) -> list[Hop]:
        """The steps from a point of the tree to the wire at (time, cell), last one first.

        The prices may have changed since the flood: the path is then still a path.
        """
        resources, wires = self.resources, self.resources.wires
        ii = resources.ii
        path: list[Hop] = []
        point: Point = (time, cell, WIRE)
        while point not in tree:
            time, cell, kind = point
            k, slot, before = time - self.first, time % ii, (time - 1) % ii
            if kind == KEPT:
                written = self.wire[k - 1, value, cell] + resources.writing[before, cell]
                how, from_kind = (
                    (HOLD, KEPT) if self.kept[k - 1, value, cell] <= written else (STORE, WIRE)
                )
                parent: Point = (time - 1, cell, from_kind)
            else:
                how, parent = FETCH, (time, cell, KEPT)
                best = self.kept[k, value, cell] + resources.reading[slot, cell]
                if k > 0:
                    arriving = self.wire_padded[k - 1, value].take(wires.origin[cell])
                    arriving += resources.arriving[before, cell]
                    link = int(arriving.argmin())
                    if arriving[link] < best:
                        how, parent = link, (time - 1, int(wires.origin[cell, link]), WIRE)
            path.append((point, parent, how))
            point = parent
        return path


def backwards(resources: Resources, sinks: Sequence[Point], first: int, last: int) -> np.ndarray:
    """(cycles, sinks, cells): least prices from a wire of a cell in cycle ``first`` + k to each sink (a wire at a time <= ``last``)."""
    wires, ii = resources.wires, resources.ii
    cycles, cells = last - first + 1, wires.cells
    wire = np.full((cycles, len(sinks), cells + 1), np.inf)
    for e, (time, cell, _) in enumerate(sinks):
        wire[time - first, e, cell] = 0.0
    leaving = resources.price.take(wires.leaving, axis=1)
    minimum, target = np.minimum, wires.target
    slot = last % ii
    held = wire[-1, :, :cells] + resources.reading[slot]
    for k in range(cycles - 2, -1, -1):
        held = held + resources.keeping[slot]  # kept until the cycle after, from this one
        slot = slot - 1 if slot else ii - 1
        sent = wire[k + 1].take(target, axis=1)
        sent += leaving[slot]
        here = wire[k, :, :cells]
        minimum(here, sent.min(axis=2), out=here)
        minimum(here, held + resources.writing[slot], out=here)
        held = minimum(held, here + resources.reading[slot])
    return wire[:, :, :cells]


class Net:
    """The tree that one operation's value takes, and how often its edges use each point.

    ``root``: the point at which the word is first seen.
    """

    def __init__(self, resources: Resources, root: Point) -> None:
        self.resources = resources
        self.root = root
        self.tree: Tree = {root: [0, root, HOLD]}
        self.paths: dict[int, list[Point]] = {}

    def add(self, edge: int, sink: Point, steps: Sequence[Hop]) -> None:
        """Let ``edge`` use the tree, extended by ``steps``, up to ``sink``."""
        occupy, tree = self.resources.occupy, self.tree
        for point, parent, how in steps:
            tree[point] = [0, parent, how]
            for place in self._places(point, how):
                occupy(place)
        path = [sink]
        while path[-1] != self.root:
            path.append(tree[path[-1]][1])
        for point in path:
            tree[point][0] += 1
        path.reverse()
        self.paths[edge] = path

    def remove(self, edge: int) -> None:
        occupy, tree = self.resources.occupy, self.tree
        for point in self.paths.pop(edge):
            entry = tree[point]
            entry[0] -= 1
            if entry[0] == 0 and point != self.root:
                del tree[point]
                for place in self._places(point, entry[2]):
                    occupy(place, -1)

    def places(self) -> Iterator[int]:
        """Flat places of all resources in use."""
        for point, (_, _, how) in self.tree.items():
            if point != self.root:
                yield from self._places(point, how)

    def _places(self, point: Point, how: int) -> tuple[int, ...]:
        time, cell, _ = point
        resources = self.resources
        ii, columns = resources.ii, resources.columns
        slot = time % ii * columns
        if how == FETCH:
            return (slot + resources.read + cell,)
        if how == HOLD:
            return (slot + resources.keep + cell,)
        before = (time - 1) % ii * columns
        if how == STORE:
            return (slot + resources.keep + cell, before + resources.write + cell)
        return (before + cell * len(resources.wires.directions) + how,)
