"""Data-flow graphs of other projects as loop graphs: the meaning that their files leave open.

Such files give operators, edges, constants and sometimes predicates, but no arrays, loop bounds or start values. What is
chosen here, so that a graph can be run and compared bit by bit, and every edge has to be routed:

* One loop of ``ITERATIONS`` iterations. A loop counter in the graph stays an operation like any other. Words are ``s32``.
* An edge of distance d carries the value of d iterations ago, and 0 before that.
* Every memory operation has a private array. With an address operand it has ``INDEXED_WORDS`` words and is indexed modulo that
  number (``wrap_bits``); with a constant address it uses that word of the array; with none, the word of the loop counter, in an array of
  ``ITERATIONS`` words. A load with a predicate is a load and a predicated ``move``.
* A word operator with a predicate gives 0 where it is false; ``merge`` (one arm of an if) is a predicated ``move``.
  A *negated* predicate exchanges a merge's arms, and is taken as a plain one elsewhere.
* The constant of an operator with two values is a base address and is dropped. Values beyond the second become further operations:
  by the operator itself where it is associative and commutative, else merged by ``or`` in front of it.
* A second operand that the file does not give: the first again for a multiplication and for a constant (files write ``x * x`` as one edge),
  0 for a comparison for equality, else 1.
* A division is one of signed words, rounded towards 0; by a constant power of two it becomes shifts. No fabric has any other.
* Edges that only order (``orders``) become Orders of one cycle; nothing is routed for them.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from hlsgen.algebra.affine import Affine
from hlsgen.algebra.types import ElementType
from hlsgen.errors import BadFile
from hlsgen.loops.check import refuse_cycles
from hlsgen.loops.ir import (
    Array,
    Constant,
    ConstantOrValue,
    CountedLoop,
    Kernel,
    LoopGraph,
    Operation,
    Order,
    Role,
    Value,
)

ITERATIONS = 64
INDEXED_BITS = 4
INDEXED_WORDS = 1 << INDEXED_BITS
WORD = ElementType(32, True)
ASSOCIATIVE = ("add", "multiply", "and", "or", "xor")
PREDICATE = -1
"""The port of a predicate."""
DATA, INDEX = 0, 1
"""The ports of a store; a load's index is also on port INDEX."""


def file_text(path: str | os.PathLike[str]) -> str:
    """The text of a file of another project; raises BadFile where it cannot be read."""
    try:
        return Path(path).read_text("utf-8", errors="replace")
    except OSError as error:
        raise BadFile(
            os.fspath(path),
            f"expected a file that can be read, found: {error.strerror}",
            "Check its name.",
        ) from None


@dataclass(frozen=True)
class ExternalEdge:
    """``source``'s value ``distance`` iterations ago enters ``port`` (0, 1, ...; PREDICATE)."""

    source: str
    port: int
    distance: int = 0
    negated: bool = False


@dataclass(frozen=True)
class ExternalNode:
    """``operator``: a word operator, ``load``, ``store``, ``merge`` or one that no fabric has ("divide")."""

    name: str
    operator: str
    constant: int | None
    edges: tuple[ExternalEdge, ...]


def to_kernel(
    name: str,
    nodes: Sequence[ExternalNode],
    orders: Iterable[tuple[str, str, int]],
    source: str,
    iterations: int = ITERATIONS,
) -> Kernel:
    """The kernel of one graph; ``orders`` are (before, after, distance) triples.

    Raises IllegalGraph with the nodes of a cycle of distance 0.
    """
    orders = tuple(orders)
    refuse_cycles(
        source,
        [
            *((e.source, node.name) for node in nodes for e in node.edges if e.distance == 0),
            *((before, after) for before, after, distance in orders if distance == 0),
        ],
    )
    builder = _Builder(iterations)
    for node in nodes:
        builder.add(node)
    graph = LoopGraph(
        name,
        WORD,
        (CountedLoop("i", iterations),),
        tuple(builder.arrays),
        tuple(builder.renamed()),
        tuple(Order(before, after, distance, 1) for before, after, distance in orders),
    )
    return Kernel(name, (graph,), source)


@dataclass
class _Builder:
    iterations: int
    arrays: list[Array] = field(default_factory=list)
    operations: list[Operation] = field(default_factory=list)
    results: dict[str, str] = field(default_factory=dict)

    def add(self, node: ExternalNode) -> None:
        values = [
            (edge.port, _value(edge))
            for edge in sorted(node.edges, key=lambda edge: (edge.port, edge.distance))
            if edge.port != PREDICATE
        ]
        predicate = self._predicate(node)
        if node.operator == "load":
            self._load(node, [value for _, value in values], predicate)
        elif node.operator == "store":
            self._store(node, values, predicate)
        elif node.operator in ("move", "merge"):
            self._merge(node, [value for _, value in values], predicate)
        elif node.operator == "select":
            self._select(node, values, predicate)
        elif node.operator == "divide" and _is_halving(node, values):
            self._halve(node, values[0][1], predicate)
        else:
            operands = self._two_operands(node, values)
            self._append(Operation(node.name, node.operator, operands, predicate))

    def renamed(self) -> list[Operation]:
        """The operations, with uses of guarded loads reading the guard's result."""
        return [_rename(operation, self.results) for operation in self.operations]

    def _append(self, operation: Operation) -> None:
        self.operations.append(operation)

    def _chain(self, name: str, operator: str, values: Sequence[Value]) -> Value | None:
        """All ``values`` combined by ``operator`` in new operations; None if there are none."""
        if not values:
            return None
        result = values[0]
        for number, value in enumerate(values[1:], start=1):
            part = f"{name}_{operator}{number}"
            self._append(Operation(part, operator, (result, value)))
            result = Value(part)
        return result

    def _predicate(self, node: ExternalNode) -> Value | None:
        values = [_value(edge) for edge in node.edges if edge.port == PREDICATE]
        return self._chain(f"{node.name}_if", "or", values)

    def _two_operands(
        self, node: ExternalNode, values: Sequence[tuple[int, Value]]
    ) -> tuple[ConstantOrValue, ConstantOrValue]:
        constant = None if node.constant is None else Constant(node.constant)
        if node.operator in ASSOCIATIVE and len(values) > 2:
            first = self._chain(node.name, node.operator, [value for _, value in values[:-1]])
            assert first is not None
            return first, values[-1][1]
        if len(values) > 2:
            values = self._merged_ports(node, values)
        match [value for _, value in values]:
            case []:
                lone = constant or Constant(1)
                return lone, lone
            case [value] if constant is not None:
                return (constant, value) if values[0][0] == 1 else (value, constant)
            case [value]:
                return value, _absent(node.operator, value)
            case [first, second]:
                return first, second
        raise AssertionError(values)

    def _merged_ports(
        self, node: ExternalNode, values: Sequence[tuple[int, Value]]
    ) -> list[tuple[int, Value]]:
        """Values of one port merged by ``or``, so that two are left."""
        split = values[-1][0] if values[-1][0] != values[0][0] else values[0][0] + 1
        first = [value for port, value in values if port != split]
        second = [value for port, value in values if port == split]
        merged = (
            self._chain(f"{node.name}_{k}", "or", part) for k, part in ((0, first), (1, second))
        )
        return [(port, value) for port, value in enumerate(merged) if value is not None]

    def _merge(self, node: ExternalNode, values: Sequence[Value], predicate: Value | None) -> None:
        constant = None if node.constant is None else Constant(node.constant)
        value: ConstantOrValue | None = self._chain(node.name, "or", values)
        negated = any(edge.negated for edge in node.edges if edge.port == PREDICATE)
        if value is not None and constant is not None:
            self._append(Operation(node.name, "or", (value, constant), predicate))
            return
        operand = value or constant or Constant(1)
        if negated and predicate is not None:
            self._append(Operation(node.name, "select", (Constant(0), operand), predicate))
        else:
            self._append(Operation(node.name, "move", (operand,), predicate))

    def _select(
        self, node: ExternalNode, values: Sequence[tuple[int, Value]], predicate: Value | None
    ) -> None:
        operands: list[ConstantOrValue] = [value for _, value in values[:2]]
        if node.constant is not None and len(operands) < 2:
            # the constant takes the port that the one value leaves
            operands.insert(int(bool(values) and values[0][0] == 0), Constant(node.constant))
        if len(operands) < 2:
            operand = operands[0] if operands else Constant(0 if predicate is None else 1)
            self._append(Operation(node.name, "move", (operand,), predicate))
        elif predicate is None:
            self._append(Operation(node.name, "or", tuple(operands)))
        else:
            self._append(Operation(node.name, "select", tuple(operands), predicate))

    def _halve(self, node: ExternalNode, value: Value, predicate: Value | None) -> None:
        """``value`` divided by a constant 2**k: negative ones are made larger by 2**k - 1 before they are shifted."""
        assert node.constant is not None
        sign, rest, sum_ = (f"{node.name}_{part}" for part in ("sign", "rest", "sum"))
        self._append(Operation(sign, "shift_right", (value, Constant(WORD.bits - 1))))
        self._append(Operation(rest, "and", (Value(sign), Constant(node.constant - 1))))
        self._append(Operation(sum_, "add", (value, Value(rest))))
        shift = Constant(node.constant.bit_length() - 1)
        self._append(Operation(node.name, "shift_right", (Value(sum_), shift), predicate))

    def _load(self, node: ExternalNode, values: Sequence[Value], predicate: Value | None) -> None:
        index = self._chain(f"{node.name}_index", "or", values)
        self._append(self._access(node, "load", "input", (), index, None))
        if predicate is not None:
            guard = f"{node.name}_guarded"
            self._append(Operation(guard, "move", (Value(node.name),), predicate))
            self.results[node.name] = guard

    def _store(
        self, node: ExternalNode, values: Sequence[tuple[int, Value]], predicate: Value | None
    ) -> None:
        index = self._chain(f"{node.name}_index", "or", [v for port, v in values if port == INDEX])
        data = self._chain(f"{node.name}_data", "or", [v for port, v in values if port != INDEX])
        if data is None:
            self._append(Operation(f"{node.name}_data", "move", (Constant(node.constant or 1),)))
            data = Value(f"{node.name}_data")
        self._append(self._access(node, "store", "output", (data,), index, predicate))

    def _access(
        self,
        node: ExternalNode,
        operator: str,
        role: Role,
        data: tuple[ConstantOrValue, ...],
        index: Value | None,
        predicate: Value | None,
    ) -> Operation:
        array = f"{node.name}_words"
        by_counter = index is None and node.constant is None
        words = self.iterations if by_counter else INDEXED_WORDS
        self.arrays.append(Array(array, (words,), WORD, role))
        if index is not None:
            return Operation(
                node.name,
                operator,
                (*data, index),
                predicate,
                array=array,
                address=Affine(),
                wrap_bits=INDEXED_BITS,
            )
        address = Affine(terms=(("i", 1),))
        if not by_counter:
            address = Affine((node.constant or 0) % INDEXED_WORDS)
        return Operation(node.name, operator, data, predicate, array=array, address=address)


def _value(edge: ExternalEdge) -> Value:
    return Value(edge.source, edge.distance, 0 if edge.distance else None)


def _is_halving(node: ExternalNode, values: Sequence[tuple[int, Value]]) -> bool:
    """Whether a division has one value, its first operand, and a positive power of two as its constant."""
    by = node.constant or 0
    return len(values) == 1 and values[0][0] == 0 and by > 0 and by & (by - 1) == 0


def _absent(operator: str, given: Value) -> ConstantOrValue:
    if operator == "multiply":
        return given
    return Constant(0 if operator == "equal" else 1)


def _rename(operation: Operation, results: Mapping[str, str]) -> Operation:
    def new(value: Value) -> Value:
        guarded = results.get(value.operation)
        if guarded is None or guarded == operation.name:
            return value
        return replace(value, operation=guarded)

    predicate = operation.predicate
    return replace(
        operation,
        operands=tuple(new(o) if isinstance(o, Value) else o for o in operation.operands),
        predicate=new(predicate) if isinstance(predicate, Value) else predicate,
    )
