"""Graphs with at most so many different marks, for circuits that have a line for each of a few: the others are computed.

Loops ``level``, ``level + 1``, ... are all at their first (last) trip where the sum of their trips is 0 (the largest)::

    a = select x y if last 2               ->  t = affine [j + k], p = equal t 9, a = select x y if p
    s = add s@1(5, 2) x                    ->  r = select 5 s@1(5, 0) if p, s = add r x
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from hlsgen.algebra.affine import Affine
from hlsgen.algebra.mark import Mark
from hlsgen.errors import DoesNotFit
from hlsgen.loops.ir import Constant, ConstantOrValue, LoopGraph, Operation, Value


def with_few_marks(graph: LoopGraph, most: int) -> LoopGraph:
    """The graph with at most ``most`` marks; what is carried is carried from the iteration before (``with_moves``).

    Raises DoesNotFit where more marks than that clear accumulators.
    """
    clears, starts, predicates = Counter[Mark](), Counter[Mark](), Counter[Mark]()
    for operation in graph.operations:
        clears.update([] if operation.clear is None else [operation.clear])
        starts.update(Mark("first", value.level) for value in operation.values if value.distance)
        predicates.update(m for m in [operation.predicate] if isinstance(m, Mark))
    counted = clears + starts + predicates
    lines = {mark: uses for mark, uses in counted.items() if mark.level < len(graph.loops)}
    if len(lines) <= most:
        return graph
    # What starts inner loops can be carried from the start of the outermost of those that are started.
    outermost = min(starts, key=lambda mark: mark.level, default=None)
    kept = {mark for mark in lines if mark in clears or mark == outermost}
    if len(kept) > most:
        raise DoesNotFit(
            f"loop graph {graph.name}",
            f"expected accumulators that are cleared at {most} different marks of loops at most, found {len(kept)}",
            "Split the loop into several.",
        )
    others = sorted(lines.keys() - kept, key=lambda mark: (-lines[mark], mark.edge, mark.level))
    kept.update(others[: most - len(kept)])
    level = None if outermost is None else outermost.level
    return _Computed(graph, set(lines) - kept, level).run()


class _Computed:
    """``marks``: those that are computed; ``level`` of the loops with which values start that were started by one of them."""

    def __init__(self, graph: LoopGraph, marks: set[Mark], level: int | None) -> None:
        self.graph, self.marks, self.level = graph, marks, level
        self.names = {operation.name for operation in graph.operations}
        self.truths: dict[Mark, Value] = {}
        self.started: dict[Value, Value] = {}
        self.more: list[Operation] = []

    def run(self) -> LoopGraph:
        operations = [self._rewritten(operation) for operation in self.graph.operations]
        return replace(self.graph, operations=(*operations, *self.more))

    def _rewritten(self, operation: Operation) -> Operation:
        predicate = operation.predicate
        if isinstance(predicate, Mark):
            predicate = self._truth(predicate) if predicate in self.marks else predicate
        elif predicate is not None:
            predicate = self._carried(predicate)
        operands: tuple[ConstantOrValue, ...] = tuple(
            self._carried(operand) if isinstance(operand, Value) else operand
            for operand in operation.operands
        )
        return replace(operation, operands=operands, predicate=predicate)

    def _carried(self, value: Value) -> Value:
        mark = Mark("first", value.level)
        if not value.distance or mark not in self.marks:
            return value
        if value not in self.started:
            assert value.start is not None and self.level is not None
            before = replace(value, level=self.level)
            name = self._unused(f"{value.operation}_before")
            operands = (Constant(value.start), before)
            self.more.append(Operation(name, "select", operands, self._truth(mark)))
            self.started[value] = Value(name)
        return self.started[value]

    def _truth(self, mark: Mark) -> Value:
        if mark not in self.truths:
            loops = self.graph.loops[mark.level :]
            last = sum(loop.extent - 1 for loop in loops)
            place = self._unused(f"{mark.edge}_{mark.level}_index")
            trips = Affine(0, tuple((loop.name, 1) for loop in loops))
            self.more.append(Operation(place, "affine", address=trips))
            name = self._unused(f"{mark.edge}_{mark.level}")
            edge = Constant(0 if mark.edge == "first" else last)
            self.more.append(Operation(name, "equal", (Value(place), edge)))
            self.truths[mark] = Value(name)
        return self.truths[mark]

    def _unused(self, stem: str) -> str:
        name = next(
            name
            for k in range(len(self.names) + 1)
            if (name := f"{stem}{k or ''}") not in self.names
        )
        self.names.add(name)
        return name
