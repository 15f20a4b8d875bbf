"""Loops under a condition: the loop itself is always executed, what it does is guarded trip by trip."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from hlsgen.loops.python.liveness import live_before
from hlsgen.loops.python.nest import (
    Bind,
    Guarded,
    Item,
    SourceLoop,
    Straight,
    Within,
    assigned,
    is_constant,
)


@dataclass(frozen=True)
class Free:
    """What can be assigned where a condition is false, too: ``counters`` that are read in their loops only, ``conditions`` of loops inside,
    and constants of variables that matter under the condition only (``own``)."""

    counters: frozenset[str]
    conditions: frozenset[str]
    own: frozenset[str]

    def has(self, statement: Straight) -> bool:
        """Whether all that an statement does is such an assignment."""
        if isinstance(statement, Bind):
            return statement.variable in self.counters
        if not isinstance(statement, ast.Assign):
            return False
        names = assigned([statement])
        return names <= self.conditions or (is_constant(statement) and names <= self.own)


def own_variables(
    every: Mapping[str, int], statements: Sequence[ast.stmt], items: Sequence[Item]
) -> frozenset[str]:
    """Variables that are in no statement of a function but these, and have no value before them; ``every``: how often each name is in
    the function; ``items``: what the statements are."""
    here = Counter(names_in(statements))
    alone = frozenset(name for name, count in here.items() if count == every.get(name))
    return alone - live_before(items, frozenset())


def names_in(statements: Sequence[ast.AST]) -> list[str]:
    """Every name as often as it is there."""
    nodes = (node for statement in statements for node in ast.walk(statement))
    return [node.id for node in nodes if isinstance(node, ast.Name)]


def under(
    condition: Within | ast.Name,
    items: Sequence[Item],
    free: Free,
) -> list[Item]:
    """The items under a condition, with the loops among them outside it."""
    parts: list[Item] = []
    run: list[Straight] = []
    for statement in items:
        if isinstance(statement, SourceLoop):
            parts += _guarded(condition, run)
            body = under(condition, statement.body, free)
            parts.append(replace(statement, body=tuple(body)))
            run = []
        elif free.has(statement):
            parts += [*_guarded(condition, run), statement]
            run = []
        else:
            run.append(statement)
    return [*parts, *_guarded(condition, run)]


def _guarded(condition: Within | ast.Name, run: Sequence[Straight]) -> list[Straight]:
    match run:
        case []:
            return []
        case [Guarded(conditions, body)]:
            return [Guarded((condition, *conditions), body)]
    return [Guarded((condition,), tuple(run))]


def counters_of_their_own(function: ast.FunctionDef) -> frozenset[str]:
    """Counters that are read in their loops only: after a loop nobody asks what they are."""
    every = Counter(names_in([function]))
    inside = Counter(_inside(function.body, frozenset()))
    return frozenset(name for name, count in inside.items() if count == every[name])


def _inside(nodes: Sequence[ast.AST], counters: frozenset[str]) -> Iterator[str]:
    """Names as often as they are in a loop that counts with them; ``counters``: of the loops around."""
    for node in nodes:
        here = counters
        if isinstance(node, ast.For) and isinstance(node.target, ast.Name):
            yield from _inside([node.iter], counters)
            yield node.target.id
            yield from _inside(node.body, counters | {node.target.id})
            continue
        if isinstance(node, ast.Name) and node.id in here:
            yield node.id
        yield from _inside(list(ast.iter_child_nodes(node)), counters)
