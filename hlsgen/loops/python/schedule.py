"""Schedule primitives: rewritings of a nest's loops that keep its meaning, each checked by the dependences of the nest.

``split`` and ``unroll`` keep the order of all iterations. ``reorder`` permutes perfectly nested loops; it is legal iff no two accesses of
an element, one of them a write, and no carried variable change their order (Allen & Kennedy, "Optimizing Compilers for Modern
Architectures", 2001, chapter 5; here by enumeration rather than by direction vectors).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeAlias

import numpy as np

from hlsgen.algebra.affine import Affine
from hlsgen.algebra.mark import Mark
from hlsgen.errors import BadOption, IllegalGraph
from hlsgen.loops.ir import LoopGraph, Value
from hlsgen.loops.python.lower import LoweredNest
from hlsgen.loops.python.nest import Bind, Item, Nest, SourceLoop, substituted
from hlsgen.loops.python.orders import addresses, static_of
from hlsgen.loops.python.steps import Pipeline, Reorder, ScheduleStep, Split, Unroll

Lower: TypeAlias = Callable[[Sequence[Nest], int], LoweredNest]


def scheduled(
    nests: Sequence[Nest], steps: Sequence[ScheduleStep], lower: Lower
) -> tuple[Nest, ...]:
    """The nests after all steps, in order. ``lower`` gives one nest of several, by its number, with every access of its source.

    Raises BadOption for loops that are not there or do not fit the step, IllegalGraph where a dependence would change.
    """
    rewritten = list(nests)
    for step in steps:
        name = step.loops[0] if isinstance(step, Reorder) else step.loop
        number = next((k for k, nest in enumerate(rewritten) if name in _names(nest)), None)
        if number is None:
            known = ", ".join(loop for nest in rewritten for loop in _names(nest))
            raise _refused(rewritten[0], step, f"one of the loops {known}", name)
        rewritten[number] = _applied(rewritten, number, step, lower)
    return tuple(rewritten)


def _names(nest: Nest) -> list[str]:
    """The loops that a step can name."""
    return [] if nest.straight else [loop.name for loop in nest.loops]


def _applied(nests: Sequence[Nest], number: int, step: ScheduleStep, lower: Lower) -> Nest:
    nest = nests[number]
    match step:
        case Split():
            return _split(nest, step)
        case Unroll():
            return _unrolled(nest, step)
        case Pipeline():
            return _pipelined(nest, step)
        case Reorder():
            return _reordered(nest, step, lambda: lower(nests, number))


def _refused(nest: Nest, step: ScheduleStep, expected: str, found: object) -> BadOption:
    return BadOption(
        f"{nest.where}, {step}", f"expected {expected}, found {found}", "Correct the schedule."
    )


def _rewritten(nest: Nest, name: str, rewrite: Callable[[SourceLoop], Sequence[Item]]) -> Nest:
    """The nest with one loop replaced by other items."""

    def within(loop: SourceLoop) -> SourceLoop:
        body: list[Item] = []
        for statement in loop.body:
            if isinstance(statement, SourceLoop):
                body += rewrite(statement) if statement.name == name else [within(statement)]
            else:
                body.append(statement)
        return replace(loop, body=tuple(body))

    if nest.loop.name == name:
        (only,) = rewrite(nest.loop)
        assert isinstance(only, SourceLoop)
        return replace(nest, loop=only)
    return replace(nest, loop=within(nest.loop))


def _split(nest: Nest, step: Split) -> Nest:
    loop = next(candidate for candidate in nest.loops if candidate.name == step.loop)
    if step.factor < 1 or loop.extent % step.factor:
        raise _refused(nest, step, f"a divisor of the {loop.extent} trips", step.factor)
    outer, inner = f"{loop.name}_outer", f"{loop.name}_inner"
    value = Affine(0, ((outer, step.factor), (inner, 1)))
    body = tuple(substituted(statement, loop.name, value) for statement in loop.body)
    around = SourceLoop(
        outer,
        loop.extent // step.factor,
        (SourceLoop(inner, step.factor, body, loop.line),),
        loop.line,
    )
    return _rewritten(nest, loop.name, lambda _: [around])


def _unrolled(nest: Nest, step: Unroll | Pipeline) -> Nest:
    if nest.loop.name == step.loop:
        raise _refused(nest, step, "a loop inside another", f"{step.loop}, the outermost")

    def copies(loop: SourceLoop) -> list[Item]:
        return [
            substituted(statement, loop.name, Affine(trip))
            for trip in range(loop.extent)
            for statement in loop.body
        ]

    return _rewritten(nest, step.loop, copies)


def _pipelined(nest: Nest, step: Pipeline) -> Nest:
    loop = next(candidate for candidate in nest.loops if candidate.name == step.loop)
    inside = Nest(loop, nest.where).loops[1:]
    for inner in reversed(inside):
        nest = _unrolled(nest, Unroll(inner.name))
    return nest


def _reordered(nest: Nest, step: Reorder, lower: Callable[[], LoweredNest]) -> Nest:
    for loop in nest.loops:
        inside = [part.name for part in loop.body if isinstance(part, SourceLoop)]
        if len(inside) > 1:
            raise _refused(
                nest,
                step,
                "a nest with at most one loop inside each loop",
                f"{' and '.join(inside)} inside {loop.name}",
            )
    group = _perfect_group(nest, step)
    positions = {loop.name: k for k, loop in enumerate(nest.loops)}
    lowered = lower()
    _refuse_changed_orders(nest, step, lowered)
    _refuse_carried(nest, step, lowered, min(positions[loop.name] for loop in group))
    innermost = group[-1]
    binds = [
        statement for loop in group[:-1] for statement in loop.body if isinstance(statement, Bind)
    ]
    by_name = {loop.name: loop for loop in group}
    body: tuple[Item, ...] = (*binds, *innermost.body)
    for name in reversed(step.loops):
        body = (replace(by_name[name], body=body),)
    (outermost,) = body
    return _rewritten(nest, group[0].name, lambda _: [outermost])


def _perfect_group(nest: Nest, step: Reorder) -> list[SourceLoop]:
    """The loops of the step as they are now, outermost first; each has nothing but the next one in it."""
    group = [loop for loop in nest.loops if loop.name in step.loops]
    if sorted(loop.name for loop in group) != sorted(step.loops):
        known = ", ".join(loop.name for loop in nest.loops)
        raise _refused(nest, step, f"different loops of one nest ({known})", ", ".join(step.loops))
    for outer, inner in itertools.pairwise(group):
        others = [
            statement
            for statement in outer.body
            if not isinstance(statement, Bind) and statement is not inner
        ]
        if others or inner not in outer.body:
            raise _refused(
                nest,
                step,
                "loops with nothing between them",
                f"statements or loops between {outer.name} and {inner.name}",
            )
    return group


def _new_times(graph: LoopGraph, order: Sequence[str]) -> np.ndarray:
    """(iterations,): when an iteration of the present order happens in the new one."""
    names = [loop.name for loop in graph.loops]
    extents = {loop.name: loop.extent for loop in graph.loops}
    inside = iter(order)
    new = [next(inside) if name in order else name for name in names]
    trips = np.unravel_index(np.arange(graph.iterations), [extents[name] for name in names])
    by_name = dict(zip(names, trips, strict=True))
    return np.ravel_multi_index([by_name[name] for name in new], [extents[name] for name in new])


def _refuse_changed_orders(nest: Nest, step: Reorder, lowered: LoweredNest) -> None:
    """Raise IllegalGraph where two accesses of one element, one of them a store, would change their order."""
    graph = lowered.graph
    assert graph is not None, "loops without effect are refused"
    new, static = _new_times(graph, step.loops), static_of(graph)
    for array in graph.arrays:
        accesses = [access for access in graph.operations if access.array == array.name]
        if all(access.operator == "load" for access in accesses):
            continue
        parts = []
        for position, access in enumerate(accesses):
            places = addresses(static, access)
            if places is None:
                raise IllegalGraph(
                    f"{nest.where}, {step}",
                    f"expected accesses of {array.name} that are known beforehand, found an index that is computed"
                    f" in line {lowered.lines[access.name]}",
                    "Leave these loops in their order.",
                )
            old = np.arange(len(places))
            stores = np.full(len(places), access.operator == "store")
            columns = (places, old, new, np.full(len(places), position), stores)
            parts.append(np.stack(columns)[:, places >= 0])
        place, old, later, position, stores = np.concatenate(parts, axis=1)
        order = np.lexsort((position, old, place))
        # Later elements have later keys, so that a running maximum never looks into another element.
        span = graph.iterations * len(accesses)
        rank = np.unique(place, return_inverse=True)[1]
        key = (rank * span + later * len(accesses) + position)[order]
        is_store = stores[order].astype(bool)
        before_all = np.concatenate([[-1], np.maximum.accumulate(key)[:-1]])
        before_stores = np.maximum.accumulate(np.where(is_store, key, -1))
        before_stores = np.concatenate([[-1], before_stores[:-1]])
        wrong = key < np.where(is_store, before_all, before_stores)
        if wrong.any():
            second = int(np.flatnonzero(wrong)[0])
            same = rank[order][:second] == rank[order][second]
            rivals = np.flatnonzero(same & (is_store[:second] | is_store[second]))
            first = int(rivals[key[rivals].argmax()])
            one, two = (
                lowered.lines[accesses[int(position[order][k])].name] for k in (first, second)
            )
            raise IllegalGraph(
                f"{nest.where}, {step}",
                "expected all accesses of an element to keep their order, found a change for element"
                f" {int(place[order][second])} of {array.name}, between line {one} and line {two}",
                "Leave these loops in their order.",
            )


def _refuse_carried(nest: Nest, step: Reorder, lowered: LoweredNest, first: int) -> None:
    """Raise IllegalGraph where a variable is carried around the reordered loops, unless it is a sum that is read after them."""
    graph, last = lowered.graph, first + len(step.loops) - 1
    assert graph is not None, "loops without effect are refused"
    for operation in graph.operations:
        for value in operation.values:
            if not value.distance or value.level > last:
                continue
            if not _is_sum(graph, operation.name, value, first):
                raise IllegalGraph(
                    f"{nest.where}, {step}",
                    "expected no variable but sums to be carried around these loops, found"
                    f" {lowered.variables.get(value.operation, value.operation)}",
                    "Leave these loops in their order.",
                )


def _is_sum(graph: LoopGraph, reader: str, value: Value, first: int) -> bool:
    addition = graph.operation(value.operation)
    if reader != addition.name or addition.operator != "add" or addition.predicate is not None:
        return False
    if value.level > first or sum(operand == value for operand in addition.operands) != 1:
        return False
    uses = [operation for operation in graph.operations if operation is not addition]
    readers = [
        operation
        for operation in uses
        if any(v.operation == addition.name for v in operation.values)
    ]
    return all(
        isinstance(user.when, Mark) and user.when.level <= first and user.operator == "store"
        for user in readers
    )
