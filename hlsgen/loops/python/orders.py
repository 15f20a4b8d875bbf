"""Orders of memory accesses: the least distance at which one access can meet another, found by enumerating the iterations."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from hlsgen.loops.ir import LoopGraph, Mark, Operation, Order
from hlsgen.loops.python.refusals import illegal

MOST_ITERATIONS = 1 << 22
"""Above this many iterations every two accesses of an array are taken to meet at once."""


def memory_orders(graph: LoopGraph, where: str, lines: Mapping[str, int]) -> tuple[Order, ...]:
    """The orders that keep every element's history: a load after the store before it, a store after loads and stores before it.

    ``graph.operations`` are in program order. Raises IllegalGraph where one statement writes an element in two iterations
    without reading it.
    """
    orders: list[Order] = []
    for array in graph.arrays:
        accesses = [item for item in graph.operations if item.array == array.name]
        stores = [item for item in accesses if item.operator == "store"]
        for store in stores:
            _refuse_rewriting(graph, store, accesses, where, lines)
        for before in accesses:
            for after in accesses:
                if "store" in (before.operator, after.operator) and before is not after:
                    found = _order(graph, before, after, accesses)
                    orders += [] if found is None else [found]
    return tuple(orders)


def _order(
    graph: LoopGraph, before: Operation, after: Operation, accesses: list[Operation]
) -> Order | None:
    earlier = accesses.index(before) < accesses.index(after)
    distance = _least_distance(graph, before, after, 0 if earlier else 1)
    if distance is None:
        return None
    delay = 0 if before.operator == "load" else 1
    return Order(before.name, after.name, distance, delay)


def addresses(graph: LoopGraph, access: Operation) -> np.ndarray | None:
    """(iterations,) int64: the element accessed, -1 where a mark says that nothing is; None where an index decides."""
    data = 1 if access.operator == "store" else 0
    if len(access.operands) > data:
        return None
    assert access.address is not None
    extents = [loop.extent for loop in graph.loops]
    trips = np.unravel_index(np.arange(graph.iterations), extents)
    found = np.full(graph.iterations, access.address.offset, dtype=np.int64)
    for loop, trip in zip(graph.loops, trips, strict=True):
        found += access.address.coefficient(loop.name) * trip
    for mark in (access.predicate, access.when):
        if isinstance(mark, Mark):
            place = [
                trip == (0 if mark.edge == "first" else loop.extent - 1)
                for loop, trip in list(zip(graph.loops, trips, strict=True))[mark.level :]
            ]
            for here in place:
                found[~here] = -1
    return found


def _least_distance(
    graph: LoopGraph, before: Operation, after: Operation, least: int
) -> int | None:
    """The least distance >= ``least`` at which ``after`` meets an element of ``before``; None where it never does."""
    if graph.iterations > MOST_ITERATIONS:
        return least
    first, second = addresses(graph, before), addresses(graph, after)
    if first is None or second is None:
        return least if graph.iterations > least else None
    count = graph.iterations
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


def _refuse_rewriting(
    graph: LoopGraph,
    store: Operation,
    accesses: list[Operation],
    where: str,
    lines: Mapping[str, int],
) -> None:
    """A statement that writes one element twice must read it in between: then it is a reduction."""
    if graph.iterations > MOST_ITERATIONS or not (
        store.predicate is None or isinstance(store.predicate, Mark)
    ):
        return
    places = addresses(graph, store)
    reads = [item for item in accesses if item.operator == "load"]
    if places is None or any(item.address == store.address for item in reads):
        return
    elements, counts = np.unique(places[places >= 0], return_counts=True)
    if len(counts) and counts.max() > 1:
        element = int(elements[counts.argmax()])
        first, second = np.flatnonzero(places == element)[:2]
        names = [loop.name for loop in graph.loops]
        extents = [loop.extent for loop in graph.loops]

        def at(iteration: int) -> str:
            trips = np.unravel_index(iteration, extents)
            return "(" + ", ".join(f"{n} {int(t)}" for n, t in zip(names, trips, strict=True)) + ")"

        raise illegal(
            where,
            lines.get(store.name, 0),
            f"each element of {store.array} written once, or read before it is written again",
            f"element {element} written in iterations {at(int(first))} and {at(int(second))}",
            "Write it after the inner loop, or make it a sum: +=.",
        )
