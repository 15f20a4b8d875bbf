"""Orders of memory accesses: the least distance at which one access can meet another, found by enumerating the iterations."""

from __future__ import annotations

import numpy as np

from hlsgen.algebra.mark import Mark
from hlsgen.loops.ir import LoopGraph, Operation, Order
from hlsgen.loops.python.builder import Builder
from hlsgen.loops.python.refusals import illegal
from hlsgen.loops.python.static import Static


def static_of(graph: LoopGraph) -> Static:
    """What loop counters alone decide in a graph."""
    operations = {operation.name: operation for operation in graph.operations}
    return Static(operations, graph.loops, graph.word.bits)


def memory_orders(graph: LoopGraph, where: str, builder: Builder) -> tuple[Order, ...]:
    """The orders that keep every element's history: a load after the store before it, a store after loads and stores before it.

    ``graph.operations`` are in program order; ``builder`` made them. Raises IllegalGraph where an element is written in two
    iterations and not read in between. Above ``MOST_ITERATIONS`` every two accesses of an array are taken to meet at once.
    """
    orders: list[Order] = []
    static = static_of(graph)
    for array in graph.arrays:
        accesses = [access for access in graph.operations if access.array == array.name]
        places = {access.name: addresses(static, access) for access in accesses}
        _refuse_rewriting(static, accesses, places, where, builder)
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


def _refuse_rewriting(
    static: Static,
    accesses: list[Operation],
    places: dict[str, np.ndarray | None],
    where: str,
    builder: Builder,
) -> None:
    """An element that is written in two iterations, or in two copies of an unrolled loop, must be read in between: a reduction.

    Writes that depend on data are left alone, and so are arrays that are read at an index that depends on data.
    """
    known = [access for access in accesses if places[access.name] is not None]
    if any(access.operator == "load" and access not in known for access in accesses):
        return
    events = []
    for position, access in enumerate(known):
        given = access.predicate
        decided = given is None or isinstance(given, Mark) or static.value(given) is not None
        if access.operator == "load" or decided:
            place = places[access.name]
            assert place is not None
            row = np.stack([place, np.arange(len(place)), np.full(len(place), position)])
            events.append(row[:, place >= 0])
    if not any(access.operator == "store" for access in accesses) or not events:
        return
    element, time, position = np.concatenate(events, axis=1)
    order = np.lexsort((position, time, element))
    element, time, position = element[order], time[order], position[order]
    stores = np.array([access.operator == "store" for access in known])
    copies = np.array([[_copies(builder, a, b) for b in known] for a in known])
    a, b = slice(None, -1), slice(1, None)
    wrong = (element[a] == element[b]) & stores[position[a]] & stores[position[b]]
    wrong &= (time[a] != time[b]) | copies[position[a], position[b]]
    if wrong.any():
        k = int(np.flatnonzero(wrong)[0])
        first, second = (known[position[event]] for event in (k, k + 1))
        raise _rewriting(static, first, second, element[k], time[k : k + 2], where, builder)


def _copies(builder: Builder, a: Operation, b: Operation) -> bool:
    """Whether two stores are in different copies of the body of an unrolled loop."""
    first, second = (builder.copies.get(store.name, {}) for store in (a, b))
    return any(second.get(name, value) != value for name, value in first.items())


def _rewriting(
    static: Static,
    first: Operation,
    second: Operation,
    element: int,
    times: np.ndarray,
    where: str,
    builder: Builder,
) -> Exception:
    a, b = (static.place(int(time)) for time in times)
    lines = [builder.lines.get(access.name, 0) for access in (first, second)]
    in_lines = f", lines {lines[0]} and {lines[1]}" if lines[0] != lines[1] else ""
    if a != b:
        conflict = f"iterations {a} and {b}{in_lines}"
    else:
        conflict = f"two copies of an unrolled loop in iteration {a}{in_lines}"
    return illegal(
        where,
        lines[1],
        f"each element of {first.array} written once, or read before it is written again",
        f"element {element} written in {conflict}",
        "Write it after the inner loop, or make it a sum: +=.",
    )
