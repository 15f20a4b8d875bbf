"""What the mapper returns: every operation of a loop graph in a place and cycle, every value on a route; plain values.

Times are cycles of iteration 0; iteration n of everything happens n * ``ii`` cycles later.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from hlsgen.fabric.ir import Cell, Fabric
from hlsgen.loops.ir import ConstantOrValue, LoopGraph, Predicate, Value

Unit = Literal["alu", "read", "write"]


@dataclass(frozen=True)
class Placement:
    """``time`` is the cycle of issue. ``tile`` names the memory tile where unit is read or write; ``cell`` is then the tile's cell."""

    cell: Cell
    time: int
    unit: Unit
    tile: str | None = None


@dataclass(frozen=True)
class Send:
    """In cycle ``time`` the crossbar of ``cell`` drives the link ``direction``; its far end sees the word one cycle later."""

    cell: Cell
    direction: str
    time: int


@dataclass(frozen=True)
class Keep:
    """The register file of ``cell`` is written in cycle ``written`` and read through ``port`` in cycle ``read`` > ``written``.

    Keeps of one value with the same cell and ``written`` share the register.
    """

    cell: Cell
    written: int
    read: int
    port: Literal["register_a", "register_b"]


Move: TypeAlias = Send | Keep


@dataclass(frozen=True)
class Use:
    """An edge: ``operand`` (0, 1: operands in order; "predicate") of ``consumer`` reads a Value."""

    consumer: str
    operand: int | Literal["predicate"]


@dataclass(frozen=True)
class Bounds:
    """Lower bounds of the initiation interval."""

    resource: int
    memory: int
    recurrence: int

    @property
    def mii(self) -> int:
        return max(self.resource, self.memory, self.recurrence)


@dataclass(frozen=True)
class GridMapping:
    """``routes[use]`` leads from the producer to the consumer (empty: the producer's word is read in place).

    A route belongs to the producing operation's value; moves shared by routes of one value are written the same in each.
    ``tiles[array]``: names of the tiles that hold the array (several copies only of arrays that are never written).
    ``proved_optimal``: ``ii`` equals the bound, or every smaller one was proved infeasible; ``stopped``: why a smaller
    interval was not reached or ruled out ("" if proved).
    """

    fabric: Fabric
    graph: LoopGraph
    ii: int
    bounds: Bounds
    placements: Mapping[str, Placement]
    routes: Mapping[Use, tuple[Move, ...]]
    tiles: Mapping[str, tuple[str, ...]]
    proved_optimal: bool
    stopped: str
    seconds: float
    seed: int

    @property
    def length(self) -> int:
        """Cycles of one iteration, from cycle 0 to the last issue, inclusive."""
        return max(place.time for place in self.placements.values()) + 1

    def producer(self, use: Use) -> str:
        """The operation whose value the operand reads."""
        operation = self.graph.operation(use.consumer)
        if use.operand == "predicate":
            read: ConstantOrValue | Predicate | None = operation.predicate
        else:
            read = operation.operands[use.operand]
        assert isinstance(read, Value)
        return read.operation
