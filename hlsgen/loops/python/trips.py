"""How often a ``while`` loop of a kernel can go round at most, by what its condition asks and what every trip does.

Four reasons are known: a variable that moves towards a limit and never back; one that is multiplied up to a limit; one that is shifted
right, divided, or loses its lowest bit; the two ends of an interval that is halved.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from hlsgen.loops.python.facts import (
    Bounds,
    Facts,
    has_continue,
    moved_by,
    times_stored,
    values_given,
)

MOST_TRIPS = 1 << 16
"""A loop that may go round more often is not taken: all of these trips would be made."""
_MIRRORED: Mapping[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.Gt,
    ast.LtE: ast.GtE,
    ast.Gt: ast.Lt,
    ast.GtE: ast.LtE,
    ast.NotEq: ast.NotEq,
}
_INVERSE: Mapping[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.GtE,
    ast.LtE: ast.Gt,
    ast.Gt: ast.LtE,
    ast.GtE: ast.Lt,
    ast.Eq: ast.NotEq,
}


def most_trips(
    node: ast.While, before: Sequence[ast.stmt], whole: ast.FunctionDef, facts: Facts
) -> int | None:
    """The most trips that the loop can make; None where no reason is known, or where there may be more than MOST_TRIPS.

    ``before``: the statements before it in its block.
    """
    loop = _Loop(node, before, whole, facts)
    counts = [loop.trips(test) for test in _conjuncts(node.test)]
    # a condition in the middle of a trip is asked once more than it holds
    counts += [
        None if trips is None else trips + 1
        for statement in node.body
        for test in _kept(statement)
        for trips in [loop.trips(test)]
    ]
    return min((n for n in counts if n is not None and n <= MOST_TRIPS), default=None)


def _conjuncts(test: ast.expr) -> Iterator[ast.expr]:
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And):
        for part in test.values:
            yield from _conjuncts(part)
    else:
        yield test


def _kept(statement: ast.stmt) -> Iterator[ast.expr]:
    """What holds where the loop was not left by this statement of its body."""
    if not (isinstance(statement, ast.If) and isinstance(statement.body[-1], ast.Break)):
        return
    tests = [statement.test]
    if isinstance(statement.test, ast.BoolOp) and isinstance(statement.test.op, ast.Or):
        tests = statement.test.values
    for test in tests:
        match test:
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                yield operand
            case ast.Compare(left=left, ops=[op], comparators=right) if type(op) in _INVERSE:
                yield ast.Compare(left, [_INVERSE[type(op)]()], right)


@dataclass(frozen=True)
class _Loop:
    node: ast.While
    before: Sequence[ast.stmt]
    whole: ast.FunctionDef
    facts: Facts

    def trips(self, test: ast.expr) -> int | None:
        """The most trips in which a condition can hold."""
        kind: type[ast.cmpop]
        match test:
            case ast.Compare(left=ast.Name(id=low), ops=[op], comparators=[ast.Name(id=high)]) if (
                times_stored(self.node.body, low) and times_stored(self.node.body, high)
            ):
                ends = (low, high) if isinstance(op, ast.Lt | ast.LtE) else (high, low)
                return self._halved(*ends, isinstance(op, ast.LtE | ast.GtE))
            case ast.Name(id=name):
                kind, limit = ast.NotEq, ast.Constant(0)
            case ast.Compare(left=ast.Name(id=name), ops=[op], comparators=[limit]):
                kind = type(op)
            case ast.Compare(left=limit, ops=[op], comparators=[ast.Name(id=name)]):
                kind = _MIRRORED.get(type(op), type(op))
            case _:
                return None
        moved = self._towards(name, kind, limit)
        if moved is None and kind in (ast.Lt, ast.LtE):
            return self._grown(name, limit)
        if moved is None and kind in (ast.NotEq, ast.Gt) and self.facts.constant(limit) == 0:
            return self._shrunk(name, signed=kind is ast.Gt)
        return moved

    def _always(self) -> list[ast.stmt]:
        """Statements that every trip that goes on executes."""
        ahead: list[ast.stmt] = []
        for statement in self.node.body:
            if has_continue([statement]):
                break
            ahead.append(statement)
        return ahead

    def _towards(self, name: str, kind: type[ast.cmpop], limit: ast.expr) -> int | None:
        """A variable that every trip moves towards a limit, and that nothing moves back: it is nowhere farther from it than at its starts."""
        constant, facts = self.facts.constant, self.facts
        steps = [moved_by(statement, name, constant) or 0 for statement in self._always()]
        step = sum(steps)
        starts: list[Bounds] = []
        others = known = 0
        for statement in ast.walk(self.whole):
            if not isinstance(statement, ast.stmt):
                continue
            moved = moved_by(statement, name, constant)
            if moved is not None:
                known, others = known + 1, others + (moved * step <= 0)
                continue
            values = [value for given, value in values_given(statement) if given == name]
            starts += map(facts.bounds, values)
            known += len(values)
        if not step or others or not starts or known != times_stored([self.whole], name):
            return None
        low, high = facts.bounds(limit)
        if kind is ast.NotEq:
            moves = sum(step != 0 for step in steps)
            if len(set(starts)) > 1 or low is None or low != high or starts[0][0] is None:
                return None
            if starts[0][0] != starts[0][1] or known != moves + len(starts):
                return None
            trips, rest = divmod(low - starts[0][0], step)
            return trips if not rest and trips >= 0 else None
        if (step > 0) != (kind in (ast.Lt, ast.LtE)) or kind not in _MIRRORED:
            return None
        first = [start[0] if step > 0 else start[1] for start in starts]
        end = high if step > 0 else low
        if end is None or any(n is None for n in first):
            return None
        farthest = max(abs(end - n) if (end - n) * step > 0 else 0 for n in first if n is not None)
        return -(-(farthest + (kind in (ast.LtE, ast.GtE))) // abs(step))

    def _grown(self, name: str, limit: ast.expr) -> int | None:
        """A variable that every trip multiplies, up to a limit: as if the limit itself still held."""
        given = [value for s in self._always() for n, value in values_given(s) if n == name]
        first, last = self._nearest(name)[0], self.facts.bounds(limit)[1]
        if len(given) != 1 or times_stored(self.node.body, name) != 1:
            return None
        match given[0]:
            case ast.BinOp(left=ast.Name(id=source), op=ast.Mult() | ast.LShift() as op, right=by):
                value = self.facts.constant(by) or 0
            case _:
                return None
        factor = value if isinstance(op, ast.Mult) else 1 << min(max(value, 0), 64)
        if source != name or factor < 2 or first is None or first < 1 or last is None:
            return None
        trips = 0
        while first <= last:
            first, trips = first * factor, trips + 1
        return trips

    def _shrunk(self, name: str, *, signed: bool) -> int | None:
        """A variable that becomes 0 by shifts to the right, divisions by constants, or the loss of its lowest bit."""
        given = [value for s in self._always() for n, value in values_given(s) if n == name]
        kinds = [kind for value in given if (kind := self._shrinking(name, value)) is not None]
        if len(kinds) != 1 or times_stored(self.node.body, name) != 1:
            return None
        low, high = self._nearest(name)
        greatest = (1 << self.facts.word.bits) - 1
        if low is not None and low >= 0 and high is not None:
            greatest = high
        elif signed:
            greatest = self.facts.word.maximum
        operator, amount = kinds[0]
        if operator == "bits":
            return greatest.bit_length()
        trips = 0
        while greatest:
            greatest = greatest >> amount if operator == "shift" else greatest // amount
            trips += 1
        return trips

    def _shrinking(self, name: str, value: ast.expr) -> tuple[str, int] | None:
        match value:
            case ast.BinOp(left=ast.Name(id=source), op=ast.RShift(), right=right) if (
                source == name
            ):
                amount = self.facts.constant(right) or 0
                return ("shift", amount) if amount > 0 else None
            case ast.BinOp(left=ast.Name(id=source), op=ast.FloorDiv(), right=right) if (
                source == name
            ):
                amount = self.facts.constant(right) or 0
                return ("divide", amount) if amount > 1 else None
            case ast.BinOp(
                left=ast.Name(id=source),
                op=ast.BitAnd(),
                right=ast.BinOp(left=ast.Name(id=again), op=ast.Sub(), right=one),
            ) if source == again == name and self.facts.constant(one) == 1:
                return "bits", 1
        return None

    def _nearest(self, name: str) -> Bounds:
        """What a variable is where the loop begins, by the nearest statement before it that assigns it."""
        for statement in reversed(self.before):
            values = [value for given, value in values_given(statement) if given == name]
            if values:
                return self.facts.bounds(values[-1])
            if times_stored([statement], name):
                break
        return None, None

    def _halved(self, low: str, high: str, closed: bool) -> int | None:
        """An interval of which every trip keeps one half without its middle (where it is half-open: the lower half with it)."""
        middles = [
            name
            for statement in self._always()
            for name, value in values_given(statement)
            if ast.unparse(value) in _middles(low, high)
        ]
        least, greatest = self._nearest(low)[0], self._nearest(high)[1]
        if len(middles) != 1 or times_stored(self.node.body, middles[0]) != 1:
            return None
        if least is None or greatest is None:
            return None
        below = f"{middles[0]} - 1"
        updates = {
            low: (f"{middles[0]} + 1",),
            high: (below,) if closed else (below, middles[0]),
        }
        stored = sum(times_stored(self.node.body, name) for name in (low, high))
        if _updates(self.node.body, updates) != stored or not _halves(self.node.body, updates):
            return None
        return max(0, greatest - least + closed).bit_length()


def _middles(low: str, high: str) -> frozenset[str]:
    """What the middle of an interval is written as."""
    whole, half = (f"({low} + {high})", f"({high} + {low})"), ("// 2", ">> 1")
    texts = [f"{a} {b}" for a in whole for b in half]
    texts += [f"{low} + (({high} - {low}) {b})" for b in half]
    return frozenset(ast.unparse(ast.parse(text)) for text in texts)


def _is_update(statement: ast.stmt, updates: Mapping[str, tuple[str, ...]]) -> bool:
    given = list(values_given(statement))
    return any(ast.unparse(value) in updates.get(name, ()) for name, value in given)


def _updates(statements: Sequence[ast.stmt], updates: Mapping[str, tuple[str, ...]]) -> int:
    """How many statements, in branches too, keep a half."""
    count = 0
    for statement in statements:
        if isinstance(statement, ast.If):
            count += _updates([*statement.body, *statement.orelse], updates)
        else:
            count += _is_update(statement, updates)
    return count


def _halves(statements: Sequence[ast.stmt], updates: Mapping[str, tuple[str, ...]]) -> bool:
    """Whether every way through statements keeps a half or leaves the loop."""
    for statement in statements:
        if isinstance(statement, ast.Break) or _is_update(statement, updates):
            return True
        branches = (statement.body, statement.orelse) if isinstance(statement, ast.If) else ()
        if branches and all(_halves(branch, updates) for branch in branches):
            return True
        if isinstance(statement, ast.Continue):
            return False
    return False
