"""Loop indices as data, from address generators whose addresses have few bits.

``i = affine 1536 * row - 8192`` -> ``r = affine row``, ``p = multiply r 1536``, ``i = add p -8192``, where the values of i are too wide.
"""

from __future__ import annotations

from dataclasses import replace

from hlsgen.algebra.affine import Affine, box
from hlsgen.errors import DoesNotFit
from hlsgen.loops.ir import Constant, LoopGraph, Operation, Value


def fits(graph: LoopGraph, address: Affine, bits: int) -> bool:
    """Whether an address of ``bits`` bits holds every value: signed where one is negative, else unsigned."""
    low, high = address.range(box(graph.loops))
    return -(1 << (bits - 1)) <= low <= high < 1 << (bits - 1) if low < 0 else high < 1 << bits


def with_narrow_indices(graph: LoopGraph, bits: int) -> LoopGraph:
    """The graph with every ``affine`` in ``bits`` bits; raises DoesNotFit for a loop of more trips than that."""
    operations: list[Operation] = []
    names = {operation.name for operation in graph.operations}
    for operation in graph.operations:
        assert operation.operator != "affine" or operation.address is not None
        if operation.operator != "affine" or fits(graph, operation.address or Affine(), bits):
            operations.append(operation)
        else:
            operations += _split(graph, operation, bits, names)
    return replace(graph, operations=tuple(operations))


def _split(graph: LoopGraph, operation: Operation, bits: int, names: set[str]) -> list[Operation]:
    assert operation.address is not None
    steps: list[Operation] = []

    def emit(operator: str, *operands: Value | Constant, address: Affine | None = None) -> Value:
        k = 0
        while (name := f"{operation.name}_part{k or ''}") in names:
            k += 1
        names.add(name)
        steps.append(Operation(name, operator, operands, address=address))
        return Value(name)

    total: Value | None = None
    for loop, coefficient in operation.address.terms:
        trips = Affine(0, ((loop, 1),))
        if not fits(graph, trips, bits):
            raise DoesNotFit(
                f"loop graph {graph.name}, operation {operation.name} (affine)",
                f"expected loops of at most {1 << bits} trips where their index is used as a number, found"
                f" {trips.range(box(graph.loops))[1] + 1} in {loop}",
                "Use a fabric with larger tiles, or split the loop.",
            )
        term = emit("affine", address=trips)
        if coefficient != 1:
            term = emit("multiply", term, Constant(coefficient))
        total = term if total is None else emit("add", total, term)
    assert total is not None
    last = Operation(operation.name, "add", (total, Constant(operation.address.offset)))
    return [*steps, last]
