"""A loop graph on a fabric in the numbers that the mapper works with: units, candidate places, edges, orders.

A *unit* starts one operation per slot: the ALU of cell c is unit c; then come the read ports of all tiles, then their write ports.
An *edge* carries the value of one operation over one distance to one consumer, whatever number of operands read it there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NoReturn

import numpy as np

from hlsgen.algebra.word import WORD_OPERATORS
from hlsgen.errors import BadOption, DoesNotFit, UnsupportedOp
from hlsgen.fabric.ir import Fabric, MemoryTile
from hlsgen.loops.ir import Array, LoopGraph, Operation, Value
from hlsgen.schedule.grid_kernel.mapping import Use


@dataclass(frozen=True)
class Edge:
    """``uses``: the operands of ``consumer`` that read ``producer``'s value ``distance`` iterations later (indices of operations)."""

    producer: int
    consumer: int
    distance: int
    uses: tuple[Use, ...]


@dataclass(frozen=True)
class StartingPlaces:
    """Where an operation can start: ``units`` and their ``cells``, (n,) int arrays.

    ``visible``: cycles from its start until its word is at its cell; ``delay``: until an operand can read it there (one more for
    operators of latency 1, which only crossbars see in the cycle of their start).
    """

    units: np.ndarray
    cells: np.ndarray
    visible: np.ndarray
    delay: np.ndarray


class Problem:
    """``graph`` on ``fabric``; ``homes``: array -> name of the tile that must hold it.

    Raises UnsupportedOp for an operator that no element has, DoesNotFit for arrays that no tile can hold, BadOption for homes
    that name unknown tiles.
    """

    def __init__(self, graph: LoopGraph, fabric: Fabric, homes: Mapping[str, str]) -> None:
        self.graph, self.fabric, self.homes = graph, fabric, dict(homes)
        self.cells = fabric.cells
        self.cell_index = {cell: number for number, cell in enumerate(self.cells)}
        self.tiles = fabric.tiles
        self.tile_index = {tile.name: number for number, tile in enumerate(fabric.tiles)}
        for array, tile in self.homes.items():
            if tile not in self.tile_index:
                raise BadOption(
                    f"loop graph {graph.name}, array {array}",
                    f"expected the name of a tile of {fabric.name} as its home, found {tile!r}",
                    f"Choose one of {', '.join(self.tile_index)}.",
                )
        self.names = tuple(operation.name for operation in graph.operations)
        self.index = {name: number for number, name in enumerate(self.names)}
        self.arrays = {array.name: array for array in graph.arrays}
        self.written = frozenset(o.array for o in graph.operations if o.operator == "store")
        self.candidates = tuple(self._candidates(operation) for operation in graph.operations)
        self.edges = tuple(self._edges())
        self.orders = tuple(
            (self.index[o.before], self.index[o.after], o.distance, o.delay) for o in graph.orders
        )

    @property
    def count(self) -> int:
        """Operations."""
        return len(self.names)

    @property
    def units(self) -> int:
        return len(self.cells) + 2 * len(self.tiles)

    def tile_of(self, unit: int) -> int | None:
        """Index of the tile that the unit is a port of; None for ALUs."""
        port = unit - len(self.cells)
        return None if port < 0 else port % len(self.tiles)

    def in_one_tile(self, array: str) -> bool:
        """Whether all accesses of the array must go to one tile."""
        return array in self.written or array in self.homes

    @cached_property
    def accumulators(self) -> frozenset[int]:
        """Operations that keep a state in their element, so that no other such operation can be there."""
        return frozenset(
            number
            for number, operation in enumerate(self.graph.operations)
            if (word := WORD_OPERATORS.get(operation.operator)) is not None and word.accumulates
        )

    @cached_property
    def least_delay(self) -> tuple[int, ...]:
        """Per operation: the least number of cycles from its start to an operand's reading."""
        return tuple(int(candidate.delay.min()) for candidate in self.candidates)

    def _edges(self) -> Sequence[Edge]:
        uses: dict[tuple[int, int, int], list[Use]] = {}
        for consumer, operation in enumerate(self.graph.operations):
            read: list[tuple[Use, object]] = [
                (Use(operation.name, number), operand)
                for number, operand in enumerate(operation.operands)
            ]
            read.append((Use(operation.name, "predicate"), operation.predicate))
            for use, operand in read:
                if isinstance(operand, Value):
                    key = (self.index[operand.operation], consumer, operand.distance)
                    uses.setdefault(key, []).append(use)
        return [Edge(*key, tuple(consumers)) for key, consumers in uses.items()]

    def _candidates(self, operation: Operation) -> StartingPlaces:
        if operation.operator in ("load", "store", "affine"):
            return self._ports(operation)
        units, visible, delay = [], [], []
        for number, cell in enumerate(self.cells):
            latencies = dict(self.fabric.kind(cell).latencies)
            if operation.operator in latencies:
                latency = latencies[operation.operator]
                units.append(number)
                visible.append(latency - 1)
                delay.append(max(1, latency - 1))
        if not units:
            self._refuse_operator(operation)
        array = np.array(units)
        return StartingPlaces(array, array, np.array(visible), np.array(delay))

    def _refuse_operator(self, operation: Operation) -> NoReturn:
        same = [o.name for o in self.graph.operations if o.operator == operation.operator]
        kinds = sorted({name for row in self.fabric.kinds for name in row})
        raise UnsupportedOp(
            f"loop graph {self.graph.name}, {_some(same)} ({operation.operator})",
            f"expected a PE with {operation.operator} in fabric {self.fabric.name}, found none among its"
            f" {len(self.cells)} of kind {', '.join(kinds)}",
            f"Give {operation.operator} to one of the kinds {', '.join(kinds)}, or map the kernel on another fabric.",
        )

    def _ports(self, operation: Operation) -> StartingPlaces:
        tiles = self._tiles_for(operation)
        first = len(self.cells) + (len(self.tiles) if operation.operator == "store" else 0)
        units = np.array([first + tile for tile in tiles])
        cells = np.array([self.cell_index[self.tiles[tile].cell] for tile in tiles])
        ones = np.ones(len(tiles), int)
        return StartingPlaces(units, cells, ones, ones)

    def _tiles_for(self, operation: Operation) -> list[int]:
        if not self.tiles:
            raise UnsupportedOp(
                f"loop graph {self.graph.name}, operation {operation.name} ({operation.operator})",
                f"expected a memory tile in fabric {self.fabric.name}, found none",
                "Give the fabric memory tiles, or map the kernel on another one.",
            )
        if operation.array is None:
            return [k for k, tile in enumerate(self.tiles) if tile.read_generators]
        array = self.arrays[operation.array]
        home = self.homes.get(array.name)
        pool = self.tiles if home is None else (self.fabric.tile(home),)
        fitting = [self.tile_index[t.name] for t in pool if self._holds(t, array)]
        if not fitting:
            largest = max(pool, key=lambda t: (t.bits >= array.element.bits, t.words))
            lack = [
                f"{missing} {what} too {how}"
                for missing, what, how in (
                    (array.size - largest.words, "elements", "many"),
                    (array.element.bits - largest.bits, "bits", "wide"),
                )
                if missing > 0
            ]
            raise DoesNotFit(
                f"loop graph {self.graph.name}, array {array.name}",
                f"expected a tile of at least {array.size} elements of {array.element.bits} bits in fabric {self.fabric.name},"
                f" found at most {largest.words} of {largest.bits} bits in {largest.name}: {' and '.join(lack)}",
                "Use a fabric with larger tiles, or split the array.",
            )
        return fitting

    def _holds(self, tile: MemoryTile, array: Array) -> bool:
        return tile.words >= array.size and tile.bits >= array.element.bits


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:4]) + (", ..." if len(names) > 4 else "")
    return f"operation{'s' if len(names) > 1 else ''} {shown}"
