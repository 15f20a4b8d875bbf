"""Moves that contexts need: every operation of the result can be said in one context of its unit.

1. A value of more than one iteration ago goes through one move per further iteration: ``x@3(s, l)`` -> ``m1 = move x@1(s, l)``,
   ``m2 = move m1@1(s, l)``, ``m2@1(s, l)``.
2. Predicates, indices and stored data are values of the same iteration: carried ones and constants go through a move.
3. A context has one constant and starts one operand: of two carried operands the one outside the operation's recurrence goes through a
   move; of two different constants (the start of a carried operand, if it is not 0, is one) an operand's goes through a move.
4. A carried operand of an accumulating operation starts where that is cleared, or goes through a move.
"""

from __future__ import annotations

from dataclasses import replace

import networkx as nx

from hlsgen.algebra.mark import Mark
from hlsgen.algebra.word import WORD_OPERATORS
from hlsgen.loops.ir import Constant, ConstantOrValue, LoopGraph, Operation, Value


def with_moves(graph: LoopGraph) -> LoopGraph:
    """The graph with the moves that its operations need; equal in meaning."""
    inserter = _Inserter(graph)
    operations = [inserter.encodable(operation) for operation in graph.operations]
    return replace(graph, operations=(*operations, *inserter.moves))


class _Inserter:
    def __init__(self, graph: LoopGraph) -> None:
        self.names = {operation.name for operation in graph.operations}
        self.moves: list[Operation] = []
        self.made: dict[ConstantOrValue, Value] = {}
        depends = nx.DiGraph()
        depends.add_nodes_from(self.names)
        for operation in graph.operations:
            depends.add_edges_from((value.operation, operation.name) for value in operation.values)
        self.ring = {
            name: number
            for number, group in enumerate(nx.strongly_connected_components(depends))
            for name in group
        }

    def encodable(self, operation: Operation) -> Operation:
        operands = tuple(map(self._one_iteration, operation.operands))
        predicate = operation.predicate
        if isinstance(predicate, Value):
            predicate = self._here(self._one_iteration(predicate))
        if operation.operator in WORD_OPERATORS:
            operands = self._one_constant(self._one_start(operation, operands))
        else:
            operands = tuple(map(self._here, operands))
        return replace(operation, operands=operands, predicate=predicate)

    def _one_start(
        self, operation: Operation, operands: tuple[ConstantOrValue, ...]
    ) -> tuple[ConstantOrValue, ...]:
        """At most one operand carried, and where the context can start it."""
        carried = [
            k
            for k, operand in enumerate(operands)
            if isinstance(operand, Value) and operand.distance
        ]
        kept = max(carried, key=lambda k: self._in_ring(operation, operands[k]), default=None)
        clear = operation.clear
        state = operands[kept] if kept is not None else None
        if clear is not None and isinstance(state, Value) and clear != Mark("first", state.level):
            kept = None
        return tuple(
            self._here(operand) if k in carried and k != kept else operand
            for k, operand in enumerate(operands)
        )

    def _in_ring(self, operation: Operation, operand: ConstantOrValue) -> bool:
        assert isinstance(operand, Value)
        return self.ring.get(operand.operation) == self.ring[operation.name]

    def _one_constant(self, operands: tuple[ConstantOrValue, ...]) -> tuple[ConstantOrValue, ...]:
        starts = [
            operand.start for operand in operands if isinstance(operand, Value) and operand.start
        ]
        constants = [operand.value for operand in operands if isinstance(operand, Constant)]
        kept = next(iter([*starts, *constants]), None)
        return tuple(
            self._here(operand)
            if isinstance(operand, Constant) and operand.value != kept
            else operand
            for operand in operands
        )

    def _one_iteration(self, operand: ConstantOrValue) -> ConstantOrValue:
        if isinstance(operand, Constant) or operand.distance <= 1:
            return operand
        before = self._one_iteration(replace(operand, distance=operand.distance - 1))
        return replace(self._here(before), distance=1, start=operand.start, level=operand.level)

    def _here(self, operand: ConstantOrValue) -> Value:
        """The operand as a value of the same iteration."""
        if isinstance(operand, Value) and operand.distance == 0:
            return operand
        if operand not in self.made:
            stem = "constant" if isinstance(operand, Constant) else f"{operand.operation}_before"
            name = next(
                name
                for k in range(len(self.names) + 1)
                if (name := f"{stem}{k or ''}") not in self.names
            )
            self.names.add(name)
            self.moves.append(Operation(name, "move", (operand,)))
            self.made[operand] = Value(name)
        return self.made[operand]
