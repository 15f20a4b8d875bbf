"""Orders of memory accesses: the least distance at which one access can meet another, found by enumerating the iterations."""

from __future__ import annotations

import numpy as np

from hlsgen.algebra.mark import Mark
from hlsgen.loops.ir import LoopGraph, Operation, Order
from hlsgen.loops.python.static import Static


def static_of(graph: LoopGraph) -> Static:
    """What loop counters alone decide in a graph."""
    operations = {operation.name: operation for operation in graph.operations}
    return Static(operations, graph.loops, graph.word.bits)


def memory_orders(graph: LoopGraph) -> tuple[Order, ...]:
    """The orders that keep every element's history: a load after the store before it, a store after loads and stores before it.

    ``graph.operations`` are in program order. An access that meets itself needs no order: iterations of one operation are in order. Above
    ``MOST_ITERATIONS`` every two accesses of an array are taken to meet at once.
    """
    orders: list[Order] = []
    static = static_of(graph)
    for array in graph.arrays:
        accesses = [access for access in graph.operations if access.array == array.name]
        places = {access.name: addresses(static, access) for access in accesses}
        for k, before in enumerate(accesses):
            for n, after in enumerate(accesses):
                if "store" not in (before.operator, after.operator) or before is after:
                    continue
                first, second = places[before.name], places[after.name]
                least = 0 if k < n else 1
                distance = least if graph.iterations > least else None
                if first is not None and second is not None:
                    distance = _least_distance(first, second, least)
                if distance is not None:
                    delay = 0 if before.operator == "load" else 1
                    orders.append(Order(before.name, after.name, distance, delay))
    return tuple(orders)


def addresses(static: Static, access: Operation) -> np.ndarray | None:
    """(iterations,) int64: the element accessed, -1 where nothing is; None where more than loop counters decides which.

    A predicate that they do not decide counts as true.
    """
    if not static.trips:
        return None
    assert access.address is not None
    address = static.affine(access.address)
    data = 1 if access.operator == "store" else 0
    if len(access.operands) > data:
        index = static.value(access.operands[-1])
        if index is None:
            return None
        address = address + (
            index if access.wrap_bits is None else index & ((1 << access.wrap_bits) - 1)
        )
    if access.when is not None:
        address[~static.mark(access.when)] = -1
    if isinstance(access.predicate, Mark):
        address[~static.mark(access.predicate)] = -1
    elif access.predicate is not None:
        predicate = static.value(access.predicate)
        if predicate is not None:
            address[predicate % 2 == 0] = -1
    return address


def _least_distance(first: np.ndarray, second: np.ndarray, least: int) -> int | None:
    """The least distance >= ``least`` at which the second access meets an element of the first; None where it never does."""
    count = len(first)
    # Both lists in one: by element, then time; at equal times `before` comes first iff distance 0 counts.
    times = np.concatenate([np.arange(count), np.arange(count)])
    elements = np.concatenate([first, second])
    is_after = np.repeat([0, 1], count)
    rank = is_after if least == 0 else 1 - is_after
    order = np.lexsort((rank, times, elements))
    order = order[elements[order] >= 0]
    times, elements, is_after = times[order], elements[order], is_after[order]
    # The last `before` of the same element up to each place.
    place = np.where(is_after == 0, np.arange(len(order)), -1)
    last = np.maximum.accumulate(place) if len(place) else place
    meets = (is_after == 1) & (last >= 0)
    meets &= elements[np.maximum(last, 0)] == elements
    if not meets.any():
        return None
    return int((times[meets] - times[last[meets]]).min())
