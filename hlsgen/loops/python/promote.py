"""Sums in array elements become sums in a register: ``c[i, j] += x`` in a loop over k reads and writes c once per (i, j).

With wrapping words ``(c + x0) + x1 = c + (x0 + x1)`` exactly, so that the recurrence does not go through memory.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from hlsgen.algebra.mark import Mark
from hlsgen.loops.ir import LoopGraph, Operation, Value


def with_promoted_sums(graph: LoopGraph) -> LoopGraph:
    """The graph with every sum in an element that the innermost loops do not move kept in a register."""
    uses = Counter(value.operation for operation in graph.operations for value in operation.values)
    accesses = Counter(
        operation.array for operation in graph.operations if operation.array is not None
    )
    by_name = {operation.name: operation for operation in graph.operations}
    for store in graph.operations:
        level = _level(graph, store)
        if level is None or store.array is None or accesses[store.array] != 2:
            continue
        data = store.operands[0]
        total = by_name.get(data.operation) if isinstance(data, Value) else None
        if total is None or total.operator != "add" or total.predicate is not None:
            continue
        for k, operand in enumerate(total.operands):
            term = total.operands[1 - k]
            if not (isinstance(operand, Value) and not operand.distance):
                continue
            load = by_name[operand.operation]
            same = (load.operator, load.array, load.address, load.operands) == (
                "load",
                store.array,
                store.address,
                (),
            )
            if same and uses[load.name] == 1 and uses[total.name] == 1 and term != operand:
                summed = _fresh(by_name, f"{total.name}_part")
                part = Operation(summed, "add", (Value(summed, 1, 0, level), term))
                replaced = {
                    total.name: replace(total, operands=(operand, Value(summed))),
                    store.name: replace(store, when=Mark("last", level)),
                }
                operations = tuple(
                    replaced.get(operation.name, operation) for operation in graph.operations
                )
                return with_promoted_sums(replace(graph, operations=(*operations, part)))
    return graph


def _level(graph: LoopGraph, store: Operation) -> int | None:
    """The outermost level from which on no loop moves the stored element; None where the innermost one does."""
    plain = store.operator == "store" and len(store.operands) == 1
    if not plain or store.predicate is not None or store.when is not None:
        return None
    assert store.address is not None
    level = len(graph.loops)
    while level and not store.address.coefficient(graph.loops[level - 1].name):
        level -= 1
    return level if level < len(graph.loops) else None


def _fresh(names: dict[str, Operation], stem: str) -> str:
    k = 0
    while f"{stem}{k or ''}" in names:
        k += 1
    return f"{stem}{k or ''}"
