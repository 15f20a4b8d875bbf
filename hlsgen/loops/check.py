"""Legality of a loop graph. Every rule names itself and the operation in the error that it raises."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from graphlib import CycleError, TopologicalSorter

from hlsgen.algebra.affine import Affine, box
from hlsgen.algebra.mark import Mark
from hlsgen.algebra.word import WORD_OPERATORS
from hlsgen.errors import IllegalGraph, TypeMismatch, UnsupportedOp
from hlsgen.loops.ir import Array, Constant, LoopGraph, Operation, Value

LOOPS = 6
"""Levels of the deepest loop nest, as in ``arch.configuration``."""
OPERANDS = {"load": (0, 1), "store": (1, 2), "affine": (0, 0)}
"""Least and most operands of the memory tiles' operators."""


def check(graph: LoopGraph) -> None:
    """Raise unless the graph keeps every rule of ``ir.py``.

    IllegalGraph: names, operands, distances, starts, marks, accesses, arrays and loops, and a cycle of distance 0 (with its operations
    named); UnsupportedOp: an operator that no fabric has; TypeMismatch: constants out of range.
    """
    _check_names(graph)
    _check_loops(graph)
    for array in graph.arrays:
        _check_array(graph, array)
    names = {operation.name for operation in graph.operations}
    for operation in graph.operations:
        _check_operator(graph, operation)
        for value in operation.values:
            _check_value(graph, operation, value, names)
        for mark in (operation.predicate, operation.clear, operation.when):
            if isinstance(mark, Mark) and not 0 <= mark.level <= len(graph.loops):
                raise _illegal(
                    graph, operation, f"a mark of level 0 to {len(graph.loops)}", str(mark.level)
                )
        _check_marks(graph, operation)
        _check_access(graph, operation)
    for order in graph.orders:
        for end in (order.before, order.after):
            if end not in names:
                raise _illegal_graph(graph, "orders between operations of the graph", repr(end))
        if order.distance < 0:
            raise _illegal_graph(
                graph,
                f"an order of {order.before} and {order.after} with distance 0 or more",
                str(order.distance),
            )
    refuse_cycles(f"loop graph {graph.name}", zero_distance_edges(graph))


def zero_distance_edges(graph: LoopGraph) -> Iterator[tuple[str, str]]:
    """(earlier, later): what an iteration must compute before what, by values and orders."""
    for operation in graph.operations:
        for value in operation.values:
            if value.distance == 0:
                yield value.operation, operation.name
    for order in graph.orders:
        if order.distance == 0:
            yield order.before, order.after


def _illegal_graph(graph: LoopGraph, expected: str, found: str) -> IllegalGraph:
    return IllegalGraph(
        f"loop graph {graph.name}", f"expected {expected}, found {found}", "Correct the graph."
    )


def _illegal(graph: LoopGraph, operation: Operation, expected: str, found: str) -> IllegalGraph:
    return IllegalGraph(
        f"loop graph {graph.name}, operation {operation.name} ({operation.operator})",
        f"expected {expected}, found {found}",
        "Correct the graph.",
    )


def _check_names(graph: LoopGraph) -> None:
    for kind, names in (
        ("loops", [loop.name for loop in graph.loops]),
        ("arrays", [array.name for array in graph.arrays]),
        ("operations", [operation.name for operation in graph.operations]),
    ):
        for name in names:
            if not re.fullmatch(r"[A-Za-z_]\w*", name):
                raise _illegal_graph(graph, f"identifiers as names of {kind}", repr(name))
        double = next((name for name in names if names.count(name) > 1), None)
        if double is not None:
            raise _illegal_graph(graph, f"different names of {kind}", f"{double} twice")
    if not graph.operations:
        raise _illegal_graph(graph, "at least one operation", "none")


def _check_loops(graph: LoopGraph) -> None:
    if not 1 <= len(graph.loops) <= LOOPS:
        raise _illegal_graph(graph, f"a nest of 1 to {LOOPS} loops", str(len(graph.loops)))
    for loop in graph.loops:
        if loop.extent < 1:
            raise _illegal_graph(
                graph, f"loop {loop.name} with at least one trip", str(loop.extent)
            )


def _check_array(graph: LoopGraph, array: Array) -> None:
    where = f"loop graph {graph.name}, array {array.name}"
    if not array.shape or min(array.shape) < 1:
        raise IllegalGraph(
            where, f"expected a shape of positive extents, found {array.shape}", "Correct it."
        )
    if array.element.bits > graph.word.bits:
        raise TypeMismatch(
            where,
            f"expected elements of at most {graph.word.bits} bits, found {array.element}",
            "Use a fabric with wider words, or narrower elements.",
        )
    if (array.values is not None) != (array.role == "constant"):
        raise IllegalGraph(
            where,
            f"expected values for constants and for nothing else, found role {array.role}"
            f" {'without' if array.values is None else 'with'} values",
            "Give values, or change the role.",
        )
    if array.values is not None:
        if len(array.values) != array.size:
            raise IllegalGraph(
                where,
                f"expected {array.size} values, found {len(array.values)}",
                "Give one value for every element.",
            )
        low, high = min(array.values), max(array.values)
        if low < array.element.minimum or high > array.element.maximum:
            raise TypeMismatch(
                where,
                f"expected values of {array.element}, found {low} to {high}",
                "Widen the element type.",
            )


def _check_operator(graph: LoopGraph, operation: Operation) -> None:
    if operation.operator in OPERANDS:
        least, most = OPERANDS[operation.operator]
    elif operation.operator in WORD_OPERATORS:
        least = most = WORD_OPERATORS[operation.operator].operands
    else:
        raise UnsupportedOp(
            f"loop graph {graph.name}, operation {operation.name}",
            f"expected an operator that fabrics have, found {operation.operator!r}",
            "Write it with operators of 'hlsgen.algebra.word', for example a table for a division.",
        )
    if not least <= len(operation.operands) <= most:
        arity = str(least) if least == most else f"{least} or {most}"
        raise _illegal(graph, operation, f"{arity} operands", str(len(operation.operands)))
    low, high = -(1 << (graph.word.bits - 1)), (1 << graph.word.bits) - 1
    for operand in operation.operands:
        if isinstance(operand, Constant) and not low <= operand.value <= high:
            raise TypeMismatch(
                f"loop graph {graph.name}, operation {operation.name}",
                f"expected constants of {graph.word.bits} bits, found {operand.value}",
                "Use a constant that a word holds.",
            )


def _check_value(graph: LoopGraph, operation: Operation, value: Value, names: set[str]) -> None:
    if value.operation not in names:
        raise _illegal(graph, operation, "operands of this graph", repr(value.operation))
    if graph.operation(value.operation).operator == "store":
        raise _illegal(graph, operation, "operands that are values", f"store {value.operation}")
    if value.distance < 0:
        raise _illegal(graph, operation, "a distance of 0 or more", str(value.distance))
    if (value.start is not None) != (value.distance > 0):
        raise _illegal(
            graph,
            operation,
            "a start for carried values and for no others",
            f"distance {value.distance} {'without' if value.start is None else 'with'} a start",
        )
    if not 0 <= value.level < len(graph.loops):
        raise _illegal(graph, operation, f"a level below {len(graph.loops)}", str(value.level))


def _check_marks(graph: LoopGraph, operation: Operation) -> None:
    word = WORD_OPERATORS.get(operation.operator)
    accumulates = word is not None and word.accumulates
    if accumulates != (operation.clear is not None):
        raise _illegal(
            graph,
            operation,
            "a clear mark for accumulating operators and no others",
            "one" if operation.clear is not None else "none",
        )
    if operation.operator == "select" and operation.predicate is None:
        raise _illegal(graph, operation, "a predicate", "none")
    if operation.operator in ("load", "affine") and operation.predicate is not None:
        raise _illegal(graph, operation, "no predicate (what is read can be guarded)", "one")
    when = operation.when
    if when is not None and (
        operation.operator != "store" or len(operation.operands) != 1 or when.edge != "last"
    ):
        raise _illegal(
            graph, operation, "`when` at last trips on stores without an index only", str(when)
        )


def _check_access(graph: LoopGraph, operation: Operation) -> None:
    is_memory = operation.operator in OPERANDS
    accesses = operation.operator in ("load", "store")
    if (operation.array is not None) != accesses or (operation.address is not None) != is_memory:
        raise _illegal(
            graph,
            operation,
            "an array and an address for loads and stores, an address for affine",
            f"array {operation.array}, address {operation.address}",
        )
    stops = operation.operator == "load" or operation.predicate is not None
    if operation.partial and not (accesses and stops and operation.address is not None):
        raise _illegal(
            graph, operation, "`partial` on loads, and on stores with a predicate", "it elsewhere"
        )
    if operation.address is None:
        return
    indexed = accesses and len(operation.operands) == OPERANDS[operation.operator][1]
    _check_address(graph, operation, operation.address, indexed)
    if operation.partial and indexed:
        raise _illegal(graph, operation, "`partial` on accesses without an index", "an index")
    if not accesses:
        return
    array = next((known for known in graph.arrays if known.name == operation.array), None)
    if array is None:
        raise _illegal(graph, operation, "an array of the graph", str(operation.array))
    if operation.operator == "store" and array.role in ("input", "constant"):
        raise _illegal(graph, operation, "stores to arrays that may change", f"{array.role}")
    if operation.partial:
        return
    low, high = operation.address.range(box(graph.loops))
    if indexed and operation.wrap_bits is not None:
        high += (1 << operation.wrap_bits) - 1
    if (not indexed or operation.wrap_bits is not None) and not 0 <= low <= high < array.size:
        raise _illegal(
            graph,
            operation,
            f"addresses of {array.name} from 0 to {array.size - 1}",
            f"{low} to {high}",
        )


def _check_address(graph: LoopGraph, operation: Operation, address: Affine, indexed: bool) -> None:
    loops = {loop.name for loop in graph.loops}
    unknown = next((name for name, _ in address.terms if name not in loops), None)
    if unknown is not None:
        raise _illegal(graph, operation, "an address over the graph's loops", unknown)
    if indexed and address.terms:
        raise _illegal(graph, operation, "a constant offset beside an index", "loops in it")
    if operation.wrap_bits is not None and not indexed:
        raise _illegal(graph, operation, "wrap_bits with an index only", str(operation.wrap_bits))


def refuse_cycles(where: str, edges: Iterable[tuple[str, str]]) -> None:
    """Raise IllegalGraph with the nodes of a cycle of the (earlier, later) edges, if there is one."""
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for earlier, later in edges:
        sorter.add(later, earlier)
    try:
        sorter.prepare()
    except CycleError as error:
        raise IllegalGraph(
            where,
            f"expected no cycle within one iteration, found {' -> '.join(error.args[1])}",
            "Give one edge of the cycle a distance of at least 1.",
        ) from None
