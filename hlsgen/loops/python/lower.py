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
    CountedLoop,
    Kernel,
    LoopGraph,
    Mark,
    Operation,
)
from hlsgen.loops.python.body import Body
from hlsgen.loops.python.growth import Growth
from hlsgen.loops.python.kinds import Kind
from hlsgen.loops.python.nest import Bind, Item, Loop, Nest
from hlsgen.loops.python.orders import memory_orders
from hlsgen.loops.python.promote import with_promoted_sums
from hlsgen.loops.python.refusals import illegal, unsupported
from hlsgen.loops.python.resolve import Resolver
from hlsgen.loops.python.signature import Signature
from hlsgen.loops.python.symbols import Carried, Symbol, constant

LOOPS = 6


def lower_kernel(signature: Signature, nests: Sequence[Nest]) -> Kernel:
    """One loop graph per nest. Raises UnsupportedOp for what is not in the language, IllegalGraph for what is wrong, with file and line."""
    graphs = tuple(
        lower_nest(
            signature, nest, signature.name if len(nests) == 1 else f"{signature.name}_{number}"
        ).graph
        for number, nest in enumerate(nests)
    )
    written = {
        item.array for graph in graphs for item in graph.operations if item.operator == "store"
    }
    for name, parameter in signature.parameters.items():
        if parameter.role != "input" and name not in written:
            raise illegal(
                nests[0].where,
                signature.line,
                f"writes to {name}, which is annotated {'Out' if parameter.role == 'output' else 'InOut'}",
                "none",
                "Annotate it as In[...], or remove it.",
            )
    return Kernel(signature.name, graphs, signature.source)


@dataclass(frozen=True)
class LoweredNest:
    """``lines`` of the operations in the source; ``variables``: carried ones by the operations that make them."""

    graph: LoopGraph
    lines: Mapping[str, int]
    variables: Mapping[str, str]


def lower_nest(signature: Signature, nest: Nest, name: str, promote: bool = True) -> LoweredNest:
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
    body, resolver, operations = _executed(signature, nest, levels, loops)
    graph = LoopGraph(name, signature.word, loops, _arrays(signature, body, operations), operations)
    graph = without_dead(graph)
    if not any(item.operator == "store" for item in graph.operations):
        raise illegal(
            nest.where, nest.loop.line, "a loop that writes to an array", "none", "Remove the loop."
        )
    graph = without_dead(with_promoted_sums(graph)) if promote else graph
    graph = replace(graph, arrays=_arrays(signature, body, graph.operations))
    graph = replace(graph, orders=memory_orders(graph, nest.where, body.builder))
    check(graph)
    return LoweredNest(graph, body.builder.lines, resolver.variables)


def _executed(
    signature: Signature, nest: Nest, levels: Sequence[Level], loops: tuple[CountedLoop, ...]
) -> tuple[Body, Resolver, tuple[Operation, ...]]:
    """The body executed, again and again until what carried variables may be, and which arrays are written, is known."""
    written: frozenset[str] = frozenset()
    extents = [loop.extent for loop in loops]
    growth = Growth([math.prod(extents[level:]) for level in range(len(loops))])
    while True:
        body = _execute(signature, nest, levels, loops, written, growth.kinds)
        resolver = Resolver(body)
        operations = resolver.resolved()
        stored = {str(item.array) for item in operations if item.operator == "store"}
        if not stored <= written:
            written |= stored
            continue
        kinds = {name: resolver.kind(name) for name in resolver.known}
        if growth.settled(kinds, {name: body.variables.carried[name].level for name in kinds}):
            return body, resolver, operations


def _execute(
    signature: Signature,
    nest: Nest,
    levels: Sequence[Level],
    loops: tuple[CountedLoop, ...],
    written: frozenset[str],
    kinds: Mapping[str, Kind],
) -> Body:
    variables: dict[str, Symbol] = {k: constant(v) for k, v in nest.constants.items()}
    body = Body(signature, nest.where, loops, variables, written, kinds)
    for variable in sorted(_assigned(nest.loop) - signature.parameters.keys()):
        start = nest.constants.get(variable)
        body.variables.values[variable] = body.variables.carry(Carried(variable, start, 0))
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


def _arrays(signature: Signature, body: Body, operations: Sequence[Operation]) -> tuple[Array, ...]:
    """The arrays that operations use: parameters in order, then tables."""
    used = {operation.array for operation in operations}
    parameters = [
        Array(name, item.shape, item.element, item.role)
        for name, item in signature.parameters.items()
    ]
    every = [*parameters, *body.builder.tables.values()]
    return tuple(array for array in every if array.name in used)
