"""What reading leaves of a function: loops with trip counts, and statements as Python parsed them.

Loop counters are bound by statements of their own, so that schedules can rewrite loops without touching expressions. Statements of the
function between its loops become nests of their own, of one trip. What happens in some trips only (``perfect.py``), and loops inside
conditions, are guarded.
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
class SourceLoop:
    """``extent`` trips, numbered from 0, of ``body``; ``line`` of the source."""

    name: str
    extent: int
    body: tuple[Item, ...]
    line: int


@dataclass(frozen=True)
class Within:
    """``low`` <= ``value`` <= ``high``, both where they are given; ``value`` is an affine function of loop trips."""

    value: Affine
    low: int | None = None
    high: int | None = None


@dataclass(frozen=True, eq=False)
class Guarded:
    """Statements that are executed where every condition holds: a range, or a variable that is true.

    ``given``: variables that earlier iterations have given a value wherever the conditions hold.
    """

    conditions: tuple[Within | ast.Name, ...]
    body: tuple[Straight, ...]
    given: frozenset[str] = frozenset()


Straight: TypeAlias = Bind | Guarded | ast.stmt
Item: TypeAlias = SourceLoop | Straight


@dataclass(frozen=True, eq=False)
class Nest:
    """A top-level loop, or (``straight``) the statements between two of them as the body of a loop of one trip.

    ``after``: statements that follow the loop and are executed in its last iteration. ``live``: variables that are read after the nest.
    ``where``: kernel and file, for messages.
    """

    loop: SourceLoop
    where: str
    straight: bool = False
    after: tuple[ast.stmt, ...] = ()
    live: frozenset[str] = frozenset()

    @property
    def loops(self) -> tuple[SourceLoop, ...]:
        """Every loop, outer before inner ones."""
        return tuple(_loops(self.loop))

    @property
    def conditional(self) -> bool:
        """Whether something in it is under a condition that stands around a loop, which may never hold."""
        guards = [
            statement
            for loop in self.loops
            for statement in loop.body
            if isinstance(statement, Guarded)
        ]
        return any(isinstance(test, ast.Name) for guard in guards for test in guard.conditions)


def _loops(loop: SourceLoop) -> Iterator[SourceLoop]:
    yield loop
    for statement in loop.body:
        if isinstance(statement, SourceLoop):
            yield from _loops(statement)


def substituted(statement: Item, loop: str, value: Affine) -> Item:
    """The item with the trips of a loop replaced by an affine function of other loops."""
    if isinstance(statement, SourceLoop):
        body = tuple(substituted(part, loop, value) for part in statement.body)
        return replace(statement, body=body)
    return straight_substituted(statement, loop, value)


def straight_substituted(statement: Straight, loop: str, value: Affine) -> Straight:
    """``substituted`` for everything but loops."""
    match statement:
        case Bind(variable, bound):
            return Bind(variable, bound.substitute(loop, value))
        case Guarded(conditions, body, given):
            return Guarded(
                tuple(
                    replace(condition, value=condition.value.substitute(loop, value))
                    if isinstance(condition, Within)
                    else condition
                    for condition in conditions
                ),
                tuple(straight_substituted(part, loop, value) for part in body),
                given,
            )
    return statement


def assigned(statements: Sequence[Item]) -> frozenset[str]:
    """Variables that are assigned in statements and the loops among them: counters, and lists of which an item is."""
    names: set[str] = set()
    for statement in statements:
        if isinstance(statement, SourceLoop | Guarded):
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


def is_constant(statement: Item) -> bool:
    """Whether an statement assigns constants to variables and does nothing else."""
    if not isinstance(statement, ast.Assign) or not _is_number(statement.value):
        return False
    targets = [node for target in statement.targets for node in ast.walk(target)]
    return all(isinstance(node, ast.Name | ast.Tuple | ast.expr_context) for node in targets)


def _is_number(node: ast.expr) -> bool:
    match node:
        case ast.Constant():
            return True
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return _is_number(operand)
        case ast.Tuple(elts=parts):
            return all(map(_is_number, parts))
    return False


def mentioned(statement: Item) -> frozenset[str]:
    """Every name in an statement: variables, arrays and functions."""
    match statement:
        case Bind(variable=variable):
            return frozenset([variable])
        case SourceLoop(body=body):
            return frozenset[str]().union(*map(mentioned, body))
        case Guarded(conditions, body):
            tests = [test.id for test in conditions if isinstance(test, ast.Name)]
            return frozenset(tests).union(*map(mentioned, body))
    return frozenset(node.id for node in ast.walk(statement) if isinstance(node, ast.Name))


def base_of(node: ast.expr) -> str | None:
    """The name of the array or list of which ``node`` is an element."""
    while isinstance(node, ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None
