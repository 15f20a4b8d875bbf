"""What reading leaves of a function: loops with trip counts, and statements as Python parsed them.

Loop counters are bound by statements of their own, so that schedules can rewrite loops without touching expressions. Statements of the
function between its loops become nests of their own, of one trip.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from hlsgen.algebra.affine import Affine


@dataclass(frozen=True)
class Bind:
    """From here on the variable is ``value``, an affine function of loop trips."""

    variable: str
    value: Affine


@dataclass(frozen=True, eq=False)
class Loop:
    """``extent`` trips, numbered from 0, of ``body``; ``line`` of the source."""

    name: str
    extent: int
    body: tuple[Item, ...]
    line: int


Item: TypeAlias = Loop | Bind | ast.stmt


@dataclass(frozen=True, eq=False)
class Nest:
    """A top-level loop, or (``straight``) the statements between two of them as the body of a loop of one trip.

    ``after``: statements that follow the loop and are executed in its last iteration. ``live``: variables that are read after the nest.
    ``where``: kernel and file, for messages.
    """

    loop: Loop
    where: str
    straight: bool = False
    after: tuple[ast.stmt, ...] = ()
    live: frozenset[str] = frozenset()

    @property
    def loops(self) -> tuple[Loop, ...]:
        """Every loop, outer before inner ones."""
        return tuple(_loops(self.loop))


def _loops(loop: Loop) -> Iterator[Loop]:
    yield loop
    for statement in loop.body:
        if isinstance(statement, Loop):
            yield from _loops(statement)


def substituted(statement: Item, loop: str, value: Affine) -> Item:
    """The item with the trips of a loop replaced by an affine function of other loops."""
    if isinstance(statement, Bind):
        return Bind(statement.variable, statement.value.substitute(loop, value))
    if isinstance(statement, Loop):
        return replace(
            statement, body=tuple(substituted(part, loop, value) for part in statement.body)
        )
    return statement


def assigned(statements: Sequence[Item]) -> frozenset[str]:
    """Variables that are assigned in statements and the loops among them: counters, and lists of which an item is."""
    names: set[str] = set()
    for statement in statements:
        if isinstance(statement, Loop):
            names |= assigned(statement.body)
        elif isinstance(statement, Bind):
            names.add(statement.variable)
        else:
            for node in ast.walk(statement):
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                    names.add(node.id)
                elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store):
                    names |= {base} if (base := base_of(node)) else set()
    return frozenset(names)


def base_of(node: ast.expr) -> str | None:
    """The name of the array or list of which ``node`` is an element."""
    while isinstance(node, ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None
