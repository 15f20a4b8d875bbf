"""One store for the two branches of a condition that write the same element, where nothing reads the array meanwhile::

    s = store y[i] a if p
    t = store y[i] b if q (= p xor 1)      ->      d = select a b if p,  t = store y[i] d

What both predicates have in common stays: ``and g p`` and ``and g q`` become ``g``. A memory has one write port, so that a pipeline
with two stores of an array takes two cycles for each iteration.
"""

from __future__ import annotations

import itertools
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter
from typing import TypeAlias

from hlsgen.algebra.affine import box
from hlsgen.loops.check import zero_distance_edges
from hlsgen.loops.ir import Constant, LoopGraph, Operation, Order, Value

Literals: TypeAlias = frozenset[tuple[str, bool]]
"""Operations whose lowest bits are all set (True) or not set (False)."""


@dataclass(frozen=True)
class _Branches:
    """``first`` is executed where ``condition`` holds, ``second`` where it does not; both where ``common`` holds, too."""

    first: Operation
    second: Operation
    condition: Value
    common: Value | None


def with_merged_stores(graph: LoopGraph) -> LoopGraph:
    """The graph with one store for every such pair; equal in meaning."""
    while (merged := next(_merged_pairs(graph), None)) is not None:
        graph = merged
    return graph


def _merged_pairs(graph: LoopGraph) -> Iterator[LoopGraph]:
    """The graph after merging one pair of stores, for each pair with which that is possible."""
    by_name = {operation.name: operation for operation in graph.operations}
    loaded = {operation.array for operation in graph.operations if operation.operator == "load"}
    stores = [
        operation
        for operation in graph.operations
        if operation.operator == "store" and operation.array not in loaded
    ]
    for one, other in itertools.combinations(stores, 2):
        if _place(one) != _place(other):
            continue
        for first, second in ((one, other), (other, one)):
            branches = _opposite(first, second, by_name)
            if branches is None or not (branches.common or _inside(graph, first)):
                continue
            merged = _merged(graph, branches)
            if _is_acyclic(merged):  # no other store of the element is between them
                yield merged


def _place(store: Operation) -> object:
    """What must be the same of two stores."""
    return store.array, store.address, store.operands[1:], store.when, store.wrap_bits


def _inside(graph: LoopGraph, store: Operation) -> bool:
    """Whether a store stays inside its array in every iteration; an index that is computed does, as one of the two always happens."""
    assert store.address is not None and store.array is not None
    if len(store.operands) > 1:
        return True
    low, high = store.address.range(box(graph.loops))
    return low >= 0 and high < graph.array(store.array).size


def _opposite(
    first: Operation, second: Operation, by_name: Mapping[str, Operation]
) -> _Branches | None:
    """The stores as branches, where their predicates differ in one condition only, which holds for the first."""
    yes, no = first.predicate, second.predicate
    if not (isinstance(yes, Value) and isinstance(no, Value)) or yes.distance or no.distance:
        return None
    inverted = {name for name, holds in _literals(no, by_name, ()) if not holds}
    with_it, without = _literals(yes, by_name, inverted), _literals(no, by_name, inverted)
    if len(with_it - without) != 1:
        return None
    ((condition, holds),) = with_it - without
    if not holds or without - with_it != {(condition, False)}:
        return None
    common = with_it & without
    if not common:
        return _Branches(first, second, Value(condition), None)
    # The conjunction of what is common is an operand of the predicate, or one operation.
    known = [Value(name) for name, _ in common]
    known += [v for v in by_name[yes.operation].operands if isinstance(v, Value) and not v.distance]
    same = [value for value in known if _literals(value, by_name, inverted) == common]
    return _Branches(first, second, Value(condition), same[0]) if same else None


def _literals(value: Value, by_name: Mapping[str, Operation], whole: Container[str]) -> Literals:
    """The operations whose conjunction a truth is; those that are ``whole`` are not taken apart."""
    operation = by_name[value.operation]
    operands = operation.operands
    plain = operation.predicate is None and not any(
        isinstance(operand, Value) and operand.distance for operand in operands
    )
    if plain and operation.operator == "and" and operation.name not in whole:
        a, b = operands
        if isinstance(a, Value) and isinstance(b, Value):
            return _literals(a, by_name, whole) | _literals(b, by_name, whole)
    if plain and operation.operator == "xor" and operands[1] == Constant(1):
        (inverted, _) = operands
        if isinstance(inverted, Value):
            return frozenset([(inverted.operation, False)])
    return frozenset([(operation.name, True)])


def _is_acyclic(graph: LoopGraph) -> bool:
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for earlier, later in zero_distance_edges(graph):
        sorter.add(later, earlier)
    try:
        sorter.prepare()
    except CycleError:
        return False
    return True


def _merged(graph: LoopGraph, branches: _Branches) -> LoopGraph:
    first, second = branches.first, branches.second
    names = {operation.name for operation in graph.operations}
    name = next(
        name for k in range(len(names) + 1) if (name := f"{second.name}_data{k or ''}") not in names
    )
    data = Operation(name, "select", (first.operands[0], second.operands[0]), branches.condition)
    store = replace(
        second,
        operands=(Value(name), *second.operands[1:]),
        predicate=branches.common,
        partial=second.partial and branches.common is not None,
    )
    operations: list[Operation] = []
    for operation in graph.operations:
        if operation.name == second.name:
            operations += [data, store]
        elif operation.name != first.name:
            operations.append(operation)
    return replace(graph, operations=tuple(operations), orders=_orders(graph, first, second))


def _orders(graph: LoopGraph, first: Operation, second: Operation) -> tuple[Order, ...]:
    """The orders with the second store in the place of both."""
    orders: dict[tuple[str, str], Order] = {}
    for order in graph.orders:
        before, after = (
            second.name if end == first.name else end for end in (order.before, order.after)
        )
        known = orders.get((before, after))
        if before != after and (known is None or order.distance < known.distance):
            orders[before, after] = replace(order, before=before, after=after)
    return tuple(orders.values())
