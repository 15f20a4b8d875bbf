"""Loops of a kernel in the one form that is read: a counter over a range, without jumps.

What follows a ``continue`` goes under an ``else``, or under a variable that says whether the trip goes on; a ``break`` sets a variable that
says whether the loop does (Peterson, Kasami & Tokura, "On the capabilities of while, repeat, and exit statements", 1973). The loop itself
keeps all of its trips. Loops over arrays, ``enumerate``, ``zip`` and ``reversed`` become loops over indices, ``while`` loops such of as many
trips as they can have (``bounded_while.py``).
"""

from __future__ import annotations

import ast
import copy
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hlsgen.loops.python.bounded_while import Surroundings, as_for
from hlsgen.loops.python.facts import Facts
from hlsgen.loops.python.guards import names_in
from hlsgen.loops.python.ranges import ConstantValue, as_range, assignment, bounded, located

LEFT = (ast.Break, ast.Continue)


def structured(function: ast.FunctionDef, facts: Facts) -> ast.FunctionDef:
    """The function with its loops in that form; what has no such form is left as it is."""
    whole = copy.deepcopy(function)
    structure = _Structure(function, facts)
    whole.body = structure.block(whole.body, None)
    return ast.fix_missing_locations(whole)


@dataclass
class _Jumps:
    """Variables of one loop: ``going`` says whether it was not left, ``here`` whether its trip was not ended; empty until they are needed."""

    unused: Callable[[str], str]
    going: str = ""
    here: str = ""

    def statement(self, jump: ast.stmt) -> ast.stmt:
        """The assignment in place of a jump."""
        if isinstance(jump, ast.Break):
            self.going = self.going or self.unused("going")
            return assignment(self.going, ast.Constant(False), jump)
        self.here = self.here or self.unused("here")
        return assignment(self.here, ast.Constant(False), jump)


class _Structure:
    """``every``: how often each name is in the function; ``counters`` of the loops around."""

    def __init__(self, function: ast.FunctionDef, facts: Facts) -> None:
        self.function, self.facts, self.constant = function, facts, facts.constant
        self.every = Counter(names_in([function]))
        self.names = set(self.every)
        self.counters: frozenset[str] = frozenset()

    def unused(self, stem: str) -> str:
        """A name that nothing else has."""
        while stem in self.names:
            stem += "_"
        self.names.add(stem)
        return stem

    def block(
        self, statements: Sequence[ast.stmt], jumps: _Jumps | None, last: bool = False
    ) -> list[ast.stmt]:
        """Statements without jumps; ``jumps``: of the loop around; ``last``: nothing follows them in its trip."""
        done: list[ast.stmt] = []
        for k, statement in enumerate(statements):
            if isinstance(statement, ast.For):
                done += self._loop(statement)
            elif isinstance(statement, ast.While):
                done += self._while(statement, statements[:k])
            elif jumps is not None and isinstance(statement, LEFT):
                if last and isinstance(statement, ast.Continue):
                    return done
                return [*done, jumps.statement(statement)]
            elif jumps is not None and isinstance(statement, ast.If) and _has_jump([statement]):
                return [*done, *self._branch(statement, statements[k + 1 :], jumps, last)]
            else:
                if isinstance(statement, ast.If):
                    statement.body = self.block(statement.body, jumps)
                    statement.orelse = self.block(statement.orelse, jumps)
                done.append(statement)
        return done

    def _branch(
        self, node: ast.If, rest: Sequence[ast.stmt], jumps: _Jumps, last: bool
    ) -> list[ast.stmt]:
        """A condition with jumps in it, and what follows it in its block."""
        for ends, goes_on in ((node.body, node.orelse), (node.orelse, node.body)):
            if ends and isinstance(ends[-1], LEFT) and not _has_jump([*ends[:-1], *goes_on]):
                ended, other = self.block(ends, jumps, last), [*goes_on, *rest]
                other = self.block(other, jumps, last)
                body, orelse = (ended, other) if ends is node.body else (other, ended)
                node.body, node.orelse = body or [located(ast.Pass(), node)], orelse
                return [node]
        asked = [kind for kind in LEFT if _has_jump([node], (kind,))]
        ends_there = last and not rest
        node.body = self.block(node.body, jumps, ends_there) or [located(ast.Pass(), node)]
        node.orelse = self.block(node.orelse, jumps, ends_there)
        after = self.block(rest, jumps, last)
        flags = [jumps.going if kind is ast.Break else jumps.here for kind in asked]
        tests: list[ast.expr] = [ast.Name(flag, ast.Load()) for flag in flags if flag]
        if not after or not tests:
            return [node, *after]
        test = tests[0] if len(tests) == 1 else ast.BoolOp(ast.And(), tests)
        return [node, located(ast.If(test, after, []), after[0])]

    def _while(self, node: ast.While, before: Sequence[ast.stmt]) -> list[ast.stmt]:
        """A loop over its trips, with what comes before and after it; the loop itself where nothing says how many there are."""
        around = Surroundings(before, self.counters, self.function)
        parts = as_for(node, around, self.unused, self.facts)
        return [node] if parts is None else self.block(parts, None)

    def _loop(self, node: ast.For) -> list[ast.stmt]:
        """A loop in the form that is read, with what comes before and after it."""
        node = as_range(node, self.unused, self.constant)
        outside = self._read_outside(node)
        jumps = _Jumps(self.unused)
        counters = self.counters
        if isinstance(node.target, ast.Name):
            self.counters |= {node.target.id}
        body = self.block(node.body, jumps, last=True) or [located(ast.Pass(), node)]
        self.counters = counters
        orelse = self.block(node.orelse, None)
        before: list[ast.stmt] = []
        after: list[ast.stmt] = []
        if jumps.here:
            body.insert(0, assignment(jumps.here, ast.Constant(True), node))
        if jumps.going:
            if isinstance(node.target, ast.Name) and outside:
                kept = self.unused(f"{node.target.id}_kept")
                counter = ast.Name(node.target.id, ast.Load())
                before.append(assignment(kept, ast.Constant(0), node))
                body.insert(0, assignment(kept, counter, node))
                after.append(assignment(node.target.id, ast.Name(kept, ast.Load()), node))
            before.append(assignment(jumps.going, ast.Constant(True), node))
            going = ast.Name(jumps.going, ast.Load())
            body = [located(ast.If(going, body, []), node)]
            if orelse:
                orelse = [located(ast.If(going, orelse, []), orelse[0])]
        node.body, node.orelse = body, []
        if not outside:
            before += bounded(node, self.unused, self.constant)
        return [*before, node, *after, *orelse]

    def _read_outside(self, node: ast.For) -> bool:
        """Whether the counter is anywhere but in its loop."""
        if not isinstance(node.target, ast.Name):
            return True
        name = node.target.id
        return names_in([node]).count(name) < self.every[name]


def lists_of(function: ast.FunctionDef, constant: ConstantValue) -> dict[str, tuple[int, ...]]:
    """Variables to which lists are assigned, each with zeros in the place of the items of the last: what ``len`` asks."""
    lists: dict[str, tuple[int, ...]] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and (items := _items(node.value, constant)) is not None:
            lists |= {target.id: items for target in node.targets if isinstance(target, ast.Name)}
    return lists


def _items(node: ast.expr, constant: ConstantValue) -> tuple[int, ...] | None:
    match node:
        case ast.List(elts=elements):
            return (0,) * len(elements)
        case ast.BinOp(left=ast.List(elts=elements), op=ast.Mult(), right=count):
            return (0,) * (len(elements) * (constant(count) or 0))
    return None


def _has_jump(statements: Sequence[ast.stmt], kinds: tuple[type[ast.stmt], ...] = LEFT) -> bool:
    """Whether there are jumps of the loop around, not of one inside, in statements."""
    for statement in statements:
        if isinstance(statement, kinds):
            return True
        if isinstance(statement, ast.If) and _has_jump([*statement.body, *statement.orelse], kinds):
            return True
    return False
