"""The time-expanded resource graph modulo the initiation interval, with the prices of PathFinder's negotiation.

A *resource* exists once per slot: the links (named by their far end: cell, number of the arriving link), per cell the write port, the
read ports and the words of the register file, and the units that start operations. Prices follow McMurchie and Ebeling,
"PathFinder: a negotiation-based performance-driven router for FPGAs" (FPGA 1995): (base + history) * (1 + pressure * overuse).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hlsgen.fabric.ir import Fabric
from hlsgen.fabric.switch import link_names, outgoing

LINK, WRITE, READ, KEEP = 1.0, 0.4, 0.3, 0.12
"""Base prices: a hop, a write and a read of the register file, a cycle in it."""
READ_PORTS = 2
SPARE_REGISTERS = 1
"""Rotating registers are allocated with at most one more than the largest number of values that live at once."""


@dataclass(frozen=True)
class Wiring:
    """``origin[c, j]``: the cell at the other end of the j-th link that arrives at c (``cells`` where there is none).

    ``target[c, j]``: where the j-th link that leaves c arrives; ``leaving[c, j]``: that link's resource (see ``Resources``).
    ``directions``: name of the j-th link, seen from its near end. ``hops[a, b]``: least links from a to b.
    """

    cells: int
    directions: tuple[str, ...]
    origin: np.ndarray
    target: np.ndarray
    leaving: np.ndarray
    hops: np.ndarray


def wiring(fabric: Fabric) -> Wiring:
    """The links of a fabric by number."""
    cells = fabric.cells
    index = {cell: number for number, cell in enumerate(cells)}
    names = link_names(fabric)
    shape = (len(cells), len(names))
    none = len(cells) * len(names)
    target, origin = np.full(shape, len(cells)), np.full(shape, len(cells))
    leaving = np.full(shape, none)
    for cell in cells:
        for direction, far in outgoing(fabric, cell).items():
            near, j = index[cell], names.index(direction)
            target[near, j] = index[far]
            # the j-th arriving link is the one that its near end calls the j-th
            origin[index[far], j] = near
            leaving[near, j] = index[far] * len(names) + j
    hops = np.full((len(cells), len(cells)), 1 << 20)
    np.fill_diagonal(hops, 0)
    for near in range(len(cells)):
        for far in target[near]:
            if far < len(cells):
                hops[near, far] = min(hops[near, far], 1)
    for middle in range(len(cells)):
        np.minimum(hops, hops[:, middle, None] + hops[None, middle, :], out=hops)
    return Wiring(len(cells), names, origin, target, leaving, hops)


class Resources:
    """Who uses what, and at what price, for one interval.

    Columns of ``price`` (interval, columns): links (far cell * directions + j), one column of infinity (a link that does not exist), then
    per cell write port, read ports, words, then units. ``use`` has the same columns, as one flat list: slot * columns + column.
    """

    def __init__(self, wires: Wiring, registers: int, units: int, ii: int) -> None:
        self.wires, self.ii = wires, ii
        cells, links = wires.cells, wires.cells * len(wires.directions)
        self.write, self.read, self.keep = links + 1, links + 1 + cells, links + 1 + 2 * cells
        self.unit = links + 1 + 3 * cells
        self.columns = self.unit + units
        base, capacity = np.zeros(self.columns), np.ones(self.columns, int)
        base[:links], base[links] = LINK, np.inf
        base[self.write : self.read], base[self.read : self.keep] = WRITE, READ
        base[self.keep : self.unit] = KEEP
        capacity[self.read : self.keep] = READ_PORTS
        capacity[self.keep : self.unit] = max(0, registers - SPARE_REGISTERS)
        if registers <= SPARE_REGISTERS:
            base[self.write : self.read] = np.inf
        missing = np.ones(links, bool)
        existing = wires.leaving[wires.leaving < links]
        missing[existing] = False
        base[:links][missing] = np.inf
        self.base, self.capacity = base, capacity
        self.capacities: list[int] = capacity.tolist()
        self.use = [0] * (ii * self.columns)
        self.history = np.zeros((ii, self.columns))
        self.pressure = 1.0
        self.price = np.empty((ii, self.columns))
        self.overused: set[int] = set()
        self.reprice()
        directions = len(wires.directions)
        self.arriving = self.price[:, :links].reshape(ii, cells, directions)
        self.writing = self.price[:, self.write : self.read]
        self.reading = self.price[:, self.read : self.keep]
        self.keeping = self.price[:, self.keep : self.unit]
        self.starting = self.price[:, self.unit :]

    def reprice(self) -> None:
        """Compute all prices anew: after a change of history or pressure."""
        use = np.array(self.use).reshape(self.ii, self.columns)
        over = np.maximum(0, use + 1 - self.capacity)
        over[:, self.wires.cells * len(self.wires.directions)] = 0
        starting = np.zeros(self.columns)
        starting[self.unit :] = 1.0  # a unit is free of charge while nobody else wants it
        free = (self.base + self.history) + starting * np.minimum(over, 1)
        self.price[:] = free * (1 + self.pressure * over)

    def occupy(self, place: int, times: int = 1) -> None:
        """Count ``times`` (1 or -1) more users of the flat ``place``."""
        used = self.use[place] + times
        self.use[place] = used
        slot, column = divmod(place, self.columns)
        over = used + 1 - self.capacities[column]
        free = self.base[column] + self.history[slot, column]
        if over > 0:
            if column >= self.unit:
                free += 1.0
            self.price[slot, column] = free * (1 + self.pressure * over)
            if over > 1:
                self.overused.add(place)
            else:
                self.overused.discard(place)
        else:
            self.price[slot, column] = free

    def remember(self, amount: float) -> None:
        """Raise the history of all that is overused now."""
        for place in self.overused:
            slot, column = divmod(place, self.columns)
            self.history[slot, column] += amount * max(self.base[column], 0.5)
