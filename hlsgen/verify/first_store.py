"""Where a kernel's outputs first differ from its loop graphs: the wrong element that got its value first, in the order of the iterations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from hlsgen.loops.evaluate import evaluate, writes
from hlsgen.loops.ir import Kernel, LoopGraph, Operation

Lines = Mapping[str, int]
"""Operation -> line of the source."""


def first_wrong_store(
    kernel: Kernel,
    arrays: Mapping[str, np.ndarray],
    outputs: Mapping[str, np.ndarray],
    lines: Sequence[Lines] = (),
) -> str | None:
    """The sentence that names the store; None where ``outputs`` of an execution on ``arrays`` are right.

    ``lines`` of every graph, where its source has lines. An element that several iterations write counts where it is written last.
    """
    held = dict(arrays)
    last: dict[
        str, np.ndarray
    ] = {}  # array -> (size,): place of the last write of each element, -1 where there is none
    begins = [0]
    for graph in kernel.graphs:
        for name, places in _last_writes(graph, held).items():
            before = last.setdefault(name, np.full(places.shape, -1, dtype=np.int64))
            last[name] = np.where(places < 0, before, places + begins[-1])
        begins.append(begins[-1] + graph.iterations * len(graph.operations))
        held.update(evaluate(graph, held))
    first: tuple[int, str, int] | None = None
    count = 0
    for name, got in outputs.items():
        wrong = np.flatnonzero(np.asarray(got).reshape(-1) != held[name].reshape(-1))
        count += len(wrong)
        for element in wrong.tolist():
            place = int(last[name][element]) if name in last else -1
            first = min(first or (place, name, element), (place, name, element))
    if first is None:
        return None
    place, name, element = first
    index = [int(k) for k in np.unravel_index(element, outputs[name].shape)]
    values = f"got {outputs[name].reshape(-1)[element]}, want {held[name].reshape(-1)[element]}"
    what = f"{name}{index}: {values}; {count} elements of this execution differ"
    if place < 0:
        return f"first wrong element: {what}; no store writes it"
    number = int(np.searchsorted(begins, place, side="right")) - 1
    graph = kernel.graphs[number]
    iteration, position = divmod(place - begins[number], len(graph.operations))
    where = _named(graph.operations[position], lines[number] if lines else {})
    return f"first wrong store: {where} of {graph.name} in iteration {_trips(graph, iteration)}, {what}"


def _last_writes(graph: LoopGraph, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Array -> (size,): iteration times operations, plus the number of the store, of the last write of each element; else -1."""
    numbers = {operation.name: k for k, operation in enumerate(graph.operations)}
    last: dict[str, np.ndarray] = {}
    for write in writes(graph, arrays):
        name = str(write.store.array)
        size = graph.array(name).size
        places = write.iterations * len(numbers) + numbers[write.store.name]
        np.maximum.at(last.setdefault(name, np.full(size, -1)), write.elements, places)
    return last


def _named(store: Operation, lines: Lines) -> str:
    line = lines.get(store.name)
    return store.name if line is None else f"{store.name} (line {line})"


def _trips(graph: LoopGraph, iteration: int) -> str:
    """E.g. ``(i 0, j 3)``."""
    trips = np.unravel_index(iteration, [loop.extent for loop in graph.loops])
    pairs = zip(graph.loops, trips, strict=True)
    return "(" + ", ".join(f"{loop.name} {int(trip)}" for loop, trip in pairs) + ")"
