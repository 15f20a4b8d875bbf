"""From a nest of loops to a loop graph: the flattened body executed once, what is carried resolved, orders of memory accesses found."""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from hlsgen.loops.check import check
from hlsgen.loops.clean import without_dead
from hlsgen.loops.ir import (
    Array,
    Constant,
    CountedLoop,
    Kernel,
    LoopGraph,
    Mark,
    Operand,
    Operation,
    Value,
)
from hlsgen.loops.python.body import Body
from hlsgen.loops.python.growth import Growth
from hlsgen.loops.python.kernel import PythonKernel
from hlsgen.loops.python.kinds import Kind, integer
from hlsgen.loops.python.nest import Bind, Item, Loop, Nest
from hlsgen.loops.python.orders import memory_orders
from hlsgen.loops.python.promote import with_promoted_sums
from hlsgen.loops.python.refusals import illegal, unsupported
from hlsgen.loops.python.symbols import Carried, Index, Several, Symbol, Word, constant

LOOPS = 6


def lower_kernel(kernel: PythonKernel, nests: Sequence[Nest]) -> Kernel:
    """One loop graph per nest. Raises UnsupportedOp for what is not in the language, IllegalGraph for what is wrong, with file and line."""
    graphs = tuple(
        lower_nest(
            kernel, nest, kernel.name if len(nests) == 1 else f"{kernel.name}_{number}"
        ).graph
        for number, nest in enumerate(nests)
    )
    written = {
        item.array for graph in graphs for item in graph.operations if item.operator == "store"
    }
    for name, parameter in kernel.parameters.items():
        if parameter.role != "input" and name not in written:
            raise illegal(
                nests[0].where,
                kernel.function.__code__.co_firstlineno,
                f"writes to {name}, which is annotated {'Out' if parameter.role == 'output' else 'InOut'}",
                "none",
                "Annotate it as In[...], or remove it.",
            )
    return Kernel(kernel.name, graphs, kernel.source)


@dataclass(frozen=True)
class LoweredNest:
    """``lines`` of the operations in the source; ``variables``: carried ones by the operations that make them."""

    graph: LoopGraph
    lines: Mapping[str, int]
    variables: Mapping[str, str]


def lower_nest(kernel: PythonKernel, nest: Nest, name: str, promote: bool = True) -> LoweredNest:
    """The loop graph of one nest; ``promote``: sums in array elements are kept in registers."""
    levels = flattened(nest)
    loops = tuple(CountedLoop(level.loop.name, level.loop.extent) for level in levels)
    if len(loops) > LOOPS:
        raise unsupported(
            nest.where,
            levels[LOOPS].loop.line,
            f"at most {LOOPS} nested loops",
            str(len(loops)),
            "Merge loops, or unroll the inner ones: for k in hlsgen.unroll(range(n)).",
        )
    body, resolver, operations = _executed(kernel, nest, levels, loops)
    graph = LoopGraph(name, kernel.word, loops, _arrays(kernel, body, operations), operations)
    graph = without_dead(graph)
    if not any(item.operator == "store" for item in graph.operations):
        raise illegal(
            nest.where, nest.loop.line, "a loop that writes to an array", "none", "Remove the loop."
        )
    graph = without_dead(with_promoted_sums(graph)) if promote else graph
    graph = replace(graph, arrays=_arrays(kernel, body, graph.operations))
    graph = replace(graph, orders=memory_orders(graph, nest.where, body.builder))
    check(graph)
    return LoweredNest(graph, body.builder.lines, resolver.variables)


def _executed(
    kernel: PythonKernel, nest: Nest, levels: Sequence[Level], loops: tuple[CountedLoop, ...]
) -> tuple[Body, _Resolver, tuple[Operation, ...]]:
    """The body executed, again and again until what carried variables may be, and which arrays are written, is known."""
    written: frozenset[str] = frozenset()
    extents = [loop.extent for loop in loops]
    growth = Growth([math.prod(extents[level:]) for level in range(len(loops))])
    while True:
        body = _execute(kernel, nest, levels, loops, written, growth.kinds)
        resolver = _Resolver(body)
        operations = resolver.resolved()
        stored = {str(item.array) for item in operations if item.operator == "store"}
        if not stored <= written:
            written |= stored
            continue
        kinds = {name: resolver.kind(name) for name in resolver.known}
        if growth.settled(kinds, {name: body.carried[name].level for name in kinds}):
            return body, resolver, operations


def _execute(
    kernel: PythonKernel,
    nest: Nest,
    levels: Sequence[Level],
    loops: tuple[CountedLoop, ...],
    written: frozenset[str],
    kinds: Mapping[str, Kind],
) -> Body:
    variables: dict[str, Symbol] = {k: constant(v) for k, v in nest.constants.items()}
    body = Body(kernel, nest.where, loops, variables, written, kinds)
    for variable in sorted(_assigned(nest.loop) - kernel.parameters.keys()):
        body.variables[variable] = body.carry(Carried(variable, nest.constants.get(variable), 0))
    innermost = len(loops) - 1
    for depth, level in enumerate(levels):
        mark = Mark("first", depth + 1) if depth < innermost else None
        inside = _assigned(levels[depth + 1].loop) if depth < innermost else frozenset()
        body.block(level.before, mark, inside)
    for depth in reversed(range(innermost)):
        body.block(levels[depth].after, Mark("last", depth + 1))
    return body


@dataclass(frozen=True)
class Level:
    """A loop with the statements before and after the loop inside it (of the innermost: all of them are before)."""

    loop: Loop
    before: tuple[Item, ...]
    after: tuple[Item, ...]


def flattened(nest: Nest) -> tuple[Level, ...]:
    """The loops of a nest, outermost first; raises UnsupportedOp where a loop has several loops in it."""
    levels: list[Level] = []
    loop: Loop | None = nest.loop
    while loop is not None:
        inner = [k for k, item in enumerate(loop.body) if isinstance(item, Loop)]
        if len(inner) > 1:
            second = loop.body[inner[1]]
            assert isinstance(second, Loop)
            raise unsupported(
                nest.where,
                second.line,
                "one loop inside a loop",
                f"{len(inner)} of them in the loop of line {loop.line}",
                "Make each of them the inner loop of an outer loop of its own, or unroll them.",
            )
        place = inner[0] if inner else len(loop.body)
        levels.append(Level(loop, loop.body[:place], loop.body[place + 1 :]))
        found = loop.body[place] if inner else None
        loop = found if isinstance(found, Loop) else None
    return tuple(levels)


def _assigned(loop: Loop) -> frozenset[str]:
    """Scalar variables that are assigned in a loop, counters among them."""
    found: set[str] = set()
    for item in loop.body:
        if isinstance(item, Loop):
            found |= _assigned(item)
        elif isinstance(item, Bind):
            found.add(item.variable)
        else:
            for node in ast.walk(item):
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                    found.add(node.id)
                elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store):
                    found |= {base} if (base := _base(node)) else set()
    return frozenset(found)


def _base(node: ast.expr) -> str | None:
    while isinstance(node, ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


def _arrays(kernel: PythonKernel, body: Body, operations: Sequence[Operation]) -> tuple[Array, ...]:
    """The arrays that operations use: parameters in order, then tables."""
    used = {operation.array for operation in operations}
    parameters = [
        Array(name, item.shape, item.element, item.role) for name, item in kernel.parameters.items()
    ]
    every = [*parameters, *body.builder.tables.values()]
    return tuple(array for array in every if array.name in used)


class _Resolver:
    """Puts carried values in the place of placeholders."""

    def __init__(self, body: Body) -> None:
        self.body, self.builder = body, body.builder
        self.known: dict[str, Operand] = {}

    def resolved(self) -> tuple[Operation, ...]:
        """The operations without placeholders."""
        # Only what is read is carried: a variable whose placeholder nobody reads needs no move.
        pending = True
        while pending:
            pending = False
            for operation in tuple(self.builder.operations.values()):
                for value in operation.values:
                    if value.operation.startswith("@") and value.operation not in self.known:
                        self.known[value.operation] = self._carried(value.operation)
                        pending = True
        return tuple(self._without(item) for item in self.builder.operations.values())

    def kind(self, name: str) -> Kind:
        """What the value for which a placeholder stands may be: its start, or what the variable is in the end."""
        placeholder = self.body.carried[name]
        start = placeholder.start
        kind = Kind() if start is None else integer(start, start)
        final = self._final(placeholder)
        if isinstance(final, Index | Word):
            kind = kind.joined(self.builder.word_of(final).kind)
        return kind

    @property
    def variables(self) -> Mapping[str, str]:
        """Carried variables by the operations that make them."""
        return {
            operand.operation: self.body.carried[name].variable
            for name, operand in self.known.items()
            if isinstance(operand, Value)
        }

    def _final(self, placeholder: Carried) -> Symbol:
        """The variable of a placeholder after the whole body."""
        name, _, item = placeholder.variable.partition(".")
        final = self.body.variables[name]
        if isinstance(final, Several) and item and int(item) < len(final.items):
            final = final.items[int(item)]
        return final

    def _carried(self, name: str) -> Operand:
        """What a placeholder stands for."""
        placeholder = self.body.carried[name]
        start = placeholder.start or 0
        final = self._final(placeholder)
        if not isinstance(final, Index | Word):
            raise unsupported(
                self.body.where,
                self.builder.line,
                f"a number in {placeholder.variable} from iteration to iteration",
                "something else",
                "Assign the list with constants before the loop that changes it.",
            )
        word = self.builder.word_of(final)
        operand = word.operand
        if isinstance(operand, Value) and operand.operation == placeholder.operation:
            return Constant(start)  # nothing changes it after it was set
        if isinstance(operand, Constant) or operand.operation.startswith("@"):
            moved = self.builder.emit("move", Word(operand, 0), hint=placeholder.variable)
            operand = moved.operand
            assert isinstance(operand, Value)
        return Value(operand.operation, 1, start, placeholder.level)

    def _without(self, operation: Operation) -> Operation:
        def read(operand: Operand) -> Operand:
            return (
                self.known.get(operand.operation, operand)
                if isinstance(operand, Value)
                else operand
            )

        predicate = operation.predicate
        if isinstance(predicate, Value):
            found = read(predicate)
            assert isinstance(found, Value), "a carried truth is made by an operation"
            predicate = found
        return replace(
            operation, operands=tuple(map(read, operation.operands)), predicate=predicate
        )
