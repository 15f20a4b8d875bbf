"""Functions of wide integers that change ever more rarely the further from one integer, as roundings to floats do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hlsgen.algebra.scalar_op import ScalarOp
from hlsgen.algebra.types import ElementType
from hlsgen.errors import TypeMismatch

Cell = tuple[int, int, int]


@dataclass(frozen=True)
class LogarithmicSteps(ScalarOp):
    """Any function of the distance to ``origin``, on either side of it, with at most one change in each cell of distances.

    Distances below 2**(base + 1) are in 2**(bits + 1) equal cells; every power of two above doubles them, 2**bits cells each. Of
    (threshold, below, above) of a cell the result is ``above`` for distances from the threshold on, else ``below``; the last cell goes on.
    ``negative``: the cells of integers below the origin; without them the function is odd, with the results of ``positive`` negated.
    """

    operands = 1
    origin: int
    base: int
    bits: int
    positive: tuple[Cell, ...]
    negative: tuple[Cell, ...] = ()

    def __post_init__(self) -> None:
        if not self.positive or not 0 <= self.bits <= self.base:
            raise TypeMismatch(
                "LogarithmicSteps",
                f"expected at least one cell of at least one integer, found {len(self.positive)} of 2**{self.base - self.bits}",
                "Give the cells of a function.",
            )

    @property
    def cells(self) -> int:
        """How many cells both sides have."""
        return len(self.positive) + len(self.negative)

    def evaluate(self, xp: Any, *arrays: Any) -> Any:
        (x,) = arrays
        away = x - self.origin
        distance = xp.abs(away)
        above = self._side(xp, distance, self.positive)
        below = self._side(xp, distance, self.negative) if self.negative else -above
        return xp.where(away < 0, below, above)

    def _side(self, xp: Any, distance: Any, cells: tuple[Cell, ...]) -> Any:
        columns = xp.asarray(cells, device=getattr(distance, "device", None))
        return looked_up(xp, distance, columns, self.base, self.bits)

    def result(self, *types: ElementType) -> ElementType:
        results = [value for cell in (*self.positive, *self.negative) for value in cell[1:]]
        low, high = min(results), max(results)
        if not self.negative:
            low, high = min(low, -high), max(high, -low)
        return ElementType.holding(low, high)


def looked_up(xp: Any, distance: Any, cells: Any, base: int, bits: int) -> Any:
    """What the cells of one side, rows (threshold, below, above), give for distances of 0 or more."""
    index = distance >> (base - bits)
    power = base + 1
    while cells.shape[0] > (first := (power - base + 1) << bits):
        within = (distance >> (power - bits)) - (1 << bits)
        index = xp.where(distance >= (1 << power), within + first, index)
        power += 1
    flat = xp.reshape(xp.clip(index, 0, cells.shape[0] - 1), (-1,))
    threshold, below, above = (
        xp.reshape(xp.take(cells[:, k], flat, axis=0), distance.shape) for k in range(3)
    )
    return xp.where(distance >= threshold, above, below)
