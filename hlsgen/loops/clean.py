"""Clean-up of loop graphs: fewer operations with the same meaning, each of which one context can say.

Until nothing changes::

    add 2 3                              -> 5                        constants; loads of constants; decided predicates
    add x 0, and x -1, select x x if p   -> x                        identities; moves without predicate
    multiply x 0, subtract x x           -> 0
    load a[0 + 5]                        -> load a[5]                a constant index is an address
    y = add x 1, z = add 1 x             -> y for both               common subexpressions (loads of arrays that are not written, too)

then stores of both branches of a condition become one (``merge_stores.py``); where asked, a product that is only summed, from 0, becomes a ``multiply_accumulate``, and a running maximum from the least
word a ``maximum_accumulate``; operations that no store needs are removed; ``moves.py`` inserts moves where a context needs them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from graphlib import TopologicalSorter

from hlsgen.algebra.affine import Affine
from hlsgen.algebra.mark import Mark
from hlsgen.algebra.types import wrap
from hlsgen.algebra.word import WORD_OPERATORS
from hlsgen.loops.check import zero_distance_edges
from hlsgen.loops.evaluate import is_indexed
from hlsgen.loops.ir import Constant, ConstantOrValue, LoopGraph, Operation, Value
from hlsgen.loops.merge_stores import with_merged_stores
from hlsgen.loops.moves import with_moves

# operator -> constant second operand that leaves the first operand as it is
NEUTRAL: Mapping[str, int] = {
    "add": 0,
    "subtract": 0,
    "multiply": 1,
    "and": -1,
    "or": 0,
    "xor": 0,
    "shift_left": 0,
    "shift_right": 0,
    "shift_right_logical": 0,
}
# operator -> (constant second operand, the result that it forces)
ABSORBING: Mapping[str, tuple[int, int]] = {"multiply": (0, 0), "and": (0, 0), "or": (-1, -1)}
ACCUMULATING = ("multiply_accumulate", "maximum_accumulate")
IDEMPOTENT = ("and", "or", "minimum", "maximum", "select")
# operator -> its value for two equal operands
OF_EQUALS: Mapping[str, int] = {
    "subtract": 0,
    "xor": 0,
    "equal": 1,
    "not_equal": 0,
    "less": 0,
    "less_equal": 1,
    "less_unsigned": 0,
}


def clean(
    graph: LoopGraph, as_given: bool = False, accumulating: Collection[str] = ACCUMULATING
) -> LoopGraph:
    """An equal graph with fewer operations; legal if the given one is.

    ``as_given`` only inserts moves and puts constants second (benchmarks count the operations of others' graphs); ``accumulating``:
    the accumulating operators that may be used.
    """
    if as_given:
        operations = [_normal(graph, operation) for operation in graph.operations]
        return with_moves(replace(graph, operations=tuple(operations)))
    while (simpler := without_dead(_simplified(graph))) != graph:
        graph = simpler
    return with_moves(without_dead(fused(with_merged_stores(graph), accumulating)))


def without_dead(graph: LoopGraph) -> LoopGraph:
    """Only the operations that stores need, and the orders between them; a graph without stores as it is."""
    operations = {operation.name: operation for operation in graph.operations}
    pending = [operation.name for operation in graph.operations if operation.operator == "store"]
    if not pending:
        return graph
    needed: set[str] = set()
    while pending:
        name = pending.pop()
        if name not in needed:
            needed.add(name)
            pending += [value.operation for value in operations[name].values]
    return replace(
        graph,
        operations=tuple(operation for operation in graph.operations if operation.name in needed),
        orders=tuple(o for o in graph.orders if o.before in needed and o.after in needed),
    )


def fused(graph: LoopGraph, accumulating: Collection[str]) -> LoopGraph:
    """Sums of products and running maxima as accumulating operations; the products stay (see ``without_dead``)."""
    operations = {operation.name: operation for operation in graph.operations}
    uses: dict[str, int] = {}
    for operation in graph.operations:
        for value in operation.values:
            uses[value.operation] = uses.get(value.operation, 0) + 1
    candidates = (_fused(graph, operation, operations, uses) for operation in graph.operations)
    return replace(
        graph,
        operations=tuple(
            new if new.operator in accumulating else old
            for new, old in zip(candidates, graph.operations, strict=True)
        ),
    )


def _fused(
    graph: LoopGraph,
    operation: Operation,
    operations: Mapping[str, Operation],
    uses: Mapping[str, int],
) -> Operation:
    if operation.operator not in ("add", "maximum") or operation.predicate is not None:
        return operation
    for carried, other in (operation.operands, operation.operands[::-1]):
        if not isinstance(carried, Value) or (carried.operation, carried.distance) != (
            operation.name,
            1,
        ):
            continue
        clear = Mark("first", carried.level)
        if operation.operator == "maximum":
            if carried.start == -(1 << (graph.word.bits - 1)):
                return Operation(operation.name, "maximum_accumulate", (other,), clear=clear)
        elif carried.start == 0 and isinstance(other, Value) and other.distance == 0:
            product = operations[other.operation]
            plain = product.operator == "multiply" and product.predicate is None
            if plain and uses[product.name] == 1 and product.name != operation.name:
                operands = product.operands
                return Operation(operation.name, "multiply_accumulate", operands, clear=clear)
    return operation


def _as_operation(name: str, result: Operation | ConstantOrValue) -> Operation:
    return result if isinstance(result, Operation) else Operation(name, "move", (result,))


def _simplified(graph: LoopGraph) -> LoopGraph:
    """One pass over the operations in the order of their dependences."""
    return _Simplifier(graph).run()


def _normal(graph: LoopGraph, operation: Operation) -> Operation:
    """Constants as signed words, and second where the operator is commutative."""
    operands = tuple(
        Constant(wrap(operand.value, graph.word.bits)) if isinstance(operand, Constant) else operand
        for operand in operation.operands
    )
    word = WORD_OPERATORS.get(operation.operator)
    if word is not None and word.commutative and isinstance(operands[0], Constant):
        operands = operands[::-1]
    return replace(operation, operands=operands)


class _Simplifier:
    """``known``: what to read instead of an operation; ``fixed``: operations that others are replaced by in this pass."""

    def __init__(self, graph: LoopGraph) -> None:
        self.graph = graph
        self.operations = {operation.name: operation for operation in graph.operations}
        self.known: dict[str, ConstantOrValue] = {}
        self.fixed: set[str] = set()
        self.carried_uses: dict[str, list[Value]] = {
            operation.name: [] for operation in graph.operations
        }
        for operation in graph.operations:
            for value in operation.values:
                if value.distance:
                    self.carried_uses[value.operation].append(value)
        self.written = {
            operation.array for operation in graph.operations if operation.operator == "store"
        }

    def run(self) -> LoopGraph:
        sorter: TopologicalSorter[str] = TopologicalSorter({name: () for name in self.operations})
        for earlier, later in zero_distance_edges(self.graph):
            sorter.add(later, earlier)
        seen: dict[Operation, str] = {}
        kept: dict[str, Operation] = {}
        for name in sorter.static_order():
            operation = self._rewritten(self.operations[name])
            if operation is None:
                continue
            result: Operation | ConstantOrValue = operation
            if isinstance(operation, Operation):
                result = self._reduced(operation)
            if isinstance(result, Operation):
                same = seen.setdefault(replace(result, name=""), name)
                if same != name and self._repeatable(result):
                    result = Value(same)
            if not isinstance(result, Operation) and self._replaceable(name, result):
                self.known[name] = result
                if isinstance(result, Value):
                    self.fixed.add(result.operation)
            else:
                kept[name] = _as_operation(name, result)
        final = [
            _as_operation(name, again)
            for name in self.operations
            if name in kept and (again := self._rewritten(kept[name])) is not None
        ]
        gone = self.known.keys() | (self.operations.keys() - kept.keys())
        return replace(
            self.graph,
            operations=tuple(final),
            orders=tuple(
                o for o in self.graph.orders if o.before not in gone and o.after not in gone
            ),
        )

    def _replaceable(self, name: str, result: ConstantOrValue) -> bool:
        """Whether every use of ``name`` can read ``result``."""
        carried = self.carried_uses[name]
        if isinstance(result, Constant):
            bits = self.graph.word.bits
            return all(
                use.start is not None and wrap(use.start, bits) == result.value for use in carried
            )
        if result.operation == name or name in self.fixed or result.operation in self.known:
            return False
        return result.distance == 0 or not carried

    def _read(self, operand: ConstantOrValue) -> ConstantOrValue:
        if isinstance(operand, Constant) or operand.operation not in self.known:
            return operand
        instead = self.known[operand.operation]
        if isinstance(instead, Constant) or operand.distance == 0:
            return instead
        return replace(operand, operation=instead.operation)

    def _rewritten(self, operation: Operation) -> Operation | ConstantOrValue | None:
        """With what is known of its operands; None for a store that never happens."""
        operands = tuple(map(self._read, operation.operands))
        predicate = operation.predicate
        if isinstance(predicate, Value):
            decided = self._read(predicate)
            if isinstance(decided, Constant):
                return self._decided(replace(operation, operands=operands), decided.value & 1)
            predicate = decided
        return _normal(self.graph, replace(operation, operands=operands, predicate=predicate))

    def _decided(self, operation: Operation, true: int) -> Operation | ConstantOrValue | None:
        """The operation with a predicate that always has one value."""
        if operation.operator == "select":
            return operation.operands[0 if true else 1]
        if true:
            return _normal(self.graph, replace(operation, predicate=None))
        return None if operation.operator == "store" else Constant(0)

    def _repeatable(self, operation: Operation) -> bool:
        return operation.operator != "store" and operation.array not in self.written

    def _reduced(self, operation: Operation) -> Operation | ConstantOrValue:
        """What the operation is for its operands, or itself."""
        if operation.operator in ("load", "store", "affine"):
            return self._reduced_access(operation)
        word = WORD_OPERATORS[operation.operator]
        a, *rest = operation.operands
        if operation.operator == "select":
            return a if a == rest[0] else operation
        if operation.predicate is not None or word.accumulates:
            return operation
        if operation.operator == "move":
            return a
        b = rest[0]
        if isinstance(a, Constant) and isinstance(b, Constant):
            bits = self.graph.word.bits
            return Constant(int(wrap(word.meaning(bits, a.value, b.value), bits)))
        if a == b and operation.operator in IDEMPOTENT:
            return a
        if a == b and operation.operator in OF_EQUALS:
            return Constant(OF_EQUALS[operation.operator])
        if isinstance(b, Constant):
            if NEUTRAL.get(operation.operator) == b.value:
                return a
            absorbing = ABSORBING.get(operation.operator)
            if absorbing is not None and absorbing[0] == b.value:
                return Constant(absorbing[1])
        return operation

    def _reduced_access(self, operation: Operation) -> Operation | ConstantOrValue:
        assert operation.address is not None
        if operation.array is None:
            constant = not operation.address.terms
            return Constant(operation.address.offset) if constant else operation
        array = self.graph.array(operation.array)
        if is_indexed(operation) and isinstance(index := operation.operands[-1], Constant):
            offset = index.value
            if operation.wrap_bits is not None:
                offset &= (1 << operation.wrap_bits) - 1
            address = operation.address.offset + offset
            if 0 <= address < array.size:
                return replace(
                    operation,
                    operands=operation.operands[:-1],
                    address=Affine(address),
                    wrap_bits=None,
                )
        plain = operation.operator == "load" and not operation.operands
        if plain and array.values is not None and not operation.address.terms:
            return Constant(wrap(array.values[operation.address.offset], self.graph.word.bits))
        return operation
