"""Statements of a kernel, executed symbolically: one pass over the flattened body of a loop nest makes the operations of an iteration.

A statement outside the innermost loop happens where the loops inside it are all at their first (before the inner loop) or last trip
(after it); see ``variables.py`` for what it assigns.
"""

from __future__ import annotations

import ast
import builtins
import copy
import types
from collections.abc import Callable, Mapping
from typing import Any

from hlsgen.algebra.mark import Mark
from hlsgen.loops.ir import Constant, CountedLoop
from hlsgen.loops.python.builder import Builder, Guard
from hlsgen.loops.python.elements import Elements
from hlsgen.loops.python.expressions import Expressions
from hlsgen.loops.python.functions import inlined, names_of
from hlsgen.loops.python.kinds import TRUTH, Kind
from hlsgen.loops.python.nest import Bind, Guarded, Straight, Within
from hlsgen.loops.python.refusals import illegal, shown, unsupported
from hlsgen.loops.python.signature import Signature
from hlsgen.loops.python.symbols import (
    ArrayElement,
    Index,
    Several,
    Symbol,
    Word,
    constant,
    index_of,
)
from hlsgen.loops.python.variables import Variables

DEEPEST_CALL = 8


class Body:
    """``written``: arrays that the nest writes; ``kinds`` of carried values by the names of their placeholders."""

    def __init__(
        self,
        signature: Signature,
        where: str,
        loops: tuple[CountedLoop, ...],
        written: frozenset[str],
        kinds: Mapping[str, Kind],
    ) -> None:
        self.signature, self.where, self.loops = signature, where, loops
        self.builder = Builder(signature.word, loops)
        self.elements = Elements(self.builder, where, loops, signature.parameters, written)
        self.variables = Variables(self.builder, where, kinds)
        self.expressions = Expressions(
            self.builder,
            where,
            self._lookup,
            self._callee,
            self._call,
            self.elements.read,
            self.elements.shape,
        )
        self.names: Mapping[str, Any] = names_of(signature.function)
        self.given: frozenset[str] = frozenset()
        self.ranges: dict[Within, Word] = {}
        self.calls = 0

    # statements

    def block(
        self,
        statements: tuple[Straight, ...],
        mark: Mark | None,
        changed: frozenset[str] = frozenset(),
    ) -> None:
        """Statements that are executed where the mark holds (None: in every iteration); ``changed``: variables that the loops
        inside assign."""
        before = dict(self.variables.values)
        guard = Guard(mark)
        for statement in statements:
            self._execute(statement, guard)
        if mark is not None:
            self.variables.merge(mark, before, changed)

    def _execute(self, statement: Straight, guard: Guard) -> None:
        if isinstance(statement, Bind):
            self.variables.values[statement.variable] = index_of(statement.value, self.loops)
            self.builder.copy = {**self.builder.copy, statement.variable: statement.value}
            return
        if isinstance(statement, Guarded):
            self._guarded(statement, guard)
            return
        self.builder.line = statement.lineno
        match statement:
            case ast.Assign(targets=targets, value=value):
                # A list to which more than one name refers cannot change any more.
                alone = len(targets) == 1 and isinstance(value, ast.List | ast.BinOp)
                symbol = self.variables.owned(self.expressions.symbol(value, guard), alone)
                for target in targets:
                    self._assign(target, symbol, guard)
            case ast.AugAssign(target=target, op=operator, value=value):
                together = ast.BinOp(_as_read(target), operator, value)
                together = ast.copy_location(together, statement)
                self._assign(target, self.expressions.symbol(together, guard), guard)
            case ast.If():
                self._if(statement, guard)
            case ast.Pass() | ast.Expr():
                pass

    def _guarded(self, statement: Guarded, guard: Guard) -> None:
        condition = Word(Constant(1), 0, TRUTH)
        for test in statement.conditions:
            holds = (
                self._within(test)
                if isinstance(test, Within)
                else self.expressions.truth(test, guard)
            )
            condition = self.builder.both(condition, holds)
        if isinstance(condition.operand, Constant):
            for inner in statement.body if condition.operand.value else ():
                self._execute(inner, guard)
            return
        before, given = dict(self.variables.values), self.given
        self.given |= statement.given
        for inner in statement.body:
            self._execute(inner, guard.under(condition))
        self.given = given
        self.variables.values = self.variables.join(condition, self.variables.values, before)

    def _within(self, test: Within) -> Word:
        """A range of a function of loop counters as a truth."""
        if test not in self.ranges:
            self.ranges[test] = self.builder.within(
                index_of(test.value, self.loops), test.low, test.high
            )
        return self.ranges[test]

    def _assign(self, target: ast.expr, symbol: Symbol, guard: Guard) -> None:
        match target:
            case ast.Name(id=name):
                self.variables.values[name] = symbol
            case ast.Tuple(elts=targets) | ast.List(elts=targets):
                if not isinstance(symbol, Several) or len(symbol.items) != len(targets):
                    raise unsupported(
                        self.where,
                        target,
                        f"{len(targets)} values for {shown(target)}",
                        f"{len(symbol.items)}" if isinstance(symbol, Several) else "one value",
                        "Assign as many values as there are targets.",
                    )
                for one, part in zip(targets, symbol.items, strict=True):
                    self._assign(one, part, guard)
            case ast.Subscript():
                self._assign_element(target, symbol, guard)
            case _:
                raise unsupported(
                    self.where, target, "a variable or an element", shown(target), "Assign those."
                )

    def _assign_element(self, target: ast.Subscript, symbol: Symbol, guard: Guard) -> None:
        base = self.expressions.symbol(_as_read(target.value), guard)
        if isinstance(base, Several):
            self._assign_list_item(target, base, symbol, guard)
            return
        parts = target.slice.elts if isinstance(target.slice, ast.Tuple) else [target.slice]
        if not isinstance(base, ArrayElement):
            raise unsupported(
                self.where, target, "an element of an array", shown(target), "Assign those."
            )
        indices = tuple(self.expressions.scalar(part, guard) for part in parts)
        element = ArrayElement(base.array, (*base.indices, *indices))
        number = self.expressions.scalar_of(target, symbol)
        data = self.expressions.arithmetic.as_word(target, number)
        self.elements.write(target, element, data, guard)

    def _assign_list_item(
        self, target: ast.Subscript, base: Several, symbol: Symbol, guard: Guard
    ) -> None:
        if not base.changes:
            raise unsupported(
                self.where,
                target,
                "items to be assigned of a list that has one name only",
                shown(target),
                "Copy the items: [a[0], a[1]].",
            )
        place = self.expressions.scalar(target.slice, guard)
        fixed = place.constant if isinstance(place, Index) else None
        inside = fixed is not None and -len(base.items) <= fixed < len(base.items)
        if not inside or not isinstance(target.value, ast.Name):
            raise unsupported(
                self.where,
                target,
                f"a constant index of a list of {len(base.items)} items",
                shown(target),
                "Unroll the loop over the list: for k in hlsgen.unroll(range(n)).",
            )
        assert fixed is not None
        symbols = list(base.items)
        symbols[fixed] = symbol
        self.variables.values[target.value.id] = Several(tuple(symbols), True)

    def _if(self, statement: ast.If, guard: Guard) -> None:
        condition = self.expressions.truth(statement.test, guard)
        if isinstance(condition.operand, Constant):
            for inner in statement.body if condition.operand.value else statement.orelse:
                self._execute(inner, guard)
            return
        before = dict(self.variables.values)
        for inner in statement.body:
            self._execute(inner, guard.under(condition))
        yes = self.variables.values
        self.variables.values = dict(before)
        if statement.orelse:
            inverse = self.builder.inverse(condition)
            for inner in statement.orelse:
                self._execute(inner, guard.under(inverse))
        no = self.variables.values
        self.variables.values = self.variables.join(condition, yes, no)

    # names

    def _lookup(self, node: ast.Name) -> Symbol:
        symbol = self.variables.values.get(node.id)
        if symbol is not None:
            placeholder = self.variables.placeholder(node.id, symbol)
            unknown = placeholder is not None and placeholder.start is None
            if unknown and node.id not in self.given:
                raise illegal(
                    self.where,
                    node,
                    f"a value of {node.id} before it is read",
                    "none in the first iteration",
                    f"Assign {node.id} before the loop.",
                )
            return symbol
        if not self.calls and node.id in self.signature.parameters:
            if self.signature.parameters[node.id].scalar:
                return self.elements.read(node, ArrayElement(node.id, (constant(0),)), Guard())
            return ArrayElement(node.id)
        if node.id in self.names:
            return self.elements.outer(node, self.names[node.id])
        raise illegal(
            self.where, node, "a name that has a value here", f"{node.id!r}", "Define it first."
        )

    # functions

    def _callee(self, node: ast.expr) -> Any:
        """The function that a name or ``module.name`` is."""
        values = self.variables.values
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            module = None if node.value.id in values else self.names.get(node.value.id)
            return (
                getattr(module, node.attr, None) if isinstance(module, types.ModuleType) else None
            )
        if isinstance(node, ast.Name) and node.id not in values:
            return self.names.get(node.id, getattr(builtins, node.id, None))
        return None

    def _call(
        self,
        node: ast.Call,
        function: Callable[..., Any],
        arguments: tuple[Symbol, ...],
        guard: Guard,
    ) -> Symbol:
        """A function in place of its call."""
        callee = inlined(self.where, self.signature.path, node, function)
        if self.calls == DEEPEST_CALL or len(callee.parameters) != len(arguments):
            raise unsupported(
                self.where,
                node,
                f"{len(callee.parameters)} arguments, and calls at most {DEEPEST_CALL} deep",
                shown(node),
                "Correct the call.",
            )
        given = tuple(map(self.variables.shared, arguments))
        outside = self.variables.values, self.names
        self.variables.values = dict(zip(callee.parameters, given, strict=True))
        self.names = callee.names
        self.calls += 1
        for statement in callee.statements:
            self._execute(statement, guard)
        result = self.expressions.symbol(callee.result, guard)
        self.calls -= 1
        self.variables.values, self.names = outside
        return result


def _as_read(target: ast.expr) -> ast.expr:
    """A target of an assignment as an expression."""
    read = copy.deepcopy(target)
    for node in ast.walk(read):
        if isinstance(node, ast.Name | ast.Subscript | ast.Tuple | ast.List | ast.Attribute):
            node.ctx = ast.Load()
    return read
