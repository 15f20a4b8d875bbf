"""What placed loads and stores claim of memory tiles beyond their ports: words, address generators, one tile per written array."""

from __future__ import annotations

from collections import Counter
from typing import Any, TypeAlias

import numpy as np

from hlsgen.loops.evaluate import is_indexed
from hlsgen.loops.ir import Operation
from hlsgen.schedule.grid_kernel.problem import Problem

Strides: TypeAlias = tuple[tuple[str, int], ...]

EXCESS = 8.0
"""Price of what a tile has no room for, before pressure."""
NEW_GENERATOR = 0.1


class MemoryUse:
    """Claims of the operations placed so far, for one interval. ``pressure`` multiplies the prices of excess."""

    def __init__(self, problem: Problem, ii: int) -> None:
        self.problem, self.ii = problem, ii
        self.pressure = 1.0
        self.strides = tuple(_strides(operation) for operation in problem.graph.operations)
        self.generators: dict[int, Counter[tuple[Strides, int]]] = {}
        self.arrays: tuple[Counter[str], ...] = tuple(Counter() for _ in problem.tiles)
        self.members = Counter(
            (o.array, o.operator) for o in problem.graph.operations if o.array is not None
        )

    def claim(self, operation: int, unit: int, time: int, times: int = 1) -> None:
        """Count the operation at this port (``times`` = 1), or no longer (-1)."""
        tile = self.problem.tile_of(unit)
        if tile is None:
            return
        array = self.problem.graph.operations[operation].array
        if array is not None:
            _count(self.arrays[tile], array, times)
        strides = self.strides[operation]
        if strides is not None:
            generators = self.generators.setdefault(unit, Counter())
            _count(generators, (strides, time // self.ii), times)

    def home(self, array: str) -> int | None:
        """The tile of an array that must be in one, if one of its accesses is placed."""
        return next((k for k, held in enumerate(self.arrays) if array in held), None)

    def prices(self, operation: int, first: int, rows: int) -> np.ndarray:
        """(rows, candidates): what starting the operation in cycle ``first`` + row costs at each of its ports."""
        problem = self.problem
        units = problem.candidates[operation].units.tolist()
        prices = np.zeros((rows, len(units)))
        array = problem.graph.operations[operation].array
        home = self.home(array) if array is not None and problem.in_one_tile(array) else None
        strides = self.strides[operation]
        stages = np.arange(first, first + rows) // self.ii
        for column, unit in enumerate(units):
            tile = problem.tile_of(unit)
            assert tile is not None
            if home is not None and tile != home:
                prices[:, column] = np.inf
                continue
            if array is not None:
                excess = self._words_missing(tile, array) > 0
                excess_accesses = self._crowding(tile, array) if home is None else 0
                prices[:, column] = EXCESS * self.pressure * (excess + excess_accesses)
            if strides is not None:
                prices[:, column] += self._generator_prices(unit, strides, stages)
        return prices

    def _generator_prices(self, unit: int, strides: Strides, stages: np.ndarray) -> np.ndarray:
        held = self.generators.get(unit, Counter())
        full = len(held) >= self._limit(unit)
        new = EXCESS * self.pressure if full else NEW_GENERATOR
        low = int(stages[0])
        by_stage = [
            0.0 if (strides, stage) in held else new for stage in range(low, int(stages[-1]) + 1)
        ]
        return np.array(by_stage)[stages - low]

    def overfull(self) -> set[int]:
        """Units (ports) whose tile holds too many words or that need too many generators."""
        problem = self.problem
        units = {unit for unit, held in self.generators.items() if len(held) > self._limit(unit)}
        reads = len(problem.cells)
        for tile in range(len(problem.tiles)):
            if self._words_missing(tile, None) > 0:
                units |= {reads + tile, reads + len(problem.tiles) + tile}
        return units

    def _limit(self, unit: int) -> int:
        tile = self.problem.tile_of(unit)
        assert tile is not None
        is_read = unit - len(self.problem.cells) < len(self.problem.tiles)
        chosen = self.problem.tiles[tile]
        return chosen.read_generators if is_read else chosen.write_generators

    def _words_missing(self, tile: int, more: str | None) -> int:
        """Words that the tile lacks for its arrays and ``more``."""
        arrays = self.problem.arrays
        held = self.arrays[tile]
        words = sum(arrays[name].size for name in held)
        if more is not None and more not in held:
            words += arrays[more].size
        return words - self.problem.tiles[tile].words

    def _crowding(self, tile: int, array: str) -> int:
        """Accesses beyond the tile's slots if the array (all of it where it must be in one tile) came here."""
        beyond = 0
        for operator in ("load", "store"):
            held = sum(
                self.members[name, operator] if self.problem.in_one_tile(name) else count
                for name, count in self.arrays[tile].items()
            )
            new = self.members[array, operator] if self.problem.in_one_tile(array) else 1
            beyond += max(0, held + new - self.ii)
        return beyond


def _count(counter: Counter[Any], key: object, times: int) -> None:
    counter[key] += times
    if counter[key] == 0:
        del counter[key]


def _strides(operation: Operation) -> Strides | None:
    """What accesses through one address generator have in common; None where no generator is needed."""
    if operation.address is None:
        return None
    if operation.operator == "load" and is_indexed(operation):
        return None
    return tuple(sorted(operation.address.terms))
