"""The meaning of loop graphs: iterations one after the other, operations in the order of their dependences.

What is carried from iteration to iteration (values, accumulators, arrays that are read and written) is computed step by step;
everything else for all iterations at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import networkx as nx
import numpy as np

from hlsgen.algebra.affine import Affine
from hlsgen.algebra.mark import Mark
from hlsgen.algebra.types import wrap
from hlsgen.algebra.word import WORD_OPERATORS
from hlsgen.errors import IllegalGraph, TypeMismatch
from hlsgen.loops.check import zero_distance_edges
from hlsgen.loops.ir import Array, Constant, ConstantOrValue, Kernel, LoopGraph, Operation, Value

Executor = Callable[[int], None]
ANY_WORD = 0x5A17_C0DE
"""What a partial load gives outside its array: nothing may depend on it, and tests compare with functions that never read it."""


def evaluate(graph: LoopGraph, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays after a run: those that are neither input nor constant, with their shapes and element types.

    ``arrays``: input and inout arrays by name; output and scratch arrays are 0 where not given. The graph is legal (``check``).
    Raises TypeMismatch for arrays that do not fit, and IllegalGraph for an index outside its array.
    """
    run = _Run(graph, arrays)
    run.whole()
    return {
        array.name: run.memory[array.name].reshape(array.shape).astype(array.element.native)
        for array in graph.arrays
        if array.role not in ("input", "constant")
    }


@dataclass(frozen=True, eq=False)
class Writes:
    """What a store wrote: (writes,) iterations, numbered over the whole nest, and (writes,) elements."""

    store: Operation
    iterations: np.ndarray
    elements: np.ndarray


def writes(graph: LoopGraph, arrays: Mapping[str, np.ndarray]) -> tuple[Writes, ...]:
    """Every write of a run, store by store; see ``evaluate``."""
    run = _Run(graph, arrays)
    run.whole()
    return tuple(run.writes)


def evaluate_kernel(kernel: Kernel, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The output and inout arrays after all graphs of a kernel have run on the same arrays."""
    held = dict(arrays)
    roles = {array.name: array.role for graph in kernel.graphs for array in graph.arrays}
    for graph in kernel.graphs:
        held.update(evaluate(graph, held))
    return {name: held[name] for name, role in roles.items() if role in ("output", "inout")}


def _carries(operation: Operation) -> bool:
    word = WORD_OPERATORS.get(operation.operator)
    return (word is not None and word.accumulates) or any(
        value.operation == operation.name for value in operation.values
    )


def _groups(graph: LoopGraph) -> list[list[Operation]]:
    """Operations that depend on one another around the loop, groups and members in an order that keeps every dependence."""
    depends = nx.DiGraph()
    depends.add_nodes_from(operation.name for operation in graph.operations)
    for operation in graph.operations:
        depends.add_edges_from((value.operation, operation.name) for value in operation.values)
    depends.add_edges_from((order.before, order.after) for order in graph.orders)
    for array in graph.arrays:
        users = [operation for operation in graph.operations if operation.array == array.name]
        if any(operation.operator == "store" for operation in users):
            names = [operation.name for operation in users]
            depends.add_edges_from(zip(names, names[1:] + names[:1], strict=True))
    within = nx.DiGraph(list(zero_distance_edges(graph)))
    within.add_nodes_from(depends)
    rank = {operation.name: number for number, operation in enumerate(graph.operations)}
    in_order = list(nx.lexicographical_topological_sort(within, key=rank.__getitem__))
    place = {name: number for number, name in enumerate(in_order)}
    whole = nx.condensation(depends)
    groups = [whole.nodes[node]["members"] for node in nx.topological_sort(whole)]
    return [
        [graph.operation(name) for name in sorted(group, key=place.__getitem__)] for group in groups
    ]


class _Run:
    def __init__(self, graph: LoopGraph, arrays: Mapping[str, np.ndarray]) -> None:
        self.graph = graph
        self.bits = graph.word.bits
        self.count = graph.iterations
        self.iterations = np.arange(self.count)
        extents = tuple(loop.extent for loop in graph.loops)
        self.trips = dict(
            zip(
                (loop.name for loop in graph.loops),
                np.unravel_index(self.iterations, extents),
                strict=True,
            )
        )
        self.memory = {array.name: _contents(graph, array, arrays) for array in graph.arrays}
        self.values: dict[str, np.ndarray] = {}
        self.writes: list[Writes] = []

    def whole(self) -> None:
        """All iterations."""
        for group in _groups(self.graph):
            if len(group) == 1 and not _carries(group[0]):
                self.at_once(group[0])
            else:
                self.in_steps(group)

    def inner(self, level: int) -> int:
        """Iterations of the nest from loop ``level`` on."""
        total = 1
        for loop in self.graph.loops[level:]:
            total *= loop.extent
        return total

    def mark(self, mark: Mark) -> np.ndarray:
        inner = self.inner(mark.level)
        return self.iterations % inner == (0 if mark.edge == "first" else inner - 1)

    def affine(self, address: Affine) -> np.ndarray:
        return address.values(self.trips, self.count)

    def read(self, operand: ConstantOrValue) -> np.ndarray:
        if isinstance(operand, Constant):
            return np.full(self.count, wrap(operand.value, self.bits))
        values = self.values[operand.operation]
        if operand.distance == 0:
            return values
        late = self.iterations % self.inner(operand.level) < operand.distance
        assert operand.start is not None
        return np.where(late, wrap(operand.start, self.bits), np.roll(values, operand.distance))

    def predicate(self, operation: Operation) -> np.ndarray | None:
        given = operation.predicate
        if given is None:
            return None
        return self.mark(given) if isinstance(given, Mark) else self.read(given) % 2 == 1

    # one operation, all iterations

    def at_once(self, operation: Operation) -> None:
        operands = [self.read(operand) for operand in operation.operands]
        predicate = self.predicate(operation)
        match operation.operator:
            case "load" | "store":
                self._access_at_once(operation, operands, predicate)
            case "affine":
                assert operation.address is not None
                self.values[operation.name] = wrap(self.affine(operation.address), self.bits)
            case "select":
                assert predicate is not None
                self.values[operation.name] = np.where(predicate, *operands)
            case operator:
                result = wrap(WORD_OPERATORS[operator].meaning(self.bits, *operands), self.bits)
                self.values[operation.name] = (
                    result if predicate is None else np.where(predicate, result, 0)
                )

    def _access_at_once(
        self, operation: Operation, operands: Sequence[np.ndarray], predicate: np.ndarray | None
    ) -> None:
        assert operation.array is not None and operation.address is not None
        array, memory = self.graph.array(operation.array), self.memory[operation.array]
        executes = np.ones(self.count, bool) if predicate is None else predicate
        if operation.when is not None:
            executes = executes & self.mark(operation.when)
        address = self.affine(operation.address)
        if is_indexed(operation):
            address = address + _wrapped(operands[-1], operation)
        outside = (address < 0) | (address >= array.size)
        if operation.operator == "load" and operation.partial:
            words = np.where(outside, ANY_WORD, memory[np.where(outside, 0, address)])
            self.values[operation.name] = wrap(words, self.bits)
            return
        if np.any(wrong := executes & outside):
            raise _outside(self.graph, operation, array, int(address[wrong][0]))
        if operation.operator == "load":
            self.values[operation.name] = wrap(memory[address], self.bits)
        else:  # of equal addresses the last stays
            memory[address[executes]] = array.element.decode(operands[0][executes])
            self.writes.append(Writes(operation, np.flatnonzero(executes), address[executes]))

    # several operations, iteration by iteration

    def in_steps(self, group: Sequence[Operation]) -> None:
        """Values of the group are lists while they grow; those of other operations are ready."""
        lists: dict[str, list[int]] = {operation.name: [] for operation in group}
        steps = [self._step(operation, lists) for operation in group]
        for iteration in range(self.count):
            for step in steps:
                step(iteration)
        for operation in group:
            if operation.operator == "store":
                # Where it wrote, its list holds the element; else -1.
                places = np.array(lists[operation.name], dtype=np.int64)
                wrote = np.flatnonzero(places >= 0)
                self.writes.append(Writes(operation, wrote, places[wrote]))
        for name, values in lists.items():
            self.values[name] = np.array(values, dtype=np.int64)

    def _reader(
        self, operand: ConstantOrValue, lists: Mapping[str, list[int]]
    ) -> Callable[[int], int]:
        if isinstance(operand, Value) and operand.operation in lists:
            values = lists[operand.operation]
            distance = operand.distance
            if distance == 0:
                return values.__getitem__
            assert operand.start is not None
            inner, start = self.inner(operand.level), wrap(operand.start, self.bits)
            return lambda n: start if n % inner < distance else values[n - distance]
        ready: list[int] = self.read(operand).tolist()
        return ready.__getitem__

    def _step(self, operation: Operation, lists: Mapping[str, list[int]]) -> Executor:
        operands = [self._reader(operand, lists) for operand in operation.operands]
        given = operation.predicate
        executes: Callable[[int], int | bool] = lambda n: True  # noqa: E731
        if isinstance(given, Mark):
            executes = self.mark(given).tolist().__getitem__
        elif given is not None:
            executes = self._reader(given, lists)
        results = lists[operation.name]
        if operation.operator in ("load", "store"):
            return self._access_step(operation, operands, executes, results)
        if operation.operator == "affine":
            self.at_once(operation)
            ready = self.values[operation.name].tolist()
            return lambda n: results.append(ready[n])
        word, bits = WORD_OPERATORS[operation.operator], self.bits
        if word.accumulates:
            return self._accumulate_step(operation, operands, executes, results)
        if operation.operator == "select":
            a, b = operands
            return lambda n: results.append(a(n) if executes(n) & 1 else b(n))
        meaning = word.meaning

        def compute(n: int) -> None:
            taken = executes(n) & 1
            read = [operand(n) for operand in operands]
            results.append(int(wrap(meaning(bits, *read), bits)) if taken else 0)

        return compute

    def _accumulate_step(
        self,
        operation: Operation,
        operands: Sequence[Callable[[int], int]],
        executes: Callable[[int], int | bool],
        results: list[int],
    ) -> Executor:
        meaning, bits = WORD_OPERATORS[operation.operator].meaning, self.bits
        assert operation.clear is not None
        clear = self.mark(operation.clear).tolist()
        takes_first = operation.operator == "maximum_accumulate"

        held = 0

        def accumulate(n: int) -> None:
            nonlocal held
            if not executes(n) & 1:
                results.append(0)
                return
            read = [operand(n) for operand in operands]
            if clear[n]:
                held = read[0] if takes_first else 0
            held = int(wrap(meaning(bits, held, *read), bits))
            results.append(held)

        return accumulate

    def _access_step(
        self,
        operation: Operation,
        operands: Sequence[Callable[[int], int]],
        executes: Callable[[int], int | bool],
        results: list[int],
    ) -> Executor:
        assert operation.array is not None and operation.address is not None
        graph, array, memory = (
            self.graph,
            self.graph.array(operation.array),
            self.memory[operation.array],
        )
        base = self.affine(operation.address).tolist()
        index = operands[-1] if is_indexed(operation) else None
        when = None if operation.when is None else self.mark(operation.when).tolist()

        def access(n: int) -> None:
            address = base[n] if index is None else base[n] + _wrapped(index(n), operation)
            taken = executes(n) & 1 and (when is None or when[n])
            inside = 0 <= address < array.size
            if operation.operator == "load" and operation.partial and not inside:
                results.append(int(wrap(ANY_WORD, self.bits)))
                return
            if taken and not inside:
                raise _outside(graph, operation, array, address)
            if operation.operator == "load":
                results.append(int(wrap(int(memory[address]), self.bits)))
            else:
                results.append(address if taken else -1)
                if taken:
                    memory[address] = array.element.decode(operands[0](n))

        return access


def is_indexed(operation: Operation) -> bool:
    """Whether the last operand of a load or store is an index."""
    return len(operation.operands) == {"load": 1, "store": 2}[operation.operator]


def _wrapped(index: np.ndarray | int, operation: Operation) -> np.ndarray | int:
    return index if operation.wrap_bits is None else index & ((1 << operation.wrap_bits) - 1)


def _outside(graph: LoopGraph, operation: Operation, array: Array, index: int) -> IllegalGraph:
    return IllegalGraph(
        f"loop graph {graph.name}, operation {operation.name} ({operation.operator})",
        f"expected an index of {array.name} from 0 to {array.size - 1}, found {index}",
        "Keep the index inside the array, guard the access, or choose the arrays: inputs(random) in the kernel's file.",
    )


def _contents(graph: LoopGraph, array: Array, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
    """The array's elements at the start of a run: (size,) int64, a copy."""
    where = f"loop graph {graph.name}, array {array.name}"
    if array.values is not None:
        return np.array(array.values, dtype=np.int64)
    given = arrays.get(array.name)
    if given is None:
        if array.role in ("input", "inout"):
            raise TypeMismatch(where, "expected its elements, found none", "Give the array.")
        return np.zeros(array.size, dtype=np.int64)
    if np.shape(given) not in (array.shape, (array.size,)):
        raise TypeMismatch(
            where, f"expected shape {array.shape}, found {np.shape(given)}", "Reshape the array."
        )
    low, high = int(np.min(given)), int(np.max(given))
    if low < array.element.minimum or high > array.element.maximum:
        raise TypeMismatch(
            where,
            f"expected elements of {array.element}, found {low} to {high}",
            "Give an array of the kernel's type.",
        )
    return np.array(given, dtype=np.int64).reshape(array.size)
