"""From a nest of loops to a loop graph: the flattened body executed once, what is carried resolved, orders of memory accesses found."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from hlsgen.algebra.mark import Mark
from hlsgen.loops.check import check
from hlsgen.loops.clean import without_dead
from hlsgen.loops.ir import Array, CountedLoop, Kernel, LoopGraph, Operation
from hlsgen.loops.python.body import Body
from hlsgen.loops.python.environment import Environment, entered, left
from hlsgen.loops.python.growth import Growth
from hlsgen.loops.python.liveness import live_before
from hlsgen.loops.python.nest import Nest, Straight, assigned
from hlsgen.loops.python.orders import memory_orders
from hlsgen.loops.python.perfect import Level, levels_of, live_at_ends
from hlsgen.loops.python.promote import with_promoted_sums
from hlsgen.loops.python.refusals import illegal, unsupported
from hlsgen.loops.python.resolve import Resolver
from hlsgen.loops.python.signature import Signature
from hlsgen.loops.python.symbols import constant

LOOPS = 6


def lower_kernel(signature: Signature, nests: Sequence[Nest]) -> Kernel:
    """One loop graph per nest that does anything. Raises UnsupportedOp for what is not in the language, IllegalGraph for what is wrong,
    with file and line."""
    lowered = [nest.graph for nest in lowered_nests(signature, nests)]
    graphs = [graph for graph in lowered if graph is not None]
    if len(graphs) > 1:
        names = [f"{signature.name}_{number}" for number in range(len(graphs))]
        graphs = [replace(graph, name=name) for graph, name in zip(graphs, names, strict=True)]
    written = {
        operation.array
        for graph in graphs
        for operation in graph.operations
        if operation.operator == "store"
    }
    for name, parameter in signature.parameters.items():
        if parameter.role in ("output", "inout") and name not in written:
            raise illegal(
                nests[0].where,
                signature.line,
                f"writes to {name}, which is annotated {'Out' if parameter.role == 'output' else 'InOut'}",
                "none",
                "Annotate it as In[...], or remove it.",
            )
    if not graphs:
        raise illegal(
            nests[0].where,
            signature.line,
            "a kernel that writes to an array",
            "none",
            "Write a result to an array annotated Out[...].",
        )
    return Kernel(signature.name, tuple(graphs), signature.source)


@dataclass(frozen=True)
class LoweredNest:
    """``graph``: None where the nest has no effect but to name constants and elements. ``lines`` of the operations in the source;
    ``variables``: carried ones by the operations that make them; ``after``: what the next nest starts from."""

    graph: LoopGraph | None
    lines: Mapping[str, int]
    variables: Mapping[str, str]
    after: Environment


def lowered_nests(
    signature: Signature, nests: Sequence[Nest], promote: bool = True
) -> Iterator[LoweredNest]:
    """The nests, one after the other; ``promote``: sums in array elements are kept in registers."""
    constants = {name: constant(value) for name, value in signature.constants.items()}
    environment = Environment(constants, {}, {})
    for nest in nests:
        lowered = _lowered(signature, nest, environment, promote)
        environment = lowered.after
        yield lowered


def _lowered(
    signature: Signature, nest: Nest, environment: Environment, promote: bool
) -> LoweredNest:
    levels = levels_of(nest)
    loops = tuple(CountedLoop(level.loop.name, level.loop.extent) for level in levels)
    if len(loops) > LOOPS:
        raise unsupported(
            nest.where,
            levels[LOOPS].loop.line,
            f"at most {LOOPS} nested loops",
            str(len(loops)),
            "Merge loops, or unroll the inner ones: for k in hlsgen.unroll(range(n)).",
        )
    body, after, resolver, operations = _settled(signature, nest, levels, loops, environment)
    lines, variables = body.builder.lines, resolver.variables
    if not any(operation.operator == "store" for operation in operations):
        if not (nest.straight or nest.conditional):
            raise illegal(
                nest.where,
                nest.loop.line,
                "a loop that writes to an array, or assigns a variable that is read later",
                "none",
                "Remove the loop.",
            )
        return LoweredNest(None, lines, variables, after)
    graph = LoopGraph(
        signature.name, signature.word, loops, _arrays(signature, body, operations), operations
    )
    graph = without_dead(graph)
    graph = without_dead(with_promoted_sums(graph)) if promote else graph
    graph = replace(graph, arrays=_arrays(signature, body, graph.operations))
    graph = replace(graph, orders=memory_orders(graph))
    check(graph)
    return LoweredNest(graph, lines, variables, after)


def _settled(
    signature: Signature,
    nest: Nest,
    levels: Sequence[Level],
    loops: tuple[CountedLoop, ...],
    environment: Environment,
) -> tuple[Body, Environment, Resolver, tuple[Operation, ...]]:
    """The body executed, again and again until what carried variables may be, and which arrays are written, is known."""
    written: frozenset[str] = frozenset()
    extents = [loop.extent for loop in loops]
    growth = Growth([math.prod(extents[level:]) for level in range(len(loops))])
    changed = assigned([nest.loop]) - signature.parameters.keys()
    while True:
        body = Body(signature, nest.where, loops, written, growth.kinds)
        entered(body, environment, changed)
        _execute(body, nest, levels)
        after = left(body, nest, environment, changed)
        resolver = Resolver(body)
        operations = resolver.resolved()
        stored = {str(operation.array) for operation in operations if operation.operator == "store"}
        if not stored <= written:
            written |= stored
            continue
        kinds = {name: resolver.kind(name) for name in resolver.known}
        if growth.settled(kinds, {name: body.variables.carried[name].level for name in kinds}):
            return body, after, resolver, operations


def _execute(body: Body, nest: Nest, levels: Sequence[Level]) -> None:
    innermost = len(levels) - 1
    for depth, level in enumerate(levels):
        mark = Mark("first", depth + 1) if depth < innermost else None
        inside: list[Straight] = []
        for inner in levels[depth + 1 :]:
            inside += [*inner.before, *inner.after]
        body.block(level.before, mark, assigned(inside))
    live = live_at_ends(levels, live_before(nest.after, nest.live))
    for depth in reversed(range(innermost)):
        before = dict(body.variables.values)
        body.block(levels[depth].after, Mark("last", depth + 1))
        # What nobody reads after the block stays as it was: its recurrence does not go through the block.
        for name in assigned(levels[depth].after) - live[depth]:
            if name in before:
                body.variables.values[name] = before[name]
    body.block(nest.after, Mark("last", 0))


def _arrays(signature: Signature, body: Body, operations: Sequence[Operation]) -> tuple[Array, ...]:
    """The arrays that operations use: parameters in order, then tables and those that hold variables."""
    used = {operation.array for operation in operations}
    parameters = [
        Array(name, parameter.shape, parameter.element, parameter.role)
        for name, parameter in signature.parameters.items()
    ]
    every = [*parameters, *body.builder.arrays.values()]
    return tuple(array for array in every if array.name in used)
