"""``while`` loops of a kernel as ``for`` loops.

Where a counter alone decides and is the last thing that changes, the loop is one over a range. Any other becomes one of as many trips as
there can be at most (``trips.py``), which is left where the condition is false.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hlsgen.loops.python.constants import OPERATORS, decided_comparison
from hlsgen.loops.python.facts import Facts, has_continue, moved_by, times_stored, values_given
from hlsgen.loops.python.guards import names_in
from hlsgen.loops.python.ranges import MOST_COPIES, assignment, located
from hlsgen.loops.python.trips import most_trips

Unused = Callable[[str], str]


@dataclass(frozen=True)
class Surroundings:
    """``before``: the statements before a loop in its block; ``counters`` of the ``for`` loops around; ``whole``: the function."""

    before: Sequence[ast.stmt]
    counters: frozenset[str]
    whole: ast.FunctionDef


def as_for(
    node: ast.While, around: Surroundings, unused: Unused, facts: Facts
) -> list[ast.stmt] | None:
    """A ``for`` loop that does the same, with what comes before and after it; None where nothing says how often it can go round."""
    counted = _counted(node, around, facts)
    if counted is not None:
        return [counted]
    trips = most_trips(node, around.before, around.whole, facts)
    return None if trips is None else _left_early(node, trips, unused)


def _counted(node: ast.While, around: Surroundings, facts: Facts) -> ast.stmt | None:
    """``while i < limit [and ...]`` whose last statement alone changes i, from a start that is known where the loop begins: a loop over a
    range, or over the list of its values where they are not those of one (``i *= 2``)."""
    tests = [node.test]
    if isinstance(node.test, ast.BoolOp) and isinstance(node.test.op, ast.And):
        tests = node.test.values
    match tests[0]:
        case ast.Compare(left=ast.Name(id=name), ops=[op], comparators=[limit]):
            stop = facts.constant(limit)
        case _:
            return None
    start = _start(name, around)
    if stop is None or start is None or times_stored(node.body, name) > 1:
        return None
    over = _range(node.body[-1], name, type(op), start, stop, facts)
    over = over or _list(node.body[-1], name, op, facts.constant(start), stop, facts)
    # What stands under ``else`` follows a false condition of data, too, which leaves the loop here.
    if over is None or has_continue(node.body) or (tests[1:] and node.orelse):
        return None
    body = copy.deepcopy(node.body[:-1])
    if tests[1:]:
        rest = tests[1] if len(tests) == 2 else ast.BoolOp(ast.And(), tests[1:])
        body.insert(0, _leave_unless(rest, node))
    ends = [assignment(name, over.end, node)] if _is_asked(name, node, around) else []
    return located(
        ast.For(
            ast.Name(name, ast.Store()),
            over.values,
            body or [located(ast.Pass(), node)],
            [*ends, *node.orelse],
        ),
        node,
    )


@dataclass(frozen=True)
class _Over:
    """``values`` of a counter, and what it is at the ``end`` of a loop that was not left."""

    values: ast.expr
    end: ast.expr


def _range(
    last: ast.stmt, name: str, op: type[ast.cmpop], start: ast.expr, stop: int, facts: Facts
) -> _Over | None:
    """A counter that moves in steps; where its start is not constant, in steps of 1."""
    step, begin = moved_by(last, name, facts.constant), facts.constant(start)
    kinds = {ast.Lt: (1, 0), ast.LtE: (1, 1), ast.Gt: (-1, 0), ast.GtE: (-1, -1)}
    if step is None or op not in kinds or (begin is None and abs(step) > 1):
        return None
    sign, further = kinds[op]
    if step * sign < 0:
        return None
    stop += further
    bounds: list[ast.expr] = [start, ast.Constant(stop), ast.Constant(step)]
    values = ast.Call(ast.Name("range", ast.Load()), bounds, [])
    if begin is not None:
        return _Over(values, ast.Constant(begin + step * len(range(begin, stop, step))))
    farther = ast.Name("max" if step > 0 else "min", ast.Load())
    return _Over(values, ast.Call(farther, [copy.deepcopy(start), ast.Constant(stop)], []))


def _list(
    last: ast.stmt, name: str, op: ast.cmpop, value: int | None, stop: int, facts: Facts
) -> _Over | None:
    """A counter whose values follow from one another by an operation with a constant."""
    given = [expression for target, expression in values_given(last) if target == name]
    match given:
        case [ast.BinOp(left=ast.Name(id=source), op=operator, right=right)] if source == name:
            by, compute = facts.constant(right), OPERATORS.get(type(operator))
        case _:
            return None
    if value is None or by is None or compute is None:
        return None
    values: list[int] = []
    while decided_comparison(op, value - stop, value - stop):
        values.append(value)
        if len(values) > MOST_COPIES:
            return None
        try:
            value = compute(value, by)
        except (ArithmeticError, ValueError):
            return None
    if not values:
        return None
    return _Over(ast.List([ast.Constant(n) for n in values], ast.Load()), ast.Constant(value))


def _is_asked(name: str, node: ast.While, around: Surroundings) -> bool:
    """Whether anything but the loop itself reads its counter."""
    whole, inside = (
        sum(
            isinstance(part, ast.Name) and part.id == name and isinstance(part.ctx, ast.Load)
            for part in ast.walk(within)
        )
        for within in (around.whole, node)
    )
    return whole > inside or bool(node.orelse)


def _start(name: str, around: Surroundings) -> ast.expr | None:
    """What the variable is where the loop begins, in constants and counters of the loops around."""
    for statement in reversed(around.before):
        values = [value for given, value in values_given(statement) if given == name]
        if values:
            here = frozenset(names_in(values[-1:]))
            return copy.deepcopy(values[-1]) if here <= around.counters - {name} else None
        if times_stored([statement], name):
            return None
    return None


def _left_early(node: ast.While, trips: int, unused: Unused) -> list[ast.stmt]:
    """As many trips as there can be, left where the condition is false; what stands under ``else`` follows unless a ``break`` left it."""
    body: list[ast.stmt] = list(node.body)
    before: list[ast.stmt] = []
    after: list[ast.stmt] = list(node.orelse)
    if node.orelse and _breaks(node.body):
        left = unused("left")
        body = _telling(node.body, left)
        before = [assignment(left, ast.Constant(False), node)]
        not_left = ast.UnaryOp(ast.Not(), ast.Name(left, ast.Load()))
        after = [located(ast.If(not_left, after, []), after[0])]
    always = isinstance(node.test, ast.Constant) and bool(node.test.value)
    first = [] if always else [_leave_unless(node.test, node)]
    counter = ast.Name(unused("trip"), ast.Store())
    over = ast.Call(ast.Name("range", ast.Load()), [ast.Constant(trips)], [])
    return [*before, located(ast.For(counter, over, [*first, *body], []), node), *after]


def _leave_unless(test: ast.expr, at: ast.AST) -> ast.stmt:
    unless = ast.UnaryOp(ast.Not(), copy.deepcopy(test))
    return located(ast.If(unless, [located(ast.Break(), at)], []), at)


def _breaks(statements: Sequence[ast.stmt]) -> bool:
    """Whether a ``break`` of the loop around, not of one inside, is in statements."""
    return any(
        isinstance(statement, ast.Break)
        or (isinstance(statement, ast.If) and _breaks([*statement.body, *statement.orelse]))
        for statement in statements
    )


def _telling(statements: Sequence[ast.stmt], left: str) -> list[ast.stmt]:
    """The statements, in which a variable becomes true before each ``break`` of the loop around."""
    parts: list[ast.stmt] = []
    for statement in statements:
        if isinstance(statement, ast.Break):
            parts.append(assignment(left, ast.Constant(True), statement))
        elif isinstance(statement, ast.If):
            body, orelse = (_telling(part, left) for part in (statement.body, statement.orelse))
            statement = located(ast.If(statement.test, body, orelse), statement)
        parts.append(statement)
    return parts
