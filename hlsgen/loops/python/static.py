"""Values that loop counters alone decide, for all iterations at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from hlsgen.algebra.affine import Affine
from hlsgen.algebra.mark import Mark
from hlsgen.algebra.types import wrap
from hlsgen.algebra.word import WORD_OPERATORS
from hlsgen.loops.ir import Constant, ConstantOrValue, CountedLoop, Operation

MOST_ITERATIONS = 1 << 22
"""Above this many iterations nothing is enumerated."""


class Static:
    """``operations`` by name (more may be added later); ``bits`` of a word."""

    def __init__(
        self, operations: Mapping[str, Operation], loops: Sequence[CountedLoop], bits: int
    ) -> None:
        self.operations, self.loops, self.bits = operations, tuple(loops), bits
        self.extents = tuple(loop.extent for loop in loops)
        self.iterations = 1
        for extent in self.extents:
            self.iterations *= extent
        self.known: dict[str, np.ndarray | None] = {}
        self.trips: tuple[np.ndarray, ...] = ()
        if self.iterations <= MOST_ITERATIONS:
            self.trips = np.unravel_index(np.arange(self.iterations), self.extents)

    def affine(self, address: Affine) -> np.ndarray:
        """(iterations,) int64: an affine function of the trips."""
        names = (loop.name for loop in self.loops)
        return address.values(dict(zip(names, self.trips, strict=True)), self.iterations)

    def mark(self, mark: Mark) -> np.ndarray:
        """(iterations,) bool: where it holds."""
        holds = np.ones(self.iterations, dtype=bool)
        for loop, trip in list(zip(self.loops, self.trips, strict=True))[mark.level :]:
            holds &= trip == (0 if mark.edge == "first" else loop.extent - 1)
        return holds

    def value(self, operand: ConstantOrValue) -> np.ndarray | None:
        """(iterations,) int64: signed words; None where more than loop counters decides."""
        if not self.trips:
            return None
        if isinstance(operand, Constant):
            return np.full(self.iterations, wrap(operand.value, self.bits), dtype=np.int64)
        if operand.distance:
            return None
        name = operand.operation
        if name not in self.known:
            operation = self.operations.get(name)
            self.known[name] = None if operation is None else self._computed(operation)
        return self.known[name]

    def place(self, iteration: int) -> str:
        """An iteration for people: ``(i 0, j 3)``."""
        trips = np.unravel_index(iteration, self.extents)
        names = [loop.name for loop in self.loops]
        return "(" + ", ".join(f"{n} {int(t)}" for n, t in zip(names, trips, strict=True)) + ")"

    def _computed(self, operation: Operation) -> np.ndarray | None:
        if operation.operator == "affine":
            assert operation.address is not None
            return np.asarray(wrap(self.affine(operation.address), self.bits))
        word = WORD_OPERATORS.get(operation.operator)
        if word is None or word.accumulates:
            return None
        operands: list[np.ndarray] = []
        for operand in operation.operands:
            values = self.value(operand)
            if values is None:
                return None
            operands.append(values)
        given = operation.predicate
        if given is None:
            return np.asarray(wrap(word.meaning(self.bits, *operands), self.bits))
        predicate = self.mark(given) if isinstance(given, Mark) else self.value(given)
        if predicate is None:
            return None
        if word.name == "select":
            return np.where(predicate % 2 == 1, operands[0], operands[1])
        return np.where(predicate % 2 == 1, wrap(word.meaning(self.bits, *operands), self.bits), 0)
