"""Statements of a kernel, executed symbolically: one pass over the flattened body of a loop nest makes the operations of an iteration.

A statement outside the innermost loop happens where the loops inside it are all at their first (before the inner loop) or last trip
(after it); what it assigns is merged with what was there before by a select. Values that cannot change in the inner loops are computed
in every iteration instead, which needs neither a select nor a recurrence.
"""

from __future__ import annotations

import ast
import builtins
import copy
import types
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from hlsgen.loops.ir import Constant, CountedLoop, Mark, Value
from hlsgen.loops.python.builder import Builder, Guard
from hlsgen.loops.python.elements import Elements
from hlsgen.loops.python.expressions import Expressions
from hlsgen.loops.python.functions import inlined, names_of
from hlsgen.loops.python.kernel import PythonKernel
from hlsgen.loops.python.kinds import Kind, integer
from hlsgen.loops.python.nest import Bind, Item
from hlsgen.loops.python.refusals import illegal, shown, unsupported
from hlsgen.loops.python.symbols import (
    Carried,
    Element,
    Index,
    Several,
    Symbol,
    Word,
    index_of,
)

DEEPEST_CALL = 8


class Body:
    """``variables``: what every name stands for at the present point; ``written``: arrays that the nest writes; ``kinds`` of carried
    values by the names of their placeholders."""

    def __init__(
        self,
        kernel: PythonKernel,
        where: str,
        loops: tuple[CountedLoop, ...],
        variables: Mapping[str, Symbol],
        written: frozenset[str],
        kinds: Mapping[str, Kind],
    ) -> None:
        self.kernel, self.where, self.loops = kernel, where, loops
        self.builder = Builder(kernel.word, loops)
        self.elements = Elements(self.builder, where, loops, kernel.parameters, written)
        self.variables: dict[str, Symbol] = dict(variables)
        self.expressions = Expressions(
            self.builder,
            where,
            self._lookup,
            self._callee,
            self._call,
            self.elements.read,
            self.elements.shape,
        )
        self.kinds = kinds
        self.names: Mapping[str, Any] = names_of(kernel.function)
        self.carried: dict[str, Carried] = {}
        self.calls = 0

    # statements

    def block(
        self, items: tuple[Item, ...], mark: Mark | None, changed: frozenset[str] = frozenset()
    ) -> None:
        """Statements that are executed where the mark holds (None: in every iteration); ``changed``: variables that the loops
        inside assign."""
        before = dict(self.variables)
        guard = Guard(mark)
        for item in items:
            self._item(item, guard)
        if mark is not None:
            self._merge(mark, before, changed)

    def _item(self, item: Item | ast.stmt, guard: Guard) -> None:
        if isinstance(item, Bind):
            self.variables[item.variable] = index_of(item.value, self.loops)
            self.builder.copy = {**self.builder.copy, item.variable: item.value}
            return
        assert isinstance(item, ast.stmt)
        self.builder.line = item.lineno
        match item:
            case ast.Assign(targets=targets, value=value):
                found = self._owned(self.expressions.symbol(value, guard), value, len(targets))
                for target in targets:
                    self._assign(target, found, guard)
            case ast.AugAssign(target=target, op=operator, value=value):
                together = ast.copy_location(ast.BinOp(_as_read(target), operator, value), item)
                self._assign(target, self.expressions.symbol(together, guard), guard)
            case ast.If():
                self._if(item, guard)
            case ast.Pass() | ast.Expr():
                pass

    def _owned(self, found: Symbol, value: ast.expr, names: int) -> Symbol:
        """What is assigned to so many names: a list that more than one of them refers to cannot change any more."""
        if not isinstance(found, Several):
            return found
        new = names == 1 and isinstance(value, ast.List | ast.BinOp)
        return Several(tuple(map(self._shared, found.items)), new)

    def _shared(self, found: Symbol) -> Symbol:
        """A list that is known under another name from here on, as one that cannot change; and so under its present name."""
        if not isinstance(found, Several):
            return found
        fixed = Several(tuple(map(self._shared, found.items)))
        for name, symbol in self.variables.items():
            if symbol is found:
                self.variables[name] = fixed
        return fixed

    def _assign(self, target: ast.expr, found: Symbol, guard: Guard) -> None:
        match target:
            case ast.Name(id=name):
                self.variables[name] = found
            case ast.Tuple(elts=targets) | ast.List(elts=targets):
                if not isinstance(found, Several) or len(found.items) != len(targets):
                    raise unsupported(
                        self.where,
                        target,
                        f"{len(targets)} values for {shown(target)}",
                        f"{len(found.items)}" if isinstance(found, Several) else "one value",
                        "Assign as many values as there are targets.",
                    )
                for one, item in zip(targets, found.items, strict=True):
                    self._assign(one, item, guard)
            case ast.Subscript():
                self._assign_element(target, found, guard)
            case _:
                raise unsupported(
                    self.where, target, "a variable or an element", shown(target), "Assign those."
                )

    def _assign_element(self, target: ast.Subscript, found: Symbol, guard: Guard) -> None:
        base = self.expressions.symbol(_as_read(target.value), guard)
        if isinstance(base, Several):
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
            items = list(base.items)
            items[fixed] = found
            self.variables[target.value.id] = Several(tuple(items), True)
            return
        parts = target.slice.elts if isinstance(target.slice, ast.Tuple) else [target.slice]
        if not isinstance(base, Element):
            raise unsupported(
                self.where, target, "an element of an array", shown(target), "Assign those."
            )
        indices = tuple(self.expressions.scalar(part, guard) for part in parts)
        element = Element(base.array, (*base.indices, *indices))
        data = self.expressions.arithmetic.as_word(
            target, self.expressions.scalar_of(target, found)
        )
        self.elements.write(target, element, data, guard)

    def _if(self, statement: ast.If, guard: Guard) -> None:
        condition = self.expressions.truth(statement.test, guard)
        if isinstance(condition.operand, Constant):
            for inner in statement.body if condition.operand.value else statement.orelse:
                self._item(inner, guard)
            return
        before = dict(self.variables)
        for inner in statement.body:
            self._item(inner, guard.under(condition))
        yes = self.variables
        self.variables = dict(before)
        if statement.orelse:
            inverse = self.builder.inverse(condition)
            for inner in statement.orelse:
                self._item(inner, guard.under(inverse))
        no = self.variables
        self.variables = {
            name: self._chosen(name, condition, yes.get(name), no.get(name))
            for name in {**no, **yes}
        }

    # merging

    def _merge(self, mark: Mark, before: Mapping[str, Symbol], changed: frozenset[str]) -> None:
        """After statements under a mark: what they assigned holds where the mark does."""
        for name, new in self.variables.items():
            old = before.get(name)
            if new == old:
                continue
            stays = mark.edge == "first" and name not in changed
            if stays and self._stays(new, mark.level):
                continue
            if mark.edge == "first" and isinstance(new, Several) and name in changed:
                self.variables[name] = self._carried_list(name, new, mark.level)
                continue
            if mark.edge == "first" and isinstance(new, Index) and new.constant is not None:
                placeholder = self._placeholder(name, old)
                if placeholder is not None:
                    self.variables[name] = self.carry(Carried(name, new.constant, mark.level))
                    continue
            self.variables[name] = self._chosen(name, mark, new, old)

    def _carried_list(self, name: str, new: Several, level: int) -> Several:
        """A list that the inner loops change: its items are carried one by one from constants."""
        items = []
        for k, item in enumerate(new.items):
            if not (isinstance(item, Index) and item.constant is not None):
                raise unsupported(
                    self.where,
                    self.builder.line,
                    f"constants in list {name} before the loop that changes it",
                    "other values",
                    "Use variables of their own.",
                )
            items.append(self.carry(Carried(f"{name}.{k}", item.constant, level)))
        return Several(tuple(items), new.changes)

    def _stays(self, symbol: Symbol, level: int) -> bool:
        """Whether the symbol cannot change while loops ``level``, ... run, except for constants that are changed there."""
        match symbol:
            case Index():
                return bool(symbol.affine.terms)
            case Word():
                return symbol.varies <= level and not isinstance(symbol.operand, Constant)
            case Several(items):
                return all(self._stays(item, level) for item in items)
        return True

    def _placeholder(self, name: str, symbol: Symbol | None) -> Carried | None:
        """The placeholder that a variable still is."""
        if not (isinstance(symbol, Word) and isinstance(symbol.operand, Value)):
            return None
        found = self.carried.get(symbol.operand.operation)
        return found if found is not None and found.variable == name else None

    def carry(self, placeholder: Carried) -> Word:
        """A variable as what it was at the end of the iteration before."""
        self.carried[placeholder.operation] = placeholder
        start = placeholder.start
        kind = Kind() if start is None else integer(start, start)
        known = self.kinds.get(placeholder.operation, kind)
        return Word(Value(placeholder.operation), len(self.loops), known)

    def _chosen(
        self, name: str, condition: Word | Mark, new: Symbol | None, old: Symbol | None
    ) -> Symbol:
        """``new`` where the condition holds, else ``old``; where one is missing the other."""
        if new is None or old is None or new == old:
            found = new if new is not None else old
            assert found is not None
            return found
        if (
            isinstance(new, Several)
            and isinstance(old, Several)
            and len(new.items) == len(old.items)
        ):
            pairs = zip(new.items, old.items, strict=True)
            items = tuple(self._chosen(name, condition, a, b) for a, b in pairs)
            return Several(items, new.changes and old.changes)
        if not (isinstance(new, Index | Word) and isinstance(old, Index | Word)):
            return new
        yes, no = self.builder.word_of(new), self.builder.word_of(old)
        summed = self._conditional_sum(name, condition, yes, no)
        if summed is not None:
            return replace(summed, kind=yes.kind.joined(no.kind))
        return self.builder.select(condition, yes, no, hint=name)

    def _conditional_sum(
        self, name: str, condition: Word | Mark, new: Word, old: Word
    ) -> Word | None:
        """``old + (term if condition else 0)`` for a sum of ``old`` and a term: the recurrence stays one addition."""
        operations = self.builder.operations
        made = operations.get(new.operand.operation) if isinstance(new.operand, Value) else None
        if made is None or made.operator != "add" or old.operand not in made.operands:
            return None
        if not isinstance(old.operand, Value):
            return None
        terms = [operand for operand in made.operands if operand != old.operand]
        if len(terms) != 1:
            return None
        nothing = Word(Constant(0), 0)
        (term,) = terms
        product = operations.get(term.operation) if isinstance(term, Value) else None
        if product is not None and product.operator == "multiply":
            a, b = (Word(item, self._varies(item)) for item in product.operands)
            kept = self.builder.emit("multiply", self.builder.select(condition, a, nothing), b)
        else:
            word = Word(term, self._varies(term))
            kept = self.builder.select(condition, word, nothing)
        return self.builder.emit("add", old, kept, hint=name)

    def _varies(self, operand: Constant | Value) -> int:
        if isinstance(operand, Constant):
            return 0
        return self.builder.varies.get(operand.operation, len(self.loops))

    # names and elements

    def _lookup(self, node: ast.Name) -> Symbol:
        found = self.variables.get(node.id)
        if found is not None:
            placeholder = self._placeholder(node.id, found)
            if placeholder is not None and placeholder.start is None:
                raise illegal(
                    self.where,
                    node,
                    f"a value of {node.id} before it is read",
                    "none in the first iteration",
                    f"Assign {node.id} before the loop.",
                )
            return found
        if not self.calls and node.id in self.kernel.parameters:
            return Element(node.id)
        if node.id in self.names:
            return self.elements.outer(node, self.names[node.id])
        raise illegal(
            self.where, node, "a name that has a value here", f"{node.id!r}", "Define it first."
        )

    # functions

    def _callee(self, node: ast.expr) -> Any:
        """The function that a name or ``module.name`` is."""
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            module = None if node.value.id in self.variables else self.names.get(node.value.id)
            return (
                getattr(module, node.attr, None) if isinstance(module, types.ModuleType) else None
            )
        if isinstance(node, ast.Name) and node.id not in self.variables:
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
        found = inlined(self.where, self.kernel.path, node, function)
        if self.calls == DEEPEST_CALL or len(found.parameters) != len(arguments):
            raise unsupported(
                self.where,
                node,
                f"{len(found.parameters)} arguments, and calls at most {DEEPEST_CALL} deep",
                shown(node),
                "Correct the call.",
            )
        given = tuple(map(self._shared, arguments))
        outside = self.variables, self.names
        self.variables = dict(zip(found.parameters, given, strict=True))
        self.names = found.names
        self.calls += 1
        for statement in found.statements:
            self._item(statement, guard)
        result = self.expressions.symbol(found.result, guard)
        self.calls -= 1
        self.variables, self.names = outside
        return result


def _as_read(target: ast.expr) -> ast.expr:
    """A target of an assignment as an expression."""
    read = copy.deepcopy(target)
    for node in ast.walk(read):
        if isinstance(node, ast.Name | ast.Subscript | ast.Tuple | ast.List | ast.Attribute):
            node.ctx = ast.Load()
    return read
